import { everyMailbox, formatCount, formatCounted, rowsOfPage } from "@mailfleet/core/browser";
import type { MailboxesPage, MailboxQuery, TicketRequest } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { Actions } from "../live/actions.ts";
import type { DataOf, ViewContext } from "../live/page.ts";
import { QuietHands } from "../live/quiet-hands.ts";
import { patchListed } from "../live/row-news.ts";
import { keepOrder, keyOf } from "../model/frozen-order.ts";
import { isSameQuery, listLink } from "../model/links.ts";
import { Chosen } from "../model/selection.ts";
import { command } from "../parts/command.ts";
import { filters, savedViewLinks } from "../parts/filters.ts";
import { actionButton, failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { mailboxTable } from "../parts/mailbox-table.ts";
import { openPage, startPage } from "./open-page.ts";

let chosen = new Chosen();
/** The list as it would be sorted now, while somebody is at work in it. */
let waiting: DataOf<"mailboxes"> | undefined;
let moves = 0;
/** The data are of another address: whatever somebody does in the table, this is what they asked for. */
let isOther = false;

const page = openPage<"mailboxes">({ name: "mailboxes", view, merge, patch: patchListed });
const actions = new Actions(page);
/** Who types a search reads what it found. */
const hands = new QuietHands(".table-box, #filter", () => {
  if (chosen.keys.size === 0) sortAgain();
});
startPage(page, { sortAgain });

/** What was loaded takes its order at once, or later when somebody is at work in the table. */
function merge(old: MailboxesPage, loaded: MailboxesPage): MailboxesPage {
  if (isOther || (!hands.isBusy && chosen.keys.size === 0)) {
    isOther = false;
    waiting = undefined;
    moves = 0;
    return loaded;
  }
  const kept = keepOrder(old.rows, loaded.rows);
  ({ moves } = kept);
  waiting = moves === 0 ? undefined : loaded;
  return { ...loaded, rows: kept.rows };
}

function sortAgain(): void {
  if (waiting === undefined) return;
  const next = waiting;
  waiting = undefined;
  moves = 0;
  page.change(next);
}

/** Another list in the same page: the address is the whole state, so that going back shows the one before. */
async function go(address: string, how: "push" | "replace" = "push"): Promise<void> {
  if (how === "push") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  // What replaces is typed in the field.
  if (how === "push") showSearch();
  await load();
}

/** The field says what the address says: what somebody typed for another list is not for this one. */
function showSearch(): void {
  const field = document.querySelector<HTMLInputElement>("#filter");
  if (field !== null) field.value = new URLSearchParams(location.search).get("q") ?? "";
}

async function load(): Promise<void> {
  chosen = new Chosen();
  isOther = true;
  await page.reload();
}

globalThis.addEventListener("popstate", () => {
  showSearch();
  void load();
});
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-in-place]") : null;
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  void go(link.href);
});

function view(data: MailboxesPage, context: ViewContext): TemplateResult {
  const { query, total, rows, shown } = data;
  return html`
    ${pageHead({ heading: headingOf(data), sub: readOnlyLine(context) })} ${savedViewLinks(query, context)}
    ${filters(data, (next, how) => void go(listLink(next), how))} ${failed(page.failure, () => void page.reload())}
    ${total === 0 && rows.length === 0 ? noHit(query, context) : list(data, context)}
    ${
      rows.length < total
        ? html`<div class="table-foot">
            <button class="button" type="button" @click=${() => more(shown)}>
              Show ${formatCount(Math.min(rowsOfPage, total - rows.length))} more
            </button>
            <span>${formatCount(rows.length)} of ${formatCount(total)} are shown.</span>
          </div>`
        : nothing
    }
    ${selectionBar(data, context)}
  `;
}

