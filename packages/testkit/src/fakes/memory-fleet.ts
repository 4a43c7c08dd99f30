import {
  type Breakers,
  type Cause,
  type Chance,
  type Clock,
  type Commit,
  type CommitResult,
  emptyLedger,
  type FolderLedger,
  type HandNote,
  type HandOff,
  isNewerCheckpoint,
  joinJson,
  type Lane,
  type Lease,
  limits,
  mailboxId,
  type MailboxRef,
  type MailboxState,
  type MailboxStore,
  outgoing,
  type OutgoingEvent,
  packCheckpoint,
  packInHand,
  packListing,
  packPace,
  packRhythm,
  packSuspects,
  type Settlement,
  type StoredCheckpoint,
  unpackCheckpoint,
  unpackHandNote,
  unpackListing,
  unpackPace,
  unpackRhythm,
} from "@mailfleet/core";
import { createMemoryBreakers, type MemoryBreakers } from "./memory-breakers.ts";
import { holdMemoryLease, type ProcessFate } from "./memory-lease.ts";

/** One job of the `messages` queue. */
export interface FleetJob {
  readonly id: string;
  readonly type: string;
  readonly json: string;
}

/** What the commit script wrote, in the order of writing. */
export interface AppliedCommit {
  readonly mailbox: MailboxRef;
  readonly token: string;
  readonly folder: string;
  readonly version: number;
  readonly checkpoint: Commit["checkpoint"];
  readonly ledger: FolderLedger;
  readonly events: readonly OutgoingEvent[];
}

/** One process of the fleet: its ports, and what a test does to it. */
export interface FleetProcess extends ProcessFate {
  readonly store: MailboxStore;
  readonly handOff: HandOff;
  readonly breakers: Breakers;
}

export interface MailboxFacts {
  readonly ledger: FolderLedger;
  /** Epoch ms; absent when the lane has nothing to do. */
  readonly freshDueAt?: number;
  readonly backfillDueAt?: number;
  readonly cause?: Cause;
  readonly opened: boolean;
  readonly isPoked: boolean;
  /** Of the working session; absent when there is none. */
  readonly leaseToken?: string;
}

export interface MemoryFleetOptions {
  /** Redis' clock and the processes': leases end by it. */
  readonly clock: Clock;
  readonly chance: Chance;
  /** Called inside each commit that is applied, when everything of it is written. */
  readonly onCommit?: (commit: AppliedCommit) => void;
}

export interface MemoryFleet {
  process(): FleetProcess;
  register(mailbox: MailboxRef): void;
  /** Takes what is due, as a producer does: it falls due again by itself when nobody starts it. */
  take(): { readonly lane: Lane; readonly mailbox: MailboxRef } | undefined;
  /** When something is due next, epoch ms. */
  nextDueAt(): number | undefined;
  facts(mailbox: MailboxRef): MailboxFacts;
  readonly breakers: MemoryBreakers;
  /** Makes the lease end now, as its time does. */
  expireLease(mailbox: MailboxRef): void;
  readonly jobs: readonly FleetJob[];
  /** Ids that were added when they were there already: BullMQ drops these, and a consumer that was quicker gets them twice. */
  readonly repeatedIds: readonly string[];
  readonly commits: readonly AppliedCommit[];
  readonly tenantLedger: (tenant: string) => FolderLedger;
  readonly fleetLedger: () => FolderLedger;
  /** What is stored of a folder: `version LF commit id LF ledger LF checkpoint`. */
  stored(mailbox: MailboxRef, folder: string): string | undefined;
  overwrite(mailbox: MailboxRef, folder: string, text: string): void;
}

interface Box {
  ref: MailboxRef;
  readonly checkpoints: Map<string, string>;
  lease: { readonly token: string; endsAt: number } | undefined;
  ledger: FolderLedger;
  cause: string | undefined;
  opened: boolean;
  isPoked: boolean;
  /** As Redis holds them: in hand, and suspects. */
  inHand: string | undefined;
  suspects: string | undefined;
  pace: string | undefined;
  listing: string | undefined;
  rhythm: string | undefined;
  /** Epoch ms. */
  nextAt: number | undefined;
  /** The token of the last settlement. */
  settled: string;
  readonly due: Map<Lane, number>;
}

