import { formatCount, formatCounted, formatDay, formatIn, formatRate } from "@mailfleet/core/browser";
import type { CredentialItem, TenantPage } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { Actions } from "../live/actions.ts";
import { LateCharts } from "../live/late-charts.ts";
import { LateResults } from "../live/late-results.ts";
import type { ViewContext } from "../live/page.ts";
import { patchListed } from "../live/row-news.ts";
import { credentialKinds } from "../model/credentials.ts";
import { listLink } from "../model/links.ts";
import { lastChecked } from "../parts/buckets.ts";
import { needsYou, recoversByItself } from "../parts/causes.ts";
import { comingUpSection } from "../parts/coming-up.ts";
import { command } from "../parts/command.ts";
import { actionButton, failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { ledgerSum } from "../parts/ledger.ts";
import { mailboxTable } from "../parts/mailbox-table.ts";
import { statesBar, statesLegend } from "../parts/states.ts";
import { ago } from "../parts/time.ts";
import { openPage, startPage } from "./open-page.ts";

const alias = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const page = openPage<"tenant">({ name: "tenant", view, patch: patchListed });
const charts = new LateCharts(page, alias);
const actions = new Actions(page);
const results = new LateResults(page, actions);
startPage(page);

function view(data: TenantPage, context: ViewContext): TemplateResult {
  const { tenant, causes, comingUp, rows, total } = data;
  return html`
    ${pageHead({
      heading: `${tenant.alias}: ${startLower(data.sentence)}`,
      crumbs: html`<a href="/">Fleet</a> / tenant ${tenant.alias}`,
      sub: sub(data, context),
      buttons: buttons(data, context),
    })}
    ${failed(page.failure, () => void page.reload())}
    <section class="section" aria-label="States">
      <div>${statesBar(tenant.states)} ${statesLegend(tenant.states, tenant.alias)}</div>
    </section>
    ${results.view(context)}
    <section class="section" aria-labelledby="needs">
      <h2 id="needs">Needs you</h2>
      ${needsYou(causes, context)}
    </section>
    ${comingUpSection(comingUp, context)} ${recoversByItself(causes, context)}
    <div class="columns">${credentials(data, context)} ${steps(data)}</div>
    <section class="section" aria-labelledby="ledger">
      <h2 id="ledger">Ledger</h2>
      <div class="card pad">${ledgerSum(tenant.ledger)}</div>
    </section>
    <div class="columns">${lastChecked(data.ages, context.frame.freshWithinMs, tenant.alias)} ${logins(data, context)}</div>
    ${charts.view(context)}
    <section class="section" aria-labelledby="list">
      <div class="section-head">
        <h2 id="list">Mailboxes, worst first</h2>
        <a class="more" href=${listLink({ tenants: [tenant.alias] })}>All ${formatCount(total)} as a list</a>
      </div>
      ${mailboxTable({ caption: `Mailboxes of ${tenant.alias}, worst first`, rows, hasTenant: false }, context)}
    </section>
  `;
}

function startLower(sentence: string): string {
  return sentence.replace(/^(?:All|None|The|No)\b/, (word) => word.toLowerCase());
}

function sub({ tenant }: TenantPage, context: ViewContext): TemplateResult {
  return html`<ul class="inline-facts">
      <li>${formatRate(tenant.messagesPerSecond).replace("/s", " messages/s")} handed off</li>
      <li>oldest check ${ago(tenant.oldestCheck, context)}</li>
      ${tenant.pop3 > 0 ? html`<li>${formatCounted(tenant.pop3, "mailbox", "mailboxes")} over POP3</li>` : nothing}
    </ul>
    ${readOnlyLine(context)}`;
}

function buttons({ tenant }: TenantPage, context: ViewContext): TemplateResult {
  const query = new URL(listLink({ tenants: [tenant.alias] }), location.href).search.slice(1);
  const check = (verb: "doctor" | "prove", label: string) =>
    actionButton(
      {
        label,
        isBusy: actions.latest(verb)?.state === "running",
        onClick: () => void actions.run({ verb, target: { tenant: tenant.alias } }),
      },
      context,
    );
  const ask = (verb: "park" | "resume", label: string) =>
    actionButton({ label, onClick: () => void actions.ask({ verb, select: { query } }) }, context);
  return html`${check("doctor", "Run doctor")} ${check("prove", "Prove")} ${ask("park", "Park")} ${ask("resume", "Resume")}`;
}

function credentials(data: TenantPage, context: ViewContext): TemplateResult {
  const rotate =
    data.comingUp.find((item) => item.command !== undefined)?.command ??
    `npx mailfleet onboard --tenant ${data.tenant.alias} --rotate${context.frame.options}`;
  const hasNext = data.credentials.some(({ role }) => role === "next");
  return html`<section class="section" aria-labelledby="credentials">
    <h2 id="credentials">Credentials</h2>
    <div class="card pad stack" id="rotate">
      ${data.credentials.map((one) => credential(one, context))}
      ${
        hasNext
          ? nothing
          : html`<p class="muted">Next: none yet. This makes one, and says how to test it before the old one dies:</p>
              ${command(rotate)}`
      }
    </div>
  </section>`;
}

function credential({ role, kind, expiresAt, tried }: CredentialItem, context: ViewContext): TemplateResult {
  const { now, zone } = context;
  const isOver = expiresAt !== undefined && expiresAt <= now;
  return html`<div>
    <h3>${role === "current" ? "Current" : "Next"}: ${credentialKinds[kind]}</h3>
    <ul class="inline-facts">
      <li>
        ${expiresAt === undefined ? "its end is not known" : isOver ? html`<strong class="role-yours role-text">ended ${formatDay(expiresAt, zone)}</strong>` : `ends ${formatDay(expiresAt, zone)}, ${formatIn(expiresAt, now)}`}
      </li>
      ${
        tried === undefined
          ? html`<li>not tried yet</li>`
          : html`<li>
              ${tried.ok ? "works" : html`<strong class="role-yours role-text">refused</strong>`}, tried ${ago(tried.at, context)}
            </li>`
      }
    </ul>
    ${tried?.text === undefined ? nothing : html`<p class="quote"><code>${tried.text}</code></p>`}
  </div>`;
}

function steps({ steps: { added, opened, firstSyncDone, withHistory, toDo } }: TenantPage): TemplateResult {
  const step = (count: number, words: string, isDone: boolean): TemplateResult =>
    html`<li class="step ${isDone ? "role-calm" : "role-moving"}"><b>${formatCount(count)}</b><span class="muted">${words}</span></li>`;
  return html`<section class="section" aria-labelledby="steps">
    <h2 id="steps">Steps</h2>
    <div class="card pad">
      <ol class="steps">
        ${step(added, "added", true)} ${step(opened, "opened", opened === added)}
        ${step(firstSyncDone, "first sync done", firstSyncDone === added)}
        ${withHistory === 0 ? nothing : step(withHistory, `with history, ${formatCounted(toDo, "message")} to do`, false)}
      </ol>
    </div>
  </section>`;
}

function logins({ logins: facts }: TenantPage, context: ViewContext): TemplateResult | typeof nothing {
  if (facts === undefined) return nothing;
  return html`<section class="section" aria-labelledby="says">
    <h2 id="says">What the server lets us do</h2>
    <div class="card pad">
      <p>Logins: ${formatRate(facts.perSecond)} at most.</p>
      <p class="muted">
        ${facts.slowedAt === undefined ? "It was not slowed since it began." : html`Slowed by the server ${ago(facts.slowedAt, context)}.`}
      </p>
    </div>
  </section>`;
}
