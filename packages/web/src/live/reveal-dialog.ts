import { formatIn } from "@mailfleet/core/browser";
import type { ActionRun, LetterItem, RevealedLetter } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { Actions } from "./actions.ts";
import { type OpenDialog, openDialog } from "./dialog.ts";
import type { PageHandle } from "./page.ts";

/** One message's words, asked for with a reason, on record, as text only, gone after some minutes: it is somebody else's mail. */
export function revealLetter(letter: LetterItem, page: PageHandle, actions: Actions): void {
  let reason = "";
  let isAsked = false;
  let shown: RevealedLetter | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  const forget = (): void => {
    clearInterval(timer);
    shown = undefined;
    actions.forget("reveal");
  };
  const ask = async (dialog: OpenDialog): Promise<void> => {
    isAsked = true;
    dialog.draw();
    const run: ActionRun | undefined = await actions.run({ verb: "reveal", target: { letter: letter.id }, reason: reason.trim() });
    isAsked = false;
    shown = run?.result?.kind === "letter" ? run.result.letter : undefined;
    if (shown === undefined) return dialog.close();
    timer = setInterval(() => {
      if (shown !== undefined && shown.hideAt <= page.now()) dialog.close();
      else dialog.draw();
    }, 1_000);
    dialog.draw();
  };
  openDialog("Reveal one message", (dialog) => (shown === undefined ? question(dialog) : content(shown, dialog)), forget);

  function question(dialog: OpenDialog): TemplateResult {
    return html`<form
      class="dialog-body"
      @submit=${(event: Event) => {
        event.preventDefault();
        if (reason.trim() !== "" && !isAsked) void ask(dialog);
      }}
    >
      <h2>Reveal one message</h2>
      <p>
        Sender, subject and text of ${place(letter)} are shown here, as text, for some minutes. That you looked, and why, stands in the
        activity.
      </p>
      <label class="field"
        ><span>Reason</span
        ><input
          type="text"
          maxlength="200"
          required
          autocomplete="off"
          @input=${(event: Event) => {
            reason = (event.target as HTMLInputElement).value;
            dialog.draw();
          }}
      /></label>
      <div class="dialog-buttons">
        <button class="button" type="button" autofocus @click=${() => dialog.close()}>Cancel</button>
        <button class="button primary" type="submit" ?disabled=${reason.trim() === "" || isAsked}>Reveal</button>
      </div>
    </form>`;
  }

  function content(one: RevealedLetter, dialog: OpenDialog): TemplateResult {
    return html`<div class="dialog-body">
      <h2>${one.subject === "" ? "No subject" : one.subject}</h2>
      <p class="muted">From ${one.from}. Hidden again ${formatIn(one.hideAt, page.now())}.</p>
      <pre class="message-text" tabindex="0" role="group" aria-label="Text of the message">${one.text}</pre>
      ${one.isCut ? html`<p class="muted">The text is longer; this is its beginning.</p>` : nothing}
      <div class="dialog-buttons"><button class="button primary" type="button" autofocus @click=${() => dialog.close()}>Hide</button></div>
    </div>`;
  }
}

function place({ mailbox, folder, uid }: LetterItem): string {
  const where = [mailbox, folder, uid === undefined ? undefined : `UID ${uid}`].filter((part) => part !== undefined);
  return where.length === 0 ? "this message" : where.join(", ");
}