/** How soon a mailbox that was busy is looked at again by the lane that found it so. */
const busyRetryMs = 2_000;

/**
 * Redis as the store and the hand-off use it, in this process' memory: each call is one script, checkpoints are the same texts,
 * leases end by the clock. Passes the conformance suite that runs against Redis.
 */
export function createMemoryFleet(options: MemoryFleetOptions): MemoryFleet {
  const { clock, chance } = options;
  const boxes = new Map<string, Box>();
  const jobs = new Map<string, FleetJob>();
  const repeatedIds: string[] = [];
  const commits: AppliedCommit[] = [];
  const tenants = new Map<string, FolderLedger>();
  let fleet = emptyLedger;
  let fence = 0;

  const boxOf = (mailbox: MailboxRef): Box => {
    const box = boxes.get(mailboxId(mailbox));
    if (!box) throw new RangeError(`not registered: ${mailboxId(mailbox)}`);
    return box;
  };
  const leaseOf = (box: Box): string | undefined => {
    if (box.lease && box.lease.endsAt <= clock.now()) box.lease = undefined;
    return box.lease?.token;
  };
  const breakers = createMemoryBreakers({
    clock,
    idsOf: (tenant) => [...boxes].filter(([, { ref }]) => ref.tenant === tenant).map(([id]) => id),
    leaseOf: (mailbox) => leaseOf(boxOf(mailbox)),
  });
  const addJobs = (events: readonly OutgoingEvent[]): void => {
    for (const { id, type, json } of events) {
      if (jobs.has(id)) repeatedIds.push(id);
      else jobs.set(id, { id, type, json: joinJson(json) });
    }
  };

  function acquire(mailbox: MailboxRef, lane: Lane, fate: ProcessFate): Lease | undefined {
    const box = boxes.get(mailboxId(mailbox));
    if (!box) return undefined;
    const tenantHold = breakers.holdOf(mailbox.tenant);
    const isCanary = lane === "fresh" && tenantHold?.canary === mailboxId(mailbox) && tenantHold.canaryUntil > clock.now();
    if (tenantHold && !isCanary) {
      box.due.set(lane, clock.now());
      return undefined;
    }
    if (leaseOf(box) !== undefined) {
      if (lane === "fresh") box.isPoked = true;
      const leftMs = (box.lease?.endsAt ?? 0) - clock.now();
      box.due.set(lane, clock.now() + (lane === "fresh" ? Math.max(busyRetryMs, leftMs) : busyRetryMs));
      return undefined;
    }
    const token = `${++fence}:${chance.uuid()}`;
    const renew = (): boolean => {
      if (leaseOf(box) !== token) return false;
      hold(box, lane, token);
      return true;
    };
    box.isPoked = false;
    hold(box, lane, token);
    if (tenantHold) Object.assign(tenantHold, { canaryLease: token, canaryUntil: clock.now() + limits.leaseMs });
    const lease = holdMemoryLease({ clock, mailbox, lane, token, found: load(mailbox), fate, renew });
    return tenantHold ? { ...lease, canary: { id: tenantHold.id, cause: tenantHold.cause } } : lease;
  }

  function hold(box: Box, lane: Lane, token: string): void {
    const endsAt = clock.now() + limits.leaseMs;
    box.lease = { token, endsAt };
    box.due.set(lane, endsAt);
  }

  function commit(step: Commit): CommitResult {
    const { mailbox, token } = step.lease;
    const box = boxOf(mailbox);
    const before = readStored(box.checkpoints.get(step.folder));
    if (before.commitId === step.id) return { kind: "applied", version: before.version, isPoked: box.isPoked };
    if (leaseOf(box) !== token) return { kind: "fenced" };
    if (before.version !== step.expectedVersion) return { kind: "stale" };
    addJobs(step.events);
    const change = minus(step.ledger, before.ledger);
    box.ledger = plus(box.ledger, change);
    tenants.set(mailbox.tenant, plus(tenants.get(mailbox.tenant) ?? emptyLedger, change));
    fleet = plus(fleet, change);
    const version = before.version + 1;
    box.checkpoints.set(step.folder, [version, step.id, packLedger(step.ledger), packCheckpoint(step.checkpoint)].join("\n"));
    const isPoked = box.isPoked;
    box.isPoked = false;
    box.inHand = undefined;
    const { folder, checkpoint, ledger } = step;
    // Copied, as by a network: whoever committed lets go of the bytes.
    const events = step.events.map(({ id, key, type, json }) => ({ id, key, type, json: [joinJson(json)] }));
    const applied = { mailbox, token, folder, version, checkpoint, ledger, events };
    commits.push(applied);
    options.onCommit?.(applied);
    return { kind: "applied", version, isPoked };
  }

  function settle(lease: Lease, settlement: Settlement): boolean {
    const box = boxOf(lease.mailbox);
    if (leaseOf(box) !== lease.token) return box.settled === lease.token;
    box.settled = lease.token;
    box.inHand = undefined;
    const now = clock.now();
    const freshAt = settlement.cause === undefined && box.isPoked ? now : now + Math.max(0, Math.round(settlement.freshDueInMs));
    addJobs(settlement.events.map(outgoing));
    box.due.set("fresh", freshAt);
    if (settlement.backfillDueInMs === undefined) box.due.delete("backfill");
    else box.due.set("backfill", now + Math.max(0, Math.round(settlement.backfillDueInMs)));
    if (settlement.opened) box.opened = true;
    box.cause = settlement.cause && JSON.stringify(settlement.cause);
    box.pace = settlement.pace && packPace(settlement.pace);
    box.listing = settlement.listing && packListing(settlement.listing);
    if (settlement.rhythm) box.rhythm = packRhythm(settlement.rhythm);
    box.nextAt = freshAt;
    box.isPoked = false;
    box.lease = undefined;
    return true;
  }

  function load(mailbox: MailboxRef): MailboxState {
    const box = boxOf(mailbox);
    const folders = new Map<string, StoredCheckpoint>();
    for (const [folder, text] of box.checkpoints) {
      const { version, ledger, checkpoint } = readStored(text);
      const isNewer = isNewerCheckpoint(checkpoint);
      folders.set(folder, { version, ledger, checkpoint: unpackCheckpoint(checkpoint), ...(isNewer && { isNewer }) });
    }
    const pace = unpackPace(box.pace);
    const listing = unpackListing(box.listing);
    const rhythm = unpackRhythm(box.rhythm);
    return {
      folders,
      protocol: box.ref.protocol,
      opened: box.opened,
      hand: unpackHandNote(box.inHand, box.suspects),
      ...(box.cause !== undefined && { cause: JSON.parse(box.cause) as Cause }),
      ...(pace && { pace }),
      ...(listing && { listing }),
      ...(rhythm && { rhythm }),
      ...(box.nextAt !== undefined && { nextAt: box.nextAt }),
    };
  }

  function noteInHand({ mailbox, token }: Lease, { inHand, suspects }: HandNote): boolean {
    const box = boxOf(mailbox);
    if (leaseOf(box) !== token) return false;
    box.inHand = inHand && packInHand(inHand);
    box.suspects = suspects.length === 0 ? undefined : packSuspects(suspects);
    return true;
  }

  /** Of a held tenant one at a time, each when the hold's next look has come: whichever would be next. */
  const earliest = (): { box: Box; lane: Lane; at: number } | undefined => {
    let found: { box: Box; lane: Lane; at: number; dueAt: number } | undefined;
    for (const box of boxes.values()) {
      const tenantHold = breakers.holdOf(box.ref.tenant);
      // New mail goes first where both are due.
      for (const lane of tenantHold ? (["fresh"] as const) : (["fresh", "backfill"] as const)) {
        const dueAt = box.due.get(lane);
        if (dueAt === undefined) continue;
        const at = tenantHold ? Math.max(tenantHold.cause.nextAt, tenantHold.canaryUntil) : dueAt;
        if (found === undefined || at < found.at || (tenantHold && at === found.at && dueAt < found.dueAt))
          found = { box, lane, at, dueAt };
      }
    }
    return found;
  };

  return {
    process() {
      const fate: ProcessFate = { isDead: false, isAsleep: false };
      return Object.assign(fate, {
        store: {
          acquire: async (mailbox, lane) => acquire(mailbox, lane, fate),
          load: async (mailbox) => load(mailbox),
          noteInHand: async (lease, note) => noteInHand(lease, note),
        },
        breakers,
        handOff: { commit: async (step) => commit(step), settle: async (lease, settlement) => settle(lease, settlement) },
      } satisfies Pick<FleetProcess, "store" | "handOff" | "breakers">);
    },
    register(mailbox) {
      const known = boxes.get(mailboxId(mailbox));
      // Only its protocol can be another.
      if (known) known.ref = mailbox;
      else
        boxes.set(mailboxId(mailbox), {
          ref: mailbox,
          checkpoints: new Map(),
          lease: undefined,
          ledger: emptyLedger,
          cause: undefined,
          opened: false,
          isPoked: false,
          inHand: undefined,
          suspects: undefined,
          pace: undefined,
          listing: undefined,
          rhythm: undefined,
          nextAt: undefined,
          settled: "",
          due: new Map([["fresh", clock.now()]]),
        });
    },
    take() {
      const next = earliest();
      if (!next || next.at > clock.now()) return undefined;
      next.box.due.set(next.lane, clock.now() + limits.takenMs);
      const tenantHold = breakers.holdOf(next.box.ref.tenant);
      if (tenantHold) Object.assign(tenantHold, { canary: mailboxId(next.box.ref), canaryUntil: clock.now() + limits.canaryMs });
      return { lane: next.lane, mailbox: next.box.ref };
    },
    nextDueAt: () => earliest()?.at,
    facts(mailbox) {
      const box = boxOf(mailbox);
      const [freshDueAt, backfillDueAt, leaseToken] = [box.due.get("fresh"), box.due.get("backfill"), leaseOf(box)];
      return {
        ledger: box.ledger,
        opened: box.opened,
        isPoked: box.isPoked,
        ...(freshDueAt !== undefined && { freshDueAt }),
        ...(backfillDueAt !== undefined && { backfillDueAt }),
        ...(leaseToken !== undefined && { leaseToken }),
        ...(box.cause !== undefined && { cause: JSON.parse(box.cause) as Cause }),
      };
    },
    expireLease: (mailbox) => void (boxOf(mailbox).lease = undefined),
    get jobs() {
      return [...jobs.values()];
    },
    breakers,
    repeatedIds,
    commits,
    tenantLedger: (tenant) => tenants.get(tenant) ?? emptyLedger,
    fleetLedger: () => fleet,
    stored: (mailbox, folder) => boxOf(mailbox).checkpoints.get(folder),
    overwrite: (mailbox, folder, text) => void boxOf(mailbox).checkpoints.set(folder, text),
  };
}

function readStored(text: string | undefined): { version: number; commitId: string; ledger: FolderLedger; checkpoint: string } {
  const [version = "", commitId = "", ledger = "", ...rest] = (text ?? "").split("\n");
  const numbers = ledger.split(" ").map(Number);
  const [listed = 0, handedOff = 0, excluded = 0, quarantined = 0, toDo = 0] = numbers;
  return {
    version: Number(version) || 0,
    commitId,
    ledger: { listed, handedOff, excluded, quarantined, toDo },
    checkpoint: rest.join("\n"),
  };
}

function packLedger(ledger: FolderLedger): string {
  return [ledger.listed, ledger.handedOff, ledger.excluded, ledger.quarantined, ledger.toDo].join(" ");
}

function plus(a: FolderLedger, b: FolderLedger, sign = 1): FolderLedger {
  return {
    listed: a.listed + sign * b.listed,
    handedOff: a.handedOff + sign * b.handedOff,
    excluded: a.excluded + sign * b.excluded,
    quarantined: a.quarantined + sign * b.quarantined,
    toDo: a.toDo + sign * b.toDo,
  };
}

function minus(a: FolderLedger, b: FolderLedger): FolderLedger {
  return plus(a, b, -1);
}
