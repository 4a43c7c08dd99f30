import { comingUpWords } from "@mailfleet/core/browser";
import type { ComingUpItem } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";
import { tenantLink } from "../model/links.ts";
import { icon } from "./icon.ts";

/** Credentials that end soon: known before they stop anything. */
export function comingUpSection(items: readonly ComingUpItem[], { now, zone }: ViewContext): TemplateResult | typeof nothing {
  if (items.length === 0) return nothing;
  return html`<section class="section" aria-labelledby="coming">
    <h2 id="coming">Coming up</h2>
    <div class="card causes">
      ${items.map((item) => {
        const { what, whom } = comingUpWords(item, now, zone);
        return html`<article class="cause role-late">
          ${icon("triangle")}
          <p><strong>${item.tenant}:</strong> ${what}</p>
          <span class="nowrap">${whom}</span>
          <a class="button" href="${tenantLink(item.tenant)}#rotate" aria-label="Rotate the credential of ${item.tenant}">Rotate</a>
        </article>`;
      })}
    </div>
  </section>`;
}