function list(data: MailboxesPage, context: ViewContext): TemplateResult {
  return html`<section class="section" aria-label="List">
    <div class="table-note" aria-live="off">
      ${
        moves === 0
          ? html`<span
              >${formatCounted(data.total, "mailbox", "mailboxes")}${data.rows.length < data.total ? `, the first ${formatCount(data.rows.length)} shown` : ""}</span
            >`
          : html`<span>${formatCounted(moves, "row")} would move.</span
              ><button class="button" type="button" @click=${sortAgain}>Sort again <kbd aria-hidden="true">.</kbd></button>`
      }
    </div>
    ${mailboxTable(
      {
        caption: headingOf(data),
        rows: data.rows,
        query: data.query,
        hasTenant: true,
        selection: context.mayAct
          ? {
              chosen: chosen.keys,
              onToggle: (row, isChosen, isRange) => {
                chosen = chosen.toggle(data.rows, row, isChosen, isRange);
                page.draw();
              },
              onToggleAll: (isChosen) => {
                chosen = chosen.toggleAll(data.rows, isChosen);
                page.draw();
              },
            }
          : undefined,
      },
      context,
    )}
  </section>`;
}

function headingOf({ query, total }: Pick<MailboxesPage, "query" | "total">): string {
  const isAll = isSameQuery({ ...query, sort: "state", isReversed: false }, everyMailbox);
  const counted = formatCounted(total, "mailbox", "mailboxes");
  if (isAll) return counted;
  return `${counted} ${total === 1 ? "fits" : "fit"} the filter`;
}

function noHit(query: MailboxQuery, { frame }: ViewContext): TemplateResult {
  if (isSameQuery({ ...query, sort: "state", isReversed: false }, everyMailbox)) {
    return html`<div class="empty">
      <p>No mailboxes yet.</p>
      ${command(`npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run${frame.options}`)}
    </div>`;
  }
  return html`<div class="empty">
    <p>No mailbox fits the filter${query.search === "" ? "" : `, and none begins with "${query.search}"`}.</p>
    <a class="button" href="/mailboxes" data-in-place>Clear the filter</a>
  </div>`;
}

async function more(shown: number): Promise<void> {
  const address = new URL(location.href);
  address.searchParams.set("shown", String(shown + rowsOfPage));
  history.replaceState(null, "", address);
  isOther = true;
  await page.reload();
}

/** Fixed to what was chosen row by row; or, when all that are shown are chosen and there are more, to all that fit. */
function selectionBar(data: MailboxesPage, context: ViewContext): TemplateResult | typeof nothing {
  const count = chosen.keys.size;
  if (count === 0 || !context.mayAct) return nothing;
  const shown = data.rows.filter((row) => chosen.keys.has(keyOf(row))).length;
  const ask = (verb: TicketRequest["verb"]): void => void act({ verb, select: { mailboxes: [...chosen.keys] } });
  return html`<div class="selection" role="region" aria-label="Selection">
    <strong>${formatCounted(count, "mailbox", "mailboxes")} selected</strong
    >${shown < count ? html`<span class="muted">${formatCount(count - shown)} not in sight</span>` : nothing}
    ${actionButton({ label: "Try now", onClick: () => ask("try") }, context)}
    ${actionButton({ label: "Park", onClick: () => ask("park") }, context)}
    ${actionButton({ label: "Resume", onClick: () => ask("resume") }, context)}
    ${
      shown === data.rows.length && data.total > data.rows.length
        ? actionButton(
            {
              label: `Park all ${formatCount(data.total)} that fit`,
              css: "quiet",
              onClick: () => void act({ verb: "park", select: { query: new URL(listLink(data.query), location.href).search.slice(1) } }),
            },
            context,
          )
        : nothing
    }
    <button
      class="button quiet"
      type="button"
      @click=${() => {
        chosen = new Chosen();
        sortAgain();
        page.draw();
      }}
    >
      Clear
    </button>
  </div>`;
}

async function act(request: TicketRequest): Promise<void> {
  const run = await actions.ask(request);
  if (run === undefined) return;
  chosen = new Chosen();
  page.draw();
}
