import type { LoginShell } from "@mailfleet/core/console";
import { html, nothing, render } from "lit-html";
import { errorWords, postJson } from "../live/api.ts";

const main = document.querySelector<HTMLElement>("#main") as HTMLElement;
const { page } = JSON.parse(document.querySelector("#page")?.textContent ?? "") as LoginShell;
let failure: string | undefined;
let isBusy = false;

main.replaceChildren();
draw();
main.querySelector<HTMLInputElement>("input")?.focus();

function draw(): void {
  render(
    html`<form
      class="login card pad stack"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        void signIn(new FormData(event.target as HTMLFormElement));
      }}
    >
      <h1 tabindex="-1">Sign in</h1>
      <label class="field"
        ><span>Name</span><input type="text" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required
      /></label>
      <label class="field"><span>Password</span><input type="password" name="password" autocomplete="current-password" required /></label>
      ${failure === undefined ? nothing : html`<p class="role-yours role-text" role="alert">${failure}</p>`}
      <button class="button primary" type="submit" ?disabled=${isBusy}>Sign in</button>
    </form>`,
    main,
  );
}

async function signIn(form: FormData): Promise<void> {
  isBusy = true;
  failure = undefined;
  draw();
  try {
    const word = (name: string): string => {
      const value = form.get(name);
      return typeof value === "string" ? value : "";
    };
    await postJson("/api/login", { name: word("name"), password: word("password") }, page.data.token);
    // The same address, now with its page.
    location.reload();
  } catch (error) {
    const { what, todo } = errorWords(error);
    failure = todo === undefined ? what : `${what} ${todo}`;
    isBusy = false;
    draw();
  }
}
