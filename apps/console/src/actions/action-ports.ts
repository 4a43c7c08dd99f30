import type { BlobStore, Clock, Log, MailboxRef } from "@mailfleet/core";
import type { ReplayCounts, StoredChoice } from "@mailfleet/engine";
import type { DeadLetters, MailboxDesk } from "@mailfleet/queue";
import type { ActivityLog, DiscardLists } from "@mailfleet/store";
import type { Checks } from "../checks/checks.ts";
import type { CheckSlots } from "../checks/check-slots.ts";
import type { LiveFleet } from "../fleet/live-fleet.ts";
import type { LetterDesk } from "../letters/letter-desk.ts";

/** What actions act with: the very functions of the verbs of the terminal. */
export interface ActionPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly live: LiveFleet;
  readonly desk: MailboxDesk;
  readonly jobs: DeadLetters;
  readonly letters: LetterDesk;
  readonly blobs: Pick<BlobStore, "read">;
  readonly activity: ActivityLog;
  readonly discards: DiscardLists;
  /** What a tenant's login service said last is forgotten, so that it is asked again. */
  readonly forgetTokenFailures: (tenants: ReadonlySet<string>) => Promise<void>;
  /** Reads stored messages anew and puts them on the queue, under the keys they had. */
  readonly replay: (mailbox: MailboxRef, choice: StoredChoice) => Promise<ReplayCounts>;
  /** Absent where this console may not use the tenants' credentials. */
  readonly checks: Checks | undefined;
  readonly slots: CheckSlots;
  /** Takes an operator's fault out of a text from outside. */
  readonly scrub: (text: string) => string;
  /** Of printed commands. */
  readonly options: string;
}
