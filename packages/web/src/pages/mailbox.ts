import {
  formatAge,
  formatClock,
  formatCount,
  formatDay,
  formatIn,
  protocolNames,
  stateSentence,
  stateStyle,
  unaccounted,
} from "@mailfleet/core/browser";
import type { ActionRequest, FolderItem, MailboxPage } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { Actions } from "../live/actions.ts";
import { LateResults } from "../live/late-results.ts";
import type { ViewContext } from "../live/page.ts";
import { patchRows } from "../model/apply-patch.ts";
import { tenantLink } from "../model/links.ts";
import { activityWords } from "../model/activity.ts";
import { needsYou, recoversByItself } from "../parts/causes.ts";
import { actionButton, failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { ledgerSum } from "../parts/ledger.ts";
import { proof } from "../parts/proof.ts";
import { chip, marks } from "../parts/states.ts";
import { strip } from "../parts/strip.ts";
import { clock } from "../parts/time.ts";
import { openPage, startPage } from "./open-page.ts";

const page = openPage<"mailbox">({
  name: "mailbox",
  view,
  patch: (data, patch) => {
    const { rows, mayMove } = patchRows([data.row], patch);
    const isOwn = patch.rows.some(([row]) => row === data.row.row) || patch.stale.includes(data.row.row);
    return { data: { ...data, row: rows[0] ?? data.row }, reload: mayMove && isOwn };
  },
});
const actions = new Actions(page);
const results = new LateResults(page, actions);
startPage(page);

function view(data: MailboxPage, context: ViewContext): TemplateResult {
  const { row, cause, folders, activity } = data;
  const sum = row.ledger;
  return html`
    ${pageHead({
      heading: headingOf(data, context),
      crumbs: html`<a href="/mailboxes">Mailboxes</a> / <a href=${tenantLink(row.tenant)}>${row.tenant}</a> / ${row.address}`,
      sub: sub(data, context),
      buttons: buttons(data, context),
    })}
    ${failed(page.failure, () => void page.reload())}
    ${
      cause === undefined
        ? nothing
        : cause.owner === "you"
          ? html`<section class="section" aria-labelledby="needs">
              <h2 id="needs">Needs you</h2>
              ${needsYou([cause], context)}
            </section>`
          : recoversByItself([cause], context)
    }
    ${results.view(context)}
    <section class="section" aria-labelledby="ledger">
      <h2 id="ledger">Ledger</h2>
      <div class="card pad">
        ${ledgerSum(sum)}
        ${data.proof === undefined ? html`<p class="ledger-foot">Not proven yet: Prove compares it with the server's own list.</p>` : html`<div class="ledger-foot">${proof(data.proof, context)}</div>`}
      </div>
    </section>
    ${folderTable(folders)}
    <section class="section" aria-labelledby="days">
      <h2 id="days">14 days</h2>
      <div class="card pad stack">
        ${strip(
          data.strip,
          activity.map((one) => ({ at: one.at, words: activityWords(one) })),
          context,
        )}
      </div>
    </section>
    <section class="section" aria-labelledby="history">
      <h2 id="history">History</h2>
      ${
        activity.length === 0
          ? html`<div class="card nothing"><p>Nobody did anything to it, and nothing stopped it lately.</p></div>`
          : html`<ol class="card timeline">
              ${activity.map(
                (one) =>
                  html`<li>
                    ${clock(one.at, context)}
                    <div>
                      <p><strong>${one.who}</strong> ${activityWords(one)}</p>
                      ${one.reason === undefined ? nothing : html`<p class="muted">"${one.reason}"</p>`}
                    </div>
                  </li>`,
              )}
            </ol>`
      }
    </section>
  `;
}

/** `support@contoso.com is fresh: checked 40 s ago, next check in 4 min.` */
function headingOf({ row }: MailboxPage, { now, zone, frame }: ViewContext): string {
  const facts = row.state === "syncing" ? { ...row, isSyncing: true } : { ...row, isSyncing: false };
  const state = stateSentence(facts, { now, zone, freshWithinMs: frame.freshWithinMs });
  const next =
    row.nextAt === undefined || row.state === "syncing" || row.parkedBy !== undefined ? "" : `, next check ${formatIn(row.nextAt, now)}`;
  return `${row.address} is ${state}${next}.`;
}

function sub(data: MailboxPage, context: ViewContext): TemplateResult {
  const { row, pollSeconds, worker, addedAt } = data;
  const { zone } = context;
  return html`<p>${chip(row.state)} ${marks(row)}</p>
    <ul class="inline-facts">
      <li><a href=${tenantLink(row.tenant)}>${row.tenant}</a></li>
      <li>${protocolNames[row.protocol]}</li>
      <li>${row.mode === "push" ? "push, and a check" : "a check"} every ${formatAge(pollSeconds * 1_000)}</li>
      <li>${row.hasHistory ? "history in work" : "history done"}</li>
      ${worker === undefined ? nothing : html`<li>worker <code>${worker}</code> has the lease</li>`}
      ${addedAt === undefined ? nothing : html`<li>added ${formatDay(addedAt, zone)}</li>`}
      ${row.checkedAt === undefined ? nothing : html`<li>last check ${formatClock(row.checkedAt, { now: context.now, zone, seconds: true })}</li>`}
    </ul>
    ${row.parkedBy?.reason === undefined ? nothing : html`<p class="muted">"${row.parkedBy.reason}"</p>`} ${readOnlyLine(context)}`;
}

function buttons({ row }: MailboxPage, context: ViewContext): TemplateResult {
  const target = { mailbox: `${row.tenant}/${row.address}` };
  const run = (verb: ActionRequest["verb"]) => (): void => void actions.run({ verb, target });
  const isBusy = (verb: "try" | "doctor" | "prove"): boolean => actions.latest(verb)?.state === "running";
  const isStopped = stateStyle(row.state).role === "yours" || row.parkedBy !== undefined;
  return html`${actionButton({ label: "Try now", css: "primary", isBusy: isBusy("try"), onClick: run("try") }, context)}
  ${row.parkedBy === undefined ? actionButton({ label: "Park", onClick: run("park") }, context) : nothing}
  ${isStopped ? actionButton({ label: "Resume", onClick: run("resume") }, context) : nothing}
  ${actionButton({ label: "Run doctor", isBusy: isBusy("doctor"), onClick: run("doctor") }, context)}
  ${actionButton({ label: "Prove", isBusy: isBusy("prove"), onClick: run("prove") }, context)}`;
}

function folderTable(folders: readonly FolderItem[]): TemplateResult {
  return html`<section class="section" aria-labelledby="folders">
    <h2 id="folders">Folders</h2>
    ${
      folders.length === 0
        ? html`<div class="card nothing"><p>None is known before the first check.</p></div>`
        : html`<div class="table-box">
            <table class="table list">
              <caption class="said">
                Folders with their ledgers, and what the next check does in each
              </caption>
              <thead>
                <tr>
                  <th scope="col">Folder</th>
                  <th scope="col" class="number">Listed</th>
                  <th scope="col" class="number">Handed off</th>
                  <th scope="col" class="number">Excluded</th>
                  <th scope="col" class="number">Quarantined</th>
                  <th scope="col" class="number">To do</th>
                  <th scope="col" class="number">Unaccounted</th>
                  <th scope="col">Next</th>
                  <th scope="col" class="number">UIDVALIDITY</th>
                </tr>
              </thead>
              <tbody>
                ${folders.map(folderRow)}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

function folderRow({ path, role, isExcluded, ledger, hasHistory, next, uidValidity, generation }: FolderItem): TemplateResult {
  const missing = unaccounted(ledger);
  const number = (label: string, value: number, css = ""): TemplateResult =>
    html`<td class="number ${value === 0 ? "muted phone-off" : ""} ${css}" data-label=${label}>${formatCount(value)}</td>`;
  return html`<tr data-row tabindex="-1">
    <td class="first">
      <span class="folder-name">${path}</span
      >${role === undefined ? nothing : html`<span class="mark">${role}</span>`}${isExcluded ? html`<span class="mark">excluded by rule</span>` : nothing}${hasHistory ? html`<span class="mark">history</span>` : nothing}
    </td>
    ${number("listed", ledger.listed)} ${number("handed off", ledger.handedOff)} ${number("excluded", ledger.excluded)}
    ${number("quarantined", ledger.quarantined)} ${number("to do", ledger.toDo)}
    <td class="number ${missing === 0 ? "muted phone-off" : "role-yours role-text"}" data-label="unaccounted">${formatCount(missing)}</td>
    <td class="full">${next ?? html`<span class="muted">${isExcluded ? "nothing" : "looks for new mail"}</span>`}</td>
    <td class="number phone-off">
      <code>${uidValidity}</code>${generation > 1 ? html` <span class="mark">generation ${formatCount(generation)}</span>` : nothing}
    </td>
  </tr>`;
}
