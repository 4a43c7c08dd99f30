import type { FolderRole } from "../event.ts";
import type { Protocol } from "../ids.ts";
import type { DownstreamLoad, DownstreamMarks } from "../intake.ts";
import type { FolderLedger } from "../ledger.ts";
import type { LetterCause } from "../letter-cause.ts";
import type { CredentialNote } from "../token-ports.ts";
import type { ComingUp, CredentialEnd } from "../words/coming-up.ts";
import type { CauseGroup } from "../words/group-causes.ts";
import type { IntakeWords } from "../words/intake.ts";
import type { LaneWords } from "../words/lane-words.ts";
import type { StateCounts } from "../words/states.ts";
import type { ActivityEntry } from "./activity.ts";
import type { ActionVerb } from "./actions.ts";
import type { MailboxQuery } from "./mailbox-query.ts";
import type { MailboxRow } from "./mailbox-row.ts";
import type { SandboxPage } from "./sandbox-page.ts";
import type { SelectedRows } from "./select-rows.ts";

/** What every page knows. All times are epoch ms by Redis' clock; `at` was now when the answer was made. */
export interface Frame {
  readonly at: number;
  /** Names the console process: rows are numbered anew by another one. */
  readonly process: string;
  /** Rises with every change that the console saw. */
  readonly revision: number;
  /** Epoch ms of the last facts from Redis; what is older than 10 s is not live. */
  readonly factsAt: number;
  /** What keeps facts from coming, as a sentence; absent while all is well. */
  readonly trouble?: string;
  readonly fleet: string;
  readonly version: string;
  readonly isSandbox: boolean;
  readonly freshWithinMs: number;
  readonly you: You;
  /** For `X-Mailfleet-Token` of every request that changes something. */
  readonly token: string;
  /** The one sentence: the same string as in `mailfleet status`. */
  readonly sentence: string;
  readonly deadLetters: number;
  /** What printed commands need besides to reach the same fleet: ` --config fleet.yaml`, or nothing. */
  readonly options: string;
}

export interface You {
  /** `anyone on this machine` has no login. */
  readonly name: string;
  readonly role: ConsoleRole;
  /** There is a session that can be ended: POST /api/logout. */
  readonly canSignOut: boolean;
  /** Why buttons are absent, one sentence; absent for who may act. */
  readonly readOnly?: string;
}

/** Viewers see everything but content, and change nothing. */
export type ConsoleRole = "viewer" | "operator";

/** The page that is not one of these is `not-found`. */
export type PageName =
  | "fleet"
  | "mailboxes"
  | "cause"
  | "tenant"
  | "mailbox"
  | "dead-letters"
  | "activity"
  | "about"
  | "sandbox"
  | "login"
  | "not-found";

/**
 * What the shell has in `<script type="application/json" id="page">`, and what GET /api/page?path=… answers.
 * `login` and `not-found` have no data.
 */
export interface PageAnswer {
  readonly frame: Frame;
  readonly page: PageData;
}

export type PageData =
  | { readonly name: "fleet"; readonly data: FleetPage }
  | { readonly name: "mailboxes"; readonly data: MailboxesPage }
  | { readonly name: "cause"; readonly data: CausePage }
  | { readonly name: "tenant"; readonly data: TenantPage }
  | { readonly name: "mailbox"; readonly data: MailboxPage }
  | { readonly name: "dead-letters"; readonly data: DeadLettersPage }
  | { readonly name: "activity"; readonly data: ActivityPage }
  | { readonly name: "about"; readonly data: AboutPage }
  | { readonly name: "sandbox"; readonly data: SandboxPage }
  /** `what`: half a sentence that names what is not there. */
  | { readonly name: "not-found"; readonly data: { readonly what: string } };

/** The shell of somebody who is not signed in has this in place of a page answer, and nothing of the fleet. */
export interface LoginShell {
  readonly page: { readonly name: "login"; readonly data: LoginPage };
}

/** How one signs in: with a password here, or at an OpenID Connect service. */
export type LoginWay = "password" | "oidc";

export interface LoginPage {
  readonly token: string;
  /** Empty where a proxy signs people in, and has named nobody. */
  readonly ways: readonly LoginWay[];
  /** Why the sign-in before this page came to nothing. */
  readonly failure?: string;
}

