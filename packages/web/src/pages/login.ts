import type { LoginShell } from "@mailfleet/core/console";
import { html, nothing, render, type TemplateResult } from "lit-html";
import { errorWords, postJson } from "../live/api.ts";

const main = document.querySelector<HTMLElement>("#main") as HTMLElement;
const { page } = JSON.parse(document.querySelector("#page")?.textContent ?? "") as LoginShell;
let { failure } = page.data;
let isBusy = false;

main.replaceChildren();
draw();
main.querySelector<HTMLElement>("input, a.primary")?.focus();

function draw(): void {
  const { ways } = page.data;
  render(ways.includes("password") ? passwordForm() : elsewhere(ways.includes("oidc")), main);
}

function passwordForm(): TemplateResult {
  return html`<form
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
    ${why()}
    <button class="button primary" type="submit" ?disabled=${isBusy}>Sign in</button>
  </form>`;
}

/** The address stays in the link, so that the page that was asked for is shown afterwards. */
function elsewhere(isService: boolean): TemplateResult {
  const isBack = location.pathname.startsWith("/login/");
  const to = isBack ? "/" : `${location.pathname}${location.search}`;
  return html`<div class="login card pad stack">
    <h1 tabindex="-1">Sign in</h1>
    ${why()}
    ${
      isService
        ? html`<a class="button primary" href=${`/login/oidc?to=${encodeURIComponent(to)}`}>Sign in with your organisation</a>`
        : html`<p>The proxy in front of this console signs people in, and it named nobody. Open the console by the proxy's address.</p>`
    }
  </div>`;
}

function why(): TemplateResult | typeof nothing {
  return failure === undefined ? nothing : html`<p class="role-yours role-text" role="alert">${failure}</p>`;
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
