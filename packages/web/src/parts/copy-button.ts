import { html, nothing, type TemplateResult } from "lit-html";
import { copyText } from "../live/copy.ts";

/** Copies a command that is not shown beside it; nothing where there is none. */
export function copyButton(command: string | undefined): TemplateResult | typeof nothing {
  if (command === undefined) return nothing;
  return html`<button
    class="button quiet"
    type="button"
    title=${command}
    aria-label="Copy the command: ${command}"
    @click=${(event: Event) => copyText(command, event.currentTarget)}
  >
    <span data-copy>Copy</span>
  </button>`;
}