/** Sums of the fleet; also the news of each second. */
export interface FleetSummary {
  readonly sentence: string;
  readonly mailboxes: number;
  readonly states: StateCounts;
  readonly ledger: FolderLedger;
  /** Epoch ms of the check that is longest ago, of mailboxes that nothing stops. */
  readonly oldestCheck?: number;
  readonly messagesPerSecond: number;
  readonly deadLetters: number;
  /** Epoch ms when the newest of the queue's failed; 0 where there is none. Other letters of the same number are told by it. */
  readonly newestLetterAt: number;
  readonly causes: readonly CauseItem[];
  readonly tenants: readonly TenantItem[];
  /** Counts in the order of `ageBuckets`. */
  readonly ages: readonly number[];
  readonly intake?: IntakeWords;
  /** Lanes that no worker serves though mailboxes wait in them; commands with the options of this fleet. */
  readonly lanes: readonly LaneWords[];
}

/** One cause; of its mailboxes the first five are named. Its words are `describeCause`'s. */
export interface CauseItem extends CauseGroup {
  /** To paste, with the options of this fleet. */
  readonly doctor?: string;
  readonly resume?: string;
}

export interface TenantItem {
  readonly alias: string;
  readonly mailboxes: number;
  readonly pop3: number;
  readonly states: StateCounts;
  readonly ledger: FolderLedger;
  readonly isCounted: boolean;
  readonly oldestCheck?: number;
  readonly messagesPerSecond: number;
  /** Epoch ms, where it is known when its credential dies. */
  readonly expiresAt?: number;
}

/** A role's process that reported within 30 s. */
export interface ProcessItem {
  readonly id: string;
  readonly role: string;
  readonly seenAt: number;
  /** Sentences. */
  readonly troubles: readonly string[];
}

export interface FleetPage {
  readonly summary: FleetSummary;
  readonly comingUp: readonly ComingUpItem[];
  readonly processes: readonly ProcessItem[];
  /** Roles without any process: nothing moves without both. */
  readonly missingRoles: readonly string[];
  readonly push?: { readonly chosen: number; readonly connected: number };
}

/** Its words are `comingUpWords`'; the command has the options of this fleet. */
export interface ComingUpItem extends ComingUp {
  readonly command?: string;
}

export interface MailboxesPage extends SelectedRows {
  readonly query: MailboxQuery;
  /** For "Show 100 more": how many rows were asked for. */
  readonly shown: number;
  readonly causes: readonly CauseItem[];
}

export interface CausePage {
  readonly cause: CauseItem;
  readonly rows: readonly MailboxRow[];
  readonly total: number;
  /** The catalogue's explanation, as `mailfleet doctor --explain CODE` prints it. */
  readonly explanation: readonly string[];
}

export interface TenantPage {
  readonly tenant: TenantItem;
  /** Of this tenant alone. */
  readonly sentence: string;
  readonly causes: readonly CauseItem[];
  readonly credentials: readonly CredentialItem[];
  readonly comingUp: readonly ComingUpItem[];
  readonly steps: OnboardingSteps;
  readonly ages: readonly number[];
  /** Worst first. */
  readonly rows: readonly MailboxRow[];
  readonly total: number;
  readonly logins?: { readonly perSecond: number; readonly slowedAt?: number };
}

export interface CredentialItem extends CredentialEnd {
  readonly role: "current" | "next";
  /** How it fared when it was last tried; absent where it was not. */
  readonly tried?: Pick<CredentialNote, "at" | "ok" | "code" | "text">;
}

/** How far the tenant's mailboxes have come. */
export interface OnboardingSteps {
  readonly added: number;
  readonly opened: number;
  readonly firstSyncDone: number;
  readonly withHistory: number;
  readonly toDo: number;
}

export interface MailboxPage {
  readonly row: MailboxRow;
  /** Of the cause that stops it. */
  readonly cause?: CauseItem;
  readonly pollSeconds: number;
  /** The worker that has the lease now. */
  readonly worker?: string;
  readonly addedAt?: number;
  readonly folders: readonly FolderItem[];
  readonly strip: StateStrip;
  /** What people and mailfleet did to it, the latest first. */
  readonly activity: readonly ActivityEntry[];
  /** The last proof that lies in the data folder. */
  readonly proof?: ProofItem;
}

