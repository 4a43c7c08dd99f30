import { describeCause, formatCounted } from "@mailfleet/core/browser";
import type { CauseItem, FleetSummary, IntakeWords, LaneWords } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";
import { causeLink, listLink } from "../model/links.ts";
import { command } from "./command.ts";
import { icon } from "./icon.ts";

/** What is said of all mailboxes at once. */
type Wide = Pick<FleetSummary, "intake" | "lanes">;

const nothingWide: Wide = { lanes: [] };

/** What needs a person: each with its one way to mend it. Empty: that is said too. */
export function needsYou(causes: readonly CauseItem[], context: ViewContext, { intake, lanes }: Wide = nothingWide): TemplateResult {
  const yours = causes.filter(({ owner }) => owner === "you");
  const isIntake = intake?.owner === "you";
  if (yours.length === 0 && lanes.length === 0 && !isIntake)
    return html`<div class="card nothing">
      ${icon("check")}
      <p>Nothing needs you.</p>
    </div>`;
  return html`<div class="card causes">
    ${isIntake && intake !== undefined ? wideRow(intake) : nothing} ${lanes.map((one) => wideRow({ ...one, owner: "you" }))}
    ${yours.map((cause) => causeRow(cause, context))}
  </div>`;
}

function causeRow(cause: CauseItem, { now, zone }: ViewContext): TemplateResult {
  const words = describeCause(cause, { now, zone });
  return html`<article class="cause ${cause.state === "parked" ? "role-yours" : "role-moving"}">
    ${icon(cause.state === "parked" ? "octagon" : "clock")}
    <h3 class="cause-line">${words.line}</h3>
    <a class="nowrap" href=${listLink({ causes: [cause.id] })}>${formatCounted(cause.mailboxCount, "mailbox", "mailboxes")}</a>
    <a class="button" href=${causeLink(cause.id)} aria-label="How to mend it: ${words.label}">How to mend it</a>
    <p class="cause-next">${words.next}</p>
  </article>`;
}

/** What is about everybody has no mailboxes to list: intake that is held back, a lane without a worker. */
function wideRow({
  happened,
  next,
  youCan,
  command: line,
  owner,
}: Omit<IntakeWords, "code"> | (LaneWords & Pick<IntakeWords, "owner">)): TemplateResult {
  return html`<article class="cause ${owner === "you" ? "role-yours" : "role-moving"}">
    ${icon(owner === "you" ? "octagon" : "clock")}
    <h3 class="cause-line">${happened}</h3>
    <span></span><span></span>
    <p class="cause-next">${next} ${youCan}</p>
    ${line === undefined ? nothing : html`<div class="cause-next">${command(line)}</div>`}
  </article>`;
}

/** What ends without anybody: a line each, with when. */
export function recoversByItself(
  causes: readonly CauseItem[],
  { now, zone }: ViewContext,
  { intake }: Wide = nothingWide,
): TemplateResult | typeof nothing {
  const own = causes.filter(({ owner }) => owner === "self");
  const isIntake = intake?.owner === "self";
  if (own.length === 0 && !isIntake) return nothing;
  return html`<section class="section" aria-labelledby="recovers">
    <h2 id="recovers">Recovers by itself</h2>
    <div class="card causes">
      ${isIntake && intake !== undefined ? wideRow(intake) : nothing}
      ${own.map(
        (cause) =>
          html`<article class="cause role-moving">
            ${icon("clock")}
            <p>${describeCause(cause, { now, zone }).line}</p>
            <a class="nowrap" href=${listLink({ causes: [cause.id] })}>${formatCounted(cause.mailboxCount, "mailbox", "mailboxes")}</a>
            <a class="button quiet" href=${causeLink(cause.id)} aria-label="About it: ${cause.code}">About it</a>
          </article>`,
      )}
    </div>
  </section>`;
}
