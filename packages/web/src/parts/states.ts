import { formatCount, rowMarks, stateStyle } from "@mailfleet/core/browser";
import type { MailboxRow, RowMark, StateCounts, StateWord } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { barWords, legendOf, segmentsOf } from "../model/bars.ts";
import { stateLink } from "../model/links.ts";
import { flash } from "./flash.ts";
import { icon } from "./icon.ts";
import { setVariable } from "./set-variable.ts";

/** Shape, colour and word; the word alone says it too. */
export function chip(state: StateWord, words: string = state): TemplateResult {
  const { role, shape } = stateStyle(state);
  return html`<span class="chip role-${role}">${icon(shape)}<span class="chip-text">${words}</span></span>`;
}

/** A bar of all states; its words are said to who does not see it. */
export function statesBar(states: StateCounts, size: "" | "small" = ""): TemplateResult {
  const segments = segmentsOf(states);
  return html`<div class="bar ${size} ${segments.length === 0 ? "empty-bar" : ""}" role="img" aria-label=${barWords(states)}>
    ${segments.map(({ role, count, isHatched }) => html`<i class="role-${role} ${isHatched ? "hatched" : ""}" ${setVariable("--share", count)}></i>`)}
  </div>`;
}

/** Every count is a link to the list that has as many rows. */
export function statesLegend(states: StateCounts, tenant?: string): TemplateResult {
  return html`<ul class="legend">
    ${legendOf(states).map(
      ({ state, role, count }) =>
        html`<li class="role-${role}">
          <a class=${count === 0 ? "none" : ""} href=${stateLink(state, tenant)}
            >${icon(stateStyle(state).shape)}<span><b ${flash(count)}>${formatCount(count)}</b> ${state}</span></a
          >
        </li>`,
    )}
  </ul>`;
}

const markTitles: Readonly<Record<RowMark, string>> = {
  push: "told of new mail at once",
  poll: "asked at intervals",
  POP3: "read over POP3: the inbox only",
  history: "older mail is still being handed off",
  quarantined: "messages were set aside",
  unaccounted: "the ledger does not add up",
};

/** What is true beside the state. `poll` is the usual and is not said. */
export function marks(row: MailboxRow): TemplateResult | typeof nothing {
  const shown = rowMarks(row).filter((mark) => mark !== "poll");
  if (shown.length === 0) return nothing;
  return html`${shown.map((mark) => html`<span class="mark" title=${markTitles[mark]}>${markWords(mark, row)}</span>`)}`;
}

function markWords(mark: RowMark, { ledger }: MailboxRow): string {
  return mark === "quarantined" ? `${formatCount(ledger.quarantined)} quarantined` : mark;
}
