import { html, type TemplateResult } from "lit-html";
import { type IconName, iconId } from "../sprite.ts";

/** Decoration: the word beside it says the same. */
export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" aria-hidden="true"><use href="#${iconId(name)}"></use></svg>`;
}
