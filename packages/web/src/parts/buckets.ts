import { ageBuckets, formatCount } from "@mailfleet/core/browser";
import { html, type TemplateResult } from "lit-html";
import { bucketLink } from "../model/links.ts";
import { setVariable } from "./set-variable.ts";

/** How long ago mailboxes were checked: bars made of elements, each with its number, each a link to its list. */
export function lastChecked(ages: readonly number[], freshWithinMs: number, tenant?: string): TemplateResult {
  const most = Math.max(1, ...ages);
  return html`<section class="section" aria-labelledby="checked">
    <h2 id="checked">Last checked</h2>
    <ul class="card pad buckets">
      ${ageBuckets.map(({ label, fromMs, toMs }, i) => {
        const count = ages[i] ?? 0;
        return html`<li class="bucket ${fromMs >= freshWithinMs ? "role-late" : "role-calm"}">
          <span class="muted nowrap">${label}</span>
          <span class="bucket-bar" aria-hidden="true"
            ><i class=${count === 0 ? "zero" : ""} ${setVariable("--share", count / most)}></i
          ></span>
          <a class="number" href=${bucketLink(i, tenant)}
            >${formatCount(count)}<span class="said">
              ${count === 1 ? "mailbox" : "mailboxes"}, checked ${toMs === undefined ? "longer ago, or never" : `${label} ago`}</span
            ></a
          >
        </li>`;
      })}
    </ul>
  </section>`;
}
