import type { Cause } from "./cause.ts";
import { globMatcher } from "./glob.ts";
import { canonicalAddress, type MailboxRef } from "./ids.ts";

/** `sync.push`: none, all, or addresses in which `*` stands for anything. */
export type PushChoice = "none" | "all" | readonly string[];

/** Whether the choice names a mailbox. POP3 has no push. */
export function pushChooser(choice: PushChoice): (mailbox: MailboxRef) => boolean {
  if (choice === "none") return () => false;
  if (choice === "all") return (mailbox) => mailbox.protocol === "imap";
  const exact = new Set<string>();
  const patterns: ((address: string) => boolean)[] = [];
  for (const entry of choice.map(canonicalAddress)) {
    if (entry.includes("*")) patterns.push(globMatcher(entry));
    else exact.add(entry);
  }
  return ({ protocol, address }) => protocol === "imap" && (exact.has(address) || patterns.some((matches) => matches(address)));
}

/**
 * How many mailboxes one worker holds at most, so that all workers hold about as many as each other, none more than its budget, and
 * all chosen ones are held if the budgets together suffice.
 * @param budgets of all live workers, this one's among them
 */
export function pushShare(chosen: number, budgets: readonly number[], budget: number): number {
  let left = chosen;
  const rising = [...budgets].sort((a, b) => a - b);
  for (const [i, smallest] of rising.entries()) {
    const workers = rising.length - i;
    if (smallest * workers >= left) return Math.min(budget, Math.max(0, Math.ceil(left / workers)));
    left -= smallest;
  }
  return budget;
}

/**
 * How long a mailbox's cause keeps push away, ms, or undefined when it does not. A folder in trouble does not stop the mailbox.
 * @param isConnected an IDLE that stands does the server no harm, unless it is the server that asked for quiet or a person who has to act
 */
export function pushWait(cause: Cause | undefined, now: number, isConnected: boolean): number | undefined {
  if (!cause || (cause.state === "waiting" && (cause.scope === "folder" || cause.scope === "message"))) return undefined;
  if (isConnected && cause.state === "waiting" && cause.code !== "SERVER_THROTTLED") return undefined;
  return Math.max(0, cause.nextAt - now);
}

/** A mailbox that a worker may push from now on. */
export interface PushClaim {
  readonly mailbox: MailboxRef;
  /** Failures in a row of those who pushed it before. */
  readonly tries: number;
}

/** The fleet's push at one moment. */
export interface PushFacts {
  /** Mailboxes that are to be pushed if the budgets suffice. */
  readonly chosen: number;
  /** Of those, how many any worker may take now. */
  readonly free: number;
  /** Of the live workers, in connections. */
  readonly budgets: readonly number[];
}

export interface PushRenewal {
  /** Ids that are this place's no more. */
  readonly lost: readonly string[];
  /** Of mailboxes that do not sync, by id. */
  readonly causes: ReadonlyMap<string, Cause>;
}

/**
 * Which worker pushes which mailbox. A worker has a place in the fleet's push; what it holds is its own as long as the place is renewed.
 * Each mailbox is held by one place at most. Mailboxes are named by id, times are measured by the leases' own clock.
 * Every method throws SyncError REDIS_UNAVAILABLE.
 */
export interface PushLeases {
  /** A new place, for `limits.leaseMs`. Its name is never dealt twice. */
  join(budget: number): Promise<string>;
  /** Undefined when the place is over: it holds nothing any more. @param ids what this place believes to hold */
  renew(place: string, ids: readonly string[]): Promise<PushRenewal | undefined>;
  /** Frees what dead workers held, and tells how things are. */
  look(): Promise<PushFacts>;
  /** Takes up to `count` free mailboxes, in turns over the tenants; none whose cause keeps push away. */
  claim(place: string, count: number): Promise<readonly PushClaim[]>;
  /** Nobody takes the mailbox before `afterMs`. No effect on what is another place's by now. */
  giveBack(place: string, id: string, afterMs: number, tries: number): Promise<void>;
  /** Frees what the place holds beyond these: after a call that failed half-way. */
  tidy(place: string, ids: readonly string[]): Promise<void>;
  /** Gives everything back at once and ends the place. */
  leave(place: string, ids: readonly string[]): Promise<void>;
  /** When the next login of push for this tenant may begin, ms from now; the place in the queue is taken by asking. */
  loginSlot(tenant: string): Promise<number>;
  /**
   * Makes the mailbox due at once, or tells the session that works on it. `lost`: it is not this place's any more; a cause: it is due
   * at that cause's time and not before.
   */
  poke(place: string, mailbox: MailboxRef): Promise<"poked" | "lost" | Cause>;
  /** Brings what is chosen in line with the registry, once a minute or when its size changed, whoever asks. */
  choose(isChosen: (mailbox: MailboxRef) => boolean): Promise<void>;
}
