import type {
  BlobStore,
  Breakers,
  Failure,
  FleetSignals,
  Chance,
  Clock,
  ComparePolicy,
  Digest,
  FolderRules,
  FolderStatus,
  HandOff,
  Lease,
  Log,
  MailboxRef,
  MailSession,
  MailSource,
  MimeParser,
  SliceGate,
  MailboxStore,
  TokenSource,
} from "@mailfleet/core";
import type { ByteBudget } from "./byte-budget.ts";
import type { FolderWork } from "./folder-work.ts";
import type { Hand } from "./hand.ts";
import type { Pacer } from "./pacer.ts";
import type { RightOfWay } from "./right-of-way.ts";

/** Everything the flow touches. */
export interface EnginePorts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly digest: Digest;
  readonly log: Log;
  readonly tokens: TokenSource;
  readonly mail: MailSource;
  readonly blobs: BlobStore;
  readonly mime: MimeParser;
  readonly store: MailboxStore;
  readonly handOff: HandOff;
  readonly breakers: Breakers;
  readonly gate: SliceGate;
  /** Shared by all sessions of the process. */
  readonly bytes: ByteBudget;
  readonly slots: JobSlots;
  /** Absent: nobody goes first. */
  readonly way?: RightOfWay;
  readonly signals: Pick<FleetSignals, "watch" | "announce">;
}

/** The places for mailboxes that are worked on at once. */
export interface JobSlots {
  /** Gives this session's place to another one, until it is taken back. Undefined when no more are lent. */
  lend(): (() => void) | undefined;
}

/** What the configuration says about one mailbox. */
export interface SyncSettings {
  /** Usual time between two polls, and within which every mailbox is to be checked; see `nextPollMs`. */
  readonly pollMs: number;
  readonly freshWithinMs: number;
  readonly backfill: boolean;
  readonly folders: FolderRules;
  /** So long after its folders were listed, an idle mailbox is polled by their numbers alone; 0: never. */
  readonly listMs: number;
  /** A slice of backfill ends at the first of these. */
  readonly slice: { readonly messages: number; readonly bytes: number; readonly seconds: number };
  /** History that a session of the fresh lane reads itself, over all folders; no messages: none, it is left to the backfill lane. */
  readonly smallHistory: { readonly messages: number; readonly bytes: number };
  /** When flags and removals are looked for; see `compareNeed`. */
  readonly compare: ComparePolicy;
}

/** What a session did, in counts only. */
export interface SyncCounts {
  handedOff: number;
  quarantined: number;
  /** Events about messages that were handed off before: flags, removals, new keys. */
  changes: number;
  bytes: number;
  commits: number;
}

/** One running session: ports, the mailbox, and what it knows so far. */
export interface SessionContext {
  readonly ports: EnginePorts;
  readonly settings: SyncSettings;
  readonly mailbox: MailboxRef;
  readonly lease: Lease;
  readonly session: MailSession;
  /** Aborts when the lease is lost or the worker drains. */
  readonly signal: AbortSignal;
  readonly folders: readonly FolderWork[];
  readonly counts: SyncCounts;
  /** Messages one by one: a session broke while fetching, and the one that breaks it must be found. */
  isCareful: boolean;
  /** What is being worked on, told before it can kill. */
  readonly hand: Hand;
  /** Keeps this session as slow as its server wants it. */
  readonly pacer: Pacer;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** Somebody asked for new mail while this session was busy. */
  isPoked: boolean;
  /** The folder that EXAMINE opened last, and what it said. */
  opened: { readonly path: string; readonly status: FolderStatus } | undefined;
  /** Folders in trouble: left out of the rest of this session, and its ending says why. */
  readonly leftOut: Map<string, Failure>;
}
