import { describeCause, formatAge, formatCount, formatIn, mailboxPath } from "@mailfleet/core/browser";
import type { MailboxQuery, MailboxRow, MailboxSort } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { ViewContext } from "../live/page.ts";
import { keyOf } from "../model/frozen-order.ts";
import { sortLink, tenantLink } from "../model/links.ts";
import { flash } from "./flash.ts";
import { icon } from "./icon.ts";
import { chip, marks } from "./states.ts";
import { ago } from "./time.ts";

export interface Selection {
  readonly chosen: ReadonlySet<string>;
  readonly onToggle: (row: MailboxRow, isChosen: boolean, isRange: boolean) => void;
  readonly onToggleAll: (isChosen: boolean) => void;
}

export interface TableOptions {
  readonly caption: string;
  readonly rows: readonly MailboxRow[];
  /** Heads are links that sort. */
  readonly query?: MailboxQuery;
  readonly selection?: Selection | undefined;
  readonly hasTenant: boolean;
}

interface Column {
  readonly label: string;
  readonly sort?: MailboxSort;
  readonly isNumber?: true;
}

/** Mailboxes as rows; on a phone a list of state, address and age. */
export function mailboxTable(options: TableOptions, context: ViewContext): TemplateResult {
  const { caption, rows, selection, query, hasTenant } = options;
  const columns: readonly Column[] = [
    { label: "Mailbox", sort: "address" },
    { label: "State", sort: "state" },
    ...(hasTenant ? [{ label: "Tenant", sort: "tenant" } as const] : []),
    { label: "Last check", sort: "age", isNumber: true },
    { label: "Next", sort: "next", isNumber: true },
    { label: "To do", sort: "todo", isNumber: true },
  ];
  return html`<div class="table-box">
    <table class="table list">
      <caption class="said">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${selection === undefined ? nothing : headBox(selection, rows)} ${columns.map((column) => head(column, query))}
        </tr>
      </thead>
      <tbody>
        ${repeat(rows, keyOf, (row) => rowView(row, options, context))}
      </tbody>
    </table>
  </div>`;
}

function headBox({ chosen, onToggleAll }: Selection, rows: readonly MailboxRow[]): TemplateResult {
  const all = rows.length > 0 && rows.every((row) => chosen.has(keyOf(row)));
  return html`<th class="pick" scope="col">
    <input
      type="checkbox"
      aria-label="Select all that are shown"
      .checked=${live(all)}
      .indeterminate=${live(!all && chosen.size > 0)}
      @change=${(event: Event) => onToggleAll((event.target as HTMLInputElement).checked)}
    />
  </th>`;
}

function head({ label, sort, isNumber }: Column, query: MailboxQuery | undefined): TemplateResult {
  const css = isNumber === true ? "number" : "";
  if (query === undefined || sort === undefined) return html`<th class=${css} scope="col">${label}</th>`;
  const isSorted = query.sort === sort;
  const link = html`<a href=${sortLink(query, sort)} data-in-place
    >${label}${isSorted ? icon(query.isReversed ? "up" : "down") : nothing}</a
  >`;
  if (!isSorted) return html`<th class=${css} scope="col">${link}</th>`;
  return html`<th class=${css} scope="col" aria-sort=${query.isReversed ? "descending" : "ascending"}>${link}</th>`;
}

function rowView(row: MailboxRow, { selection, hasTenant }: TableOptions, context: ViewContext): TemplateResult {
  const isChosen = selection?.chosen.has(keyOf(row)) === true;
  return html`<tr data-row class=${isChosen ? "chosen" : ""} tabindex="-1">
    ${
      selection === undefined
        ? nothing
        : html`<td class="pick">
            <label
              ><input
                type="checkbox"
                aria-label="Select ${row.address}"
                .checked=${live(isChosen)}
                @click=${(event: MouseEvent) => selection.onToggle(row, (event.target as HTMLInputElement).checked, event.shiftKey)}
            /></label>
          </td>`
    }
    <td class="first"><a class="address" href=${mailboxPath(row)} title=${row.address}>${row.address}</a></td>
    <td class="full"><span class="state-cell" ${flash(row.state)}>${chip(row.state)}${detail(row, context)}${marks(row)}</span></td>
    ${hasTenant ? html`<td><a class="quiet-link" href=${tenantLink(row.tenant)}>${row.tenant}</a></td>` : nothing}
    <td class="number" data-label="checked" ${flash(row.checkedAt)}>${ago(row.checkedAt, context)}</td>
    <td class="number phone-off">${nextCheck(row, context)}</td>
    <td class="number ${row.ledger.toDo === 0 ? "phone-off muted" : ""}" data-label="to do">${formatCount(row.ledger.toDo)}</td>
  </tr>`;
}

/** Why, for those that have a why. */
function detail(row: MailboxRow, { now, zone }: ViewContext): TemplateResult | typeof nothing {
  const { state, cause, parkedBy, folders } = row;
  if (state === "parked by operator" && parkedBy !== undefined) {
    return html`<span class="muted">by ${parkedBy.name}, ${formatAge(now - parkedBy.at)} ago</span>`;
  }
  if ((state === "parked" || state === "waiting") && cause !== undefined) {
    const words = describeCause({ ...cause, tenant: row.tenant, mailboxes: [row.address], mailboxCount: 1 }, { now, zone });
    return html`<span class="muted">${words.label}</span>`;
  }
  if (state === "syncing" && folders !== undefined) {
    return html`<span class="muted">${formatCount(folders.done)} of ${formatCount(folders.all)} folders</span>`;
  }
  return nothing;
}

function nextCheck({ nextAt, state }: MailboxRow, { now }: ViewContext): TemplateResult {
  if (state === "syncing") return html`<span class="muted">now</span>`;
  if (nextAt === undefined || state === "parked by operator") return html`<span class="muted">none</span>`;
  return html`${formatIn(nextAt, now)}`;
}
