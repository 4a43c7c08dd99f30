import { emptyLedger, type FolderLedger, sumLedgers } from "../ledger.ts";
import { isPause } from "../diagnose/go-on.ts";
import type { Protocol } from "../ids.ts";
import { type CauseGroup, groupCauses, type StoppedMailbox } from "./group-causes.ts";
import type { IntakeWords } from "./intake.ts";
import type { LaneWords } from "./lane-words.ts";
import { shellWord } from "./shell-word.ts";
import { countStates, type MailboxFacts, type StateCounts, stateOf, type StateWord } from "./states.ts";

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
  /** Lanes that no worker serves though mailboxes wait in them. */
  readonly lanes: readonly LaneWords[];
  /** Of mailboxes that nothing stops. */
  readonly oldestCheck?: number;
}

/** What is said of all mailboxes at once. */
export interface FleetWide {
  readonly intake?: IntakeWords | undefined;
  readonly lanes?: readonly LaneWords[];
}

/** Sums in one pass: a console makes them of ten thousand mailboxes each second. */
export function viewFleet(
  records: Iterable<ViewedMailbox>,
  at: number,
  freshWithinMs: number,
  { intake, lanes = [] }: FleetWide = {},
): FleetView {
  const question = { now: at, factsAt: at, freshWithinMs };
  const byTenant = new Map<string, TenantSums>();
  const states = noStates();
  const stopped: StoppedMailbox[] = [];
  let mailboxes = 0;
  let oldest: number | undefined;
  for (const record of records) {
    let sums = byTenant.get(record.tenant);
    if (sums === undefined) byTenant.set(record.tenant, (sums = noSums()));
    const state = stateOf(record, question);
    mailboxes += 1;
    states[state] += 1;
    add(sums, record, state);
    const { cause, parkedBy } = record;
    if (parkedBy !== undefined) continue;
    if (cause === undefined) oldest = older(oldest, record.checkedAt);
    else stopped.push({ tenant: record.tenant, address: record.address, cause });
  }
  const tenants = [...byTenant].map(([alias, { oldestCheck, ...sums }]): TenantView => ({
    alias,
    ...sums,
    ...(oldestCheck !== undefined && { oldestCheck }),
  }));
  return {
    at,
    mailboxes,
    states,
    tenants,
    ledger: sumLedgers(tenants.map((tenant) => tenant.ledger)),
    causes: groupCauses(stopped, at),
    ...(intake && { intake }),
    lanes,
    ...(oldest !== undefined && { oldestCheck: oldest }),
  };
}

/** Of one tenant, while its mailboxes are gone through. */
interface TenantSums {
  mailboxes: number;
  pop3: number;
  readonly states: Record<StateWord, number>;
  readonly ledger: { -readonly [Part in keyof FolderLedger]: number };
  isCounted: boolean;
  oldestCheck: number | undefined;
}

function noSums(): TenantSums {
  return { mailboxes: 0, pop3: 0, states: noStates(), ledger: { ...emptyLedger }, isCounted: true, oldestCheck: undefined };
}

function noStates(): Record<StateWord, number> {
  return { ...countStates([]) };
}

function add(sums: TenantSums, { protocol, ledger, checkedAt, cause }: ViewedMailbox, state: StateWord): void {
  sums.mailboxes += 1;
  if (protocol === "pop3") sums.pop3 += 1;
  sums.states[state] += 1;
  sums.ledger.listed += ledger.listed;
  sums.ledger.handedOff += ledger.handedOff;
  sums.ledger.excluded += ledger.excluded;
  sums.ledger.quarantined += ledger.quarantined;
  sums.ledger.toDo += ledger.toDo;
  if (checkedAt === undefined && cause === undefined) sums.isCounted = false;
  sums.oldestCheck = older(sums.oldestCheck, checkedAt);
}

function older(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
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
