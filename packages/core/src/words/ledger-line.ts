import { type FolderLedger, unaccounted } from "../ledger.ts";
import { formatCount } from "./numbers.ts";

/** `listed 12,480 = handed off 12,465 + excluded 12 + quarantined 3 + to do 0        unaccounted 0` */
export function ledgerLine(ledger: FolderLedger): string {
  const sum = `handed off ${formatCount(ledger.handedOff)} + excluded ${formatCount(ledger.excluded)} + quarantined ${formatCount(ledger.quarantined)}`;
  return `listed ${formatCount(ledger.listed)} = ${sum} + to do ${formatCount(ledger.toDo)}        unaccounted ${formatCount(unaccounted(ledger))}`;
}
