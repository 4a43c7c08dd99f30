/**
 * What became of the messages of one folder: `listed = handedOff + excluded + quarantined + toDo`.
 * `listed` and the parts are counted separately, so that a difference (`unaccounted`) shows a fault instead of hiding it.
 */
export interface FolderLedger {
  readonly listed: number;
  readonly handedOff: number;
  readonly excluded: number;
  readonly quarantined: number;
  readonly toDo: number;
}

export const emptyLedger: FolderLedger = { listed: 0, handedOff: 0, excluded: 0, quarantined: 0, toDo: 0 };

export function unaccounted(ledger: FolderLedger): number {
  return ledger.listed - ledger.handedOff - ledger.excluded - ledger.quarantined - ledger.toDo;
}

export function sumLedgers(ledgers: Iterable<FolderLedger>): FolderLedger {
  let [listed, handedOff, excluded, quarantined, toDo] = [0, 0, 0, 0, 0];
  for (const one of ledgers) {
    listed += one.listed;
    handedOff += one.handedOff;
    excluded += one.excluded;
    quarantined += one.quarantined;
    toDo += one.toDo;
  }
  return { listed, handedOff, excluded, quarantined, toDo };
}
