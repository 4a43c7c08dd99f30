import { html, type TemplateResult } from "lit-html";
import { copyText } from "../live/copy.ts";
import { icon } from "./icon.ts";

/** A command as it is pasted, never cut, with its Copy. */
export function command(text: string): TemplateResult {
  const isBlock = text.includes("\n");
  return html`<div class="command ${isBlock ? "block" : ""}">
    <code tabindex="0" role="group" aria-label="Command">${text}</code>
    <button
      class="button quiet"
      type="button"
      aria-label="Copy: ${isBlock ? "these commands" : text}"
      @click=${(event: Event) => copyText(text, event.currentTarget)}
    >
      ${icon("copy")}<span data-copy>Copy</span>
    </button>
  </div>`;
}
