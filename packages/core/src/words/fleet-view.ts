import { type FolderLedger, sumLedgers } from "../ledger.ts";
import { isPause } from "../diagnose/go-on.ts";
import type { Protocol } from "../ids.ts";
import { type CauseGroup, groupCauses, type StoppedMailbox } from "./group-causes.ts";
import type { IntakeWords } from "./intake.ts";
import { shellWord } from "./shell-word.ts";
import { countStates, type MailboxFacts, type StateCounts, stateOf } from "./states.ts";

/** One mailbox, as far as a fleet's sums need it. */
export interface ViewedMailbox extends MailboxFacts {
  readonly protocol: Protocol;
  readonly ledger: FolderLedger;
}

export interface TenantView {
  readonly alias: string;
  readonly mailboxes: number;
  /** Of `mailboxes`, those that are read over POP3. */
  readonly pop3: number;
  readonly states: StateCounts;
  readonly ledger: FolderLedger;
  /** False while a mailbox was not looked at yet. */
  readonly isCounted: boolean;
  /** Epoch ms of the check that is longest ago; absent when none was checked. */
  readonly oldestCheck?: number;
}

/** The fleet at one moment, summed for people. Pure data, times by Redis' clock. */
export interface FleetView {
  readonly at: number;
  readonly mailboxes: number;
  readonly states: StateCounts;
  readonly tenants: readonly TenantView[];
  readonly ledger: FolderLedger;
  readonly causes: readonly CauseGroup[];
  /** What holds everybody's intake back; absent where nothing does. */
  readonly intake?: IntakeWords;
  /** Of mailboxes that nothing stops. */
  readonly oldestCheck?: number;
}

export function viewFleet(records: readonly ViewedMailbox[], at: number, freshWithinMs: number, intake?: IntakeWords): FleetView {
  const byTenant = Map.groupBy(records, (record) => record.tenant);
  const tenants = [...byTenant].map(([alias, some]): TenantView => ({
    alias,
    mailboxes: some.length,
    pop3: some.filter((record) => record.protocol === "pop3").length,
    states: statesOf(some, at, freshWithinMs),
    ledger: sumLedgers(some.map((record) => record.ledger)),
    isCounted: some.every((record) => record.checkedAt !== undefined || record.cause !== undefined),
    ...oldestCheck(some),
  }));
  const stopped = records.filter(
    (record): record is ViewedMailbox & StoppedMailbox => record.cause !== undefined && record.parkedBy === undefined,
  );
  return {
    at,
    mailboxes: records.length,
    states: statesOf(records, at, freshWithinMs),
    tenants,
    ledger: sumLedgers(tenants.map((tenant) => tenant.ledger)),
    causes: groupCauses(stopped, at),
    ...(intake && { intake }),
    ...oldestCheck(records.filter((record) => record.cause === undefined && record.parkedBy === undefined)),
  };
}

function statesOf(records: readonly ViewedMailbox[], at: number, freshWithinMs: number): StateCounts {
  return countStates(records.map((record) => stateOf(record, { now: at, factsAt: at, freshWithinMs })));
}

function oldestCheck(records: readonly ViewedMailbox[]): { readonly oldestCheck?: number } {
  let oldest: number | undefined;
  for (const { checkedAt } of records) {
    if (checkedAt !== undefined && (oldest === undefined || checkedAt < oldest)) oldest = checkedAt;
  }
  return oldest === undefined ? {} : { oldestCheck: oldest };
}

/** The command that says which step is wrong, and what mends it. */
export function causeCommand(group: CauseGroup): string | undefined {
  const [first] = group.mailboxes;
  if (group.owner !== "you") return undefined;
  if (group.scope === "tenant" && group.tenant !== undefined) return `npx mailfleet doctor --tenant ${shellWord(group.tenant)}`;
  return first === undefined ? undefined : `npx mailfleet doctor --mailbox ${shellWord(first)}`;
}

/** What goes on at once when the cause is mended; undefined where nothing is parked for it, or a pause is to be kept. */
export function resumeCommand(group: CauseGroup): string | undefined {
  const [first] = group.mailboxes;
  if (group.parkedCount === 0 || isPause(group.code)) return undefined;
  if (group.mailboxCount === 1 && group.scope === "mailbox" && first !== undefined)
    return `npx mailfleet mailboxes resume ${shellWord(first)}`;
  return `npx mailfleet mailboxes resume ${group.tenant === undefined ? `--cause ${group.code}` : `--tenant ${shellWord(group.tenant)}`}`;
}