/** As its checkpoint has it; names are people's, and shown as text only. */
export interface FolderItem {
  readonly path: string;
  readonly role?: FolderRole;
  readonly isExcluded: boolean;
  readonly uidValidity: string;
  readonly generation: number;
  readonly ledger: FolderLedger;
  /** Of the history. */
  readonly hasHistory: boolean;
  /** Half a sentence: what the next sync does, as `mailfleet plan` says it; absent where that is not known without asking the server. */
  readonly next?: string;
}

/** Fourteen days: the worst state of each hour by its index in `stateWords`, null where no console was there. The oldest first. */
export interface StateStrip {
  /** Epoch ms at which the first hour begins. */
  readonly from: number;
  readonly hours: readonly (number | null)[];
}

export interface ProofItem {
  readonly verdict: "whole" | "gaps" | "unread";
  /** Epoch ms. */
  readonly endedAt: number;
  readonly listed: number;
  readonly handedOff: number;
  readonly gaps: number;
  readonly extras: number;
  /** File name in the data folder's `proofs`. */
  readonly file?: string;
  /** Sentences. */
  readonly words: readonly string[];
}

export interface DeadLettersPage {
  /** `1,243 dead letters from 3 causes.` */
  readonly sentence: string;
  /** When these were listed: causes and numbers are of then. */
  readonly listedAt: number;
  readonly letters: number;
  /** As the summary has it. */
  readonly newestLetterAt: number;
  readonly causes: readonly LetterCauseItem[];
  /** Of the cause that was opened (`?cause=…`): the first letters, never their content. */
  readonly opened?: { readonly causeId: string; readonly letters: readonly LetterItem[]; readonly total: number };
  readonly discarded: readonly DiscardedItem[];
  readonly load: DownstreamLoad;
  readonly marks: DownstreamMarks;
}

export interface LetterCauseItem extends LetterCause {
  /** Short. */
  readonly id: string;
  /** New ones of this cause came within the last ten minutes, so that a replay may fail again. */
  readonly isStillFailing: boolean;
}

/** One letter without subject, sender or body. */
export interface LetterItem {
  readonly id: string;
  readonly kind: "job" | "message";
  /** The event's type; absent for a message that was set aside. */
  readonly type?: string;
  readonly tenant?: string;
  readonly mailbox?: string;
  readonly folder?: string;
  readonly uid?: number;
  readonly receivedAt?: number;
  readonly bytes?: number;
  readonly failedAt?: number;
  readonly tries?: number;
  /** Scrubbed. */
  readonly lastError?: string;
}

/** Discarded letters are kept seven days. */
export interface DiscardedItem {
  /** For the action `restore`. */
  readonly id: string;
  readonly at: number;
  readonly who: string;
  readonly letters: number;
  readonly cause: string;
  readonly until: number;
}

export interface ActivityPage {
  readonly entries: readonly ActivityEntry[];
  /** For the next page: `?before=…`; absent at the end. */
  readonly before?: string;
  readonly who: "people" | "mailfleet" | "both";
  readonly tenant?: string;
  readonly what?: ActionVerb;
}

export interface AboutPage {
  readonly processes: readonly ProcessItem[];
  readonly redis: RedisItem;
  readonly node: string;
  /** The configuration as it was loaded; secrets read `set`. */
  readonly config: readonly ConfigItem[];
  readonly limits: readonly { readonly name: string; readonly value: number }[];
  readonly load: DownstreamLoad;
  readonly marks: DownstreamMarks;
  /** Where the raw queues are to be seen; absent where they are not mounted. */
  readonly queues?: string;
}

export interface RedisItem {
  readonly version: string;
  /** Bytes. */
  readonly used?: number;
  /** Bytes; absent where Redis has no limit. */
  readonly limit?: number;
  readonly problems: readonly string[];
}

export interface ConfigItem {
  /** `sync.pollSeconds` */
  readonly path: string;
  readonly value: string;
  /** Where it comes from: `file`, `environment`, `default`; absent where that was not kept. */
  readonly from?: string;
}

/** GET /api/mailboxes answers a MailboxesPage, GET /api/rows?rows=1,2,3 this: rows that a patch called stale; those that are gone are left out. */
export interface RowsAnswer {
  readonly process: string;
  readonly at: number;
  readonly rows: readonly MailboxRow[];
}

/** What a search offers anywhere (Ctrl-K): GET /api/find?q=… */
export interface FindAnswer {
  readonly mailboxes: readonly { readonly tenant: string; readonly address: string; readonly protocol: Protocol }[];
  readonly tenants: readonly string[];
  readonly total: number;
}
