import type { Config } from "@mailfleet/config";
import type { Clock, CredentialNote, DownstreamLoad, MailboxRef, MailboxState, TenantCredentials } from "@mailfleet/core";
import type { ActivityEntry, DiscardedItem, HistoryColumns, HistorySpan, ProofItem, StateStrip } from "@mailfleet/core/console";
import type { ProcessRecord } from "@mailfleet/store";
import type { Access } from "../http/access.ts";
import type { LiveFleet } from "../fleet/live-fleet.ts";
import type { LetterDesk } from "../letters/letter-desk.ts";
import type { SandboxDesk } from "../sandbox/sandbox-desk.ts";

/** Where pages get what they show. */
export interface PageSources {
  readonly config: Config;
  readonly clock: Clock;
  readonly live: LiveFleet;
  readonly access: Access;
  readonly version: string;
  /** Absent where the fleet is not the sandbox. */
  readonly sandbox: SandboxDesk | undefined;
  /** What printed commands need besides. */
  readonly options: string;
  readonly processes: () => Promise<readonly ProcessRecord[]>;
  readonly load: () => Promise<DownstreamLoad>;
  readonly tenants: () => readonly TenantCredentials[];
  readonly notes: () => Promise<readonly CredentialNote[]>;
  readonly redis: () => Promise<{
    readonly version: string;
    readonly used?: number;
    readonly limit?: number;
    readonly problems: readonly string[];
  }>;
  readonly mailbox: (mailbox: MailboxRef) => Promise<MailboxState>;
  readonly worker: (mailbox: MailboxRef) => Promise<string | undefined>;
  readonly logins: (tenant: string) => Promise<{ readonly perSecond: number; readonly slowedAt?: number } | undefined>;
  readonly letters: LetterDesk;
  readonly history: (span: HistorySpan, tenant: string | undefined) => Promise<HistoryColumns>;
  readonly strip: (mailbox: MailboxRef) => Promise<StateStrip>;
  readonly activity: (question: ActivityQuestion) => Promise<{ readonly entries: readonly ActivityEntry[]; readonly before?: string }>;
  readonly discarded: () => Promise<readonly DiscardedItem[]>;
  readonly proof: (mailbox: MailboxRef) => Promise<ProofItem | undefined>;
}

export interface ActivityQuestion {
  readonly who: "people" | "mailfleet" | "both";
  readonly tenant?: string;
  readonly what?: ActivityEntry["verb"];
  readonly mailbox?: string;
  readonly before?: string;
  readonly count: number;
}
