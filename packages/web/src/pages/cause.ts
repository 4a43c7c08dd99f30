import { describeCause, formatAgo, formatClock, formatCounted } from "@mailfleet/core/browser";
import type { CausePage } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { Actions } from "../live/actions.ts";
import { LateResults } from "../live/late-results.ts";
import type { ViewContext } from "../live/page.ts";
import { patchListed } from "../live/row-news.ts";
import { listLink, tenantLink } from "../model/links.ts";
import { command } from "../parts/command.ts";
import { actionButton, failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { mailboxTable } from "../parts/mailbox-table.ts";
import { openPage, startPage } from "./open-page.ts";

const page = openPage<"cause">({ name: "cause", view, patch: patchListed });
const actions = new Actions(page);
const results = new LateResults(page, actions);
startPage(page);

function view(data: CausePage, context: ViewContext): TemplateResult {
  const { cause, rows, total, explanation } = data;
  const { now, zone } = context;
  const words = describeCause(cause, { now, zone });
  return html`
    ${pageHead({ heading: words.happened, crumbs: crumbs(data), sub: sub(data, context), buttons: buttons(data, context) })}
    ${failed(page.failure, () => void page.reload())} ${results.view(context)}
    <div class="columns">
      <section class="section" aria-labelledby="next">
        <h2 id="next">What happens next</h2>
        <div class="card pad stack">
          <p>${words.next}</p>
          ${lastWords(cause.text)}
        </div>
      </section>
      <section class="section" aria-labelledby="mend">
        <h2 id="mend">How to mend it</h2>
        <div class="card pad stack">
          <p>${words.youCan}</p>
          ${
            cause.doctor === undefined
              ? nothing
              : html`<p class="muted">The doctor checks each step and prints the lines to paste:</p>
                  ${command(cause.doctor)}`
          }
          ${
            cause.resume === undefined
              ? nothing
              : html`<p class="muted">When it is mended, this makes them go on at once:</p>
                  ${command(cause.resume)}`
          }
        </div>
      </section>
    </div>
    ${
      explanation.length === 0
        ? nothing
        : html`<section class="section" aria-labelledby="why">
            <h2 id="why">About ${cause.code}</h2>
            <div class="card pad prose-card">${explanation.map((line) => html`<p>${line}</p>`)}</div>
          </section>`
    }
    <section class="section" aria-labelledby="whom">
      <div class="section-head">
        <h2 id="whom">Whom it hits</h2>
        <a class="more" href=${listLink({ causes: [cause.id] })}>All ${formatCounted(total, "mailbox", "mailboxes")} as a list</a>
      </div>
      ${
        rows.length === 0
          ? html`<div class="empty"><p>Nobody any more: it is over.</p></div>`
          : mailboxTable({ caption: words.happened, rows, hasTenant: cause.tenant === undefined }, context)
      }
    </section>
  `;
}

function crumbs({ cause }: CausePage): TemplateResult {
  const { tenant, id } = cause;
  return html`<a href="/">Fleet</a> / ${tenant === undefined ? nothing : html`<a href=${tenantLink(tenant)}>${tenant}</a> / `}cause ${id}`;
}

function sub({ cause, total }: CausePage, context: ViewContext): TemplateResult {
  const { now, zone } = context;
  return html`<ul class="inline-facts">
      <li>${formatCounted(total, "mailbox", "mailboxes")}</li>
      <li>since ${formatClock(cause.since, { now, zone })}, ${formatAgo(cause.since, now)}</li>
      <li>${formatCounted(cause.tries, "try", "tries")}</li>
      <li>${cause.owner === "you" ? "needs you" : "recovers by itself"}</li>
    </ul>
    ${readOnlyLine(context)}`;
}

function lastWords(text: string): TemplateResult | typeof nothing {
  return text === ""
    ? nothing
    : html`<p class="muted">The last words were:</p>
        <p class="quote"><code>${text}</code></p>`;
}

function buttons({ cause }: CausePage, context: ViewContext): TemplateResult {
  const [first] = cause.mailboxes;
  const mailbox = cause.tenant === undefined || first === undefined ? undefined : `${cause.tenant}/${first}`;
  const target =
    cause.scope === "tenant" && cause.tenant !== undefined ? { tenant: cause.tenant } : mailbox === undefined ? undefined : { mailbox };
  const isBusy = actions.latest("doctor")?.state === "running";
  return html`${actionButton({ label: "Try now", css: "primary", onClick: () => void actions.ask({ verb: "try", select: { cause: cause.id } }) }, context)}
  ${target === undefined ? nothing : actionButton({ label: "Run doctor", isBusy, onClick: () => void actions.run({ verb: "doctor", target }) }, context)}
  ${actionButton({ label: "Park", onClick: () => void actions.ask({ verb: "park", select: { cause: cause.id } }) }, context)}`;
}
