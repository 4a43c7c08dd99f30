import { formatCount, unaccounted } from "@mailfleet/core/browser";
import type { FolderLedger } from "@mailfleet/core/console";
import { html, type TemplateResult } from "lit-html";
import { flash } from "./flash.ts";

const parts: readonly (readonly [sign: string, word: string, pick: (ledger: FolderLedger) => number])[] = [
  ["", "listed", (one) => one.listed],
  ["=", "handed off", (one) => one.handedOff],
  ["+", "excluded", (one) => one.excluded],
  ["+", "quarantined", (one) => one.quarantined],
  ["+", "to do", (one) => one.toDo],
];

/** The promise as a sum, and what is missing in it: nothing. */
export function ledgerSum(ledger: FolderLedger): TemplateResult {
  const missing = unaccounted(ledger);
  return html`<dl class="ledger">
    ${parts.map(([sign, word, pick]) => {
      const value = pick(ledger);
      return html`${sign === "" ? "" : html`<span class="ledger-sign" aria-hidden="true">${sign}</span>`}
        <div class="ledger-part">
          <dt>${word}</dt>
          <dd ${flash(value)}>${formatCount(value)}</dd>
        </div>`;
    })}
    <div class="ledger-part ledger-check ${missing === 0 ? "role-calm" : "role-yours"}">
      <dt>unaccounted</dt>
      <dd>${formatCount(missing)}</dd>
    </div>
  </dl>`;
}
