import { formatAgo, formatCounted, formatRate, pushSentence } from "@mailfleet/core/browser";
import type { FleetPage } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { LateCharts } from "../live/late-charts.ts";
import type { ViewContext } from "../live/page.ts";
import { patchSummary } from "../model/apply-patch.ts";
import { lastChecked } from "../parts/buckets.ts";
import { needsYou, recoversByItself } from "../parts/causes.ts";
import { comingUpSection } from "../parts/coming-up.ts";
import { command } from "../parts/command.ts";
import { failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { ledgerSum } from "../parts/ledger.ts";
import { processesLine } from "../parts/processes.ts";
import { statesBar, statesLegend } from "../parts/states.ts";
import { tenantTable } from "../parts/tenants.ts";
import { openPage, startPage } from "./open-page.ts";

const page = openPage<"fleet">({
  name: "fleet",
  view,
  patch: (data, patch) => ({ data: { ...data, summary: patchSummary(data.summary, patch) }, reload: patch.isMore }),
});
const charts = new LateCharts(page);
startPage(page);

function view(data: FleetPage, context: ViewContext): TemplateResult {
  const { summary } = data;
  if (summary.mailboxes === 0) return empty(context);
  return html`
    ${pageHead({ heading: context.frame.sentence, sub: sub(data, context) })} ${failed(page.failure, () => void page.reload())}
    <section class="section" aria-label="States">
      <div>${statesBar(summary.states)} ${statesLegend(summary.states)}</div>
    </section>
    ${missing(data, context)}
    <section class="section" aria-labelledby="needs">
      <h2 id="needs">Needs you</h2>
      ${needsYou(summary.causes, context, summary)}
    </section>
    ${comingUpSection(data.comingUp, context)} ${recoversByItself(summary.causes, context, summary)}
    <section class="section" aria-labelledby="ledger">
      <h2 id="ledger">Ledger</h2>
      <div class="card pad">${ledgerSum(summary.ledger)}</div>
    </section>
    <div class="columns">${lastChecked(summary.ages, context.frame.freshWithinMs)} ${processesLine(data, context)}</div>
    ${charts.view(context)} ${tenantTable(summary.tenants, context)}
  `;
}

function sub({ summary, push }: FleetPage, context: ViewContext): TemplateResult {
  const { oldestCheck, messagesPerSecond } = summary;
  return html`<ul class="inline-facts">
      <li>${formatRate(messagesPerSecond).replace("/s", " messages/s")} handed off</li>
      ${oldestCheck === undefined ? nothing : html`<li>oldest check ${formatAgo(oldestCheck, context.now)}</li>`}
      ${push === undefined ? nothing : html`<li>push: ${pushSentence(push)}</li>`}
      ${context.frame.isSandbox ? html`<li>sandbox: <a href="/sandbox">break something</a></li>` : nothing}
    </ul>
    ${readOnlyLine(context)}`;
}

/** Nothing moves without both roles: said before everything else. */
function missing({ missingRoles }: FleetPage, { frame }: ViewContext): TemplateResult | typeof nothing {
  if (missingRoles.length === 0) return nothing;
  return html`<div class="card pad failed" role="status">
    <p><strong>No ${missingRoles.join(" and no ")} is alive.</strong> Nothing moves without one; mail waits on the server.</p>
    ${command(missingRoles.map((role) => `npx mailfleet ${role}${frame.options}`).join("\n"))}
  </div>`;
}

function empty(context: ViewContext): TemplateResult {
  return html`${pageHead({ heading: context.frame.sentence })}
    <div class="empty">
      <p>Mailboxes appear here as soon as they are in the configuration or imported.</p>
      ${command(`npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run${context.frame.options}`)}
      <p class="muted">${formatCounted(0, "mailbox", "mailboxes")} so far. The page needs no reload.</p>
    </div>`;
}
