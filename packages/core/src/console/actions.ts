import type { Diagnosis } from "../diagnose/diagnose.ts";
import type { ProofItem } from "./page-data.ts";

/** What can be done from the console. */
export const actionVerbs = ["try", "park", "resume", "replay", "discard", "restore", "prove", "doctor", "reveal"] as const;

export type ActionVerb = (typeof actionVerbs)[number];

/** What an action is about. Mailboxes are named as `tenant/address`. */
export type ActionTarget =
  | { readonly mailbox: string }
  | { readonly tenant: string }
  | { readonly ticket: string }
  /** One dead letter, for `reveal`; a discard, for `restore`. */
  | { readonly letter: string }
  | { readonly discarded: string };

/**
 * POST /api/tickets: the server freezes the list that a dialog counts. Several mailboxes by id, or all that a list shows
 * (`query`, as in the list's URL without `?`), or all of a cause; letters by cause or id.
 */
export interface TicketRequest {
  readonly verb: "try" | "park" | "resume" | "replay" | "discard";
  readonly select:
    | { readonly mailboxes: readonly string[] }
    | { readonly query: string }
    | { readonly cause: string }
    | { readonly letterCause: string }
    | { readonly letters: readonly string[] };
}

/** What the dialog shows, and what binds the action to it. One use, ten minutes. */
export interface Ticket {
  readonly ticket: string;
  readonly verb: TicketRequest["verb"];
  /** What is acted on: `7 mailboxes`, `1,207 dead letters of c7f2`. */
  readonly subject: string;
  readonly count: number;
  /** The first five, by name. */
  readonly first: readonly string[];
  /** Epoch ms: the list is as it was then. */
  readonly at: number;
  readonly expiresAt: number;
  /** On the button: `Replay 1,207`. */
  readonly button: string;
  /** To be typed before it is done; absent where the button is enough. */
  readonly typed?: string;
  /** Sentences: what happens, and what is to be thought of first. */
  readonly notes: readonly string[];
  /** The command that does the same. */
  readonly command: string;
}

/** POST /api/actions */
export interface ActionRequest {
  readonly verb: ActionVerb;
  readonly target: ActionTarget;
  /** For the activity; needed for `reveal`. */
  readonly reason?: string;
  /** What was typed, where the ticket asked for it. */
  readonly typed?: string;
}

/** GET /api/actions/ID and the stream's `run`: what became of an action. */
export interface ActionRun {
  readonly id: string;
  readonly verb: ActionVerb;
  /** `waiting` ends at `startsAt`, and can be undone until then. */
  readonly state: "waiting" | "running" | "done" | "failed" | "undone";
  readonly subject: string;
  readonly count: number;
  readonly startsAt: number;
  readonly endedAt?: number;
  readonly done: number;
  readonly failed: number;
  /** One sentence for the toast. */
  readonly words: string;
  /** Until when POST /api/actions/ID/undo is taken, epoch ms; absent where there is nothing to undo. */
  readonly undoUntil?: number;
  /** Empty where it names more than is carried around: its dialog had it. */
  readonly command: string;
  /** What a check has said so far, the oldest first; absent for what is no check. */
  readonly lines?: readonly RunLine[];
  /** POST /api/actions/ID/stop ends it. */
  readonly isStoppable?: true;
  /** For whoever asked alone; the stream never has it. */
  readonly result?: ActionResult;
}

/** One line of a check, as a terminal would print it. */
export interface RunLine {
  readonly kind: "busy" | "passed" | "look" | "failed" | "skipped";
  /** `token`, `looks at` */
  readonly name: string;
  readonly text: string;
}

/** What is shown in place when it is done. */
export type ActionResult =
  | { readonly kind: "doctor"; readonly checked: readonly CheckedItem[]; readonly exit: CheckExit }
  | { readonly kind: "proof"; readonly proofs: readonly ProvenItem[]; readonly exit: CheckExit }
  | { readonly kind: "letter"; readonly letter: RevealedLetter };

/** What the same command would end with in a terminal, and what that means. */
export interface CheckExit {
  readonly code: 0 | 1;
  readonly words: string;
}

/** One mailbox that the doctor looked at. */
export interface CheckedItem {
  /** `contoso, support@contoso.com, over IMAP` */
  readonly about: string;
  readonly diagnosis: Diagnosis;
}

/** One mailbox that was compared with its server's list. */
export interface ProvenItem {
  readonly tenant: string;
  readonly address: string;
  /** Absent where the mailbox could not be read: then `words` say why. */
  readonly proof?: ProofItem;
  readonly words: readonly string[];
  readonly gaps: readonly GapItem[];
}

/** What is missing of one folder. */
export interface GapItem {
  readonly folder: string;
  readonly count: number;
  /** As ranges, the first of them: `48112:48113,48200`. */
  readonly uids: string;
}

/** Content, because an operator asked for it. Text only; the page hides it at `hideAt`. */
export interface RevealedLetter {
  readonly id: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly isCut: boolean;
  readonly hideAt: number;
}

export const consoleErrorCodes = [
  "NOT_SIGNED_IN",
  "WRONG_PASSWORD",
  "FORBIDDEN",
  "READ_ONLY",
  "FORGED",
  "WRONG_HOST",
  "NOT_ENCRYPTED",
  "TOO_MANY",
  "TOO_LARGE",
  "NOT_FOUND",
  "BAD_REQUEST",
  "TICKET_GONE",
  "NOT_CONFIRMED",
  "TOO_LATE",
  "NOT_LIVE",
  "FAILED",
] as const;

export type ConsoleErrorCode = (typeof consoleErrorCodes)[number];

/** Every answer with a status of 400 or more. */
export interface ConsoleError {
  readonly error: {
    readonly code: ConsoleErrorCode;
    /** What happened, one sentence. */
    readonly what: string;
    /** What can be done. */
    readonly todo?: string;
    /** A command that does what was refused. */
    readonly command?: string;
    /** ms until it may be asked again. */
    readonly retryMs?: number;
    /** Names the log line of what went wrong here. */
    readonly id?: string;
  };
}

/** POST /api/login */
export interface LoginRequest {
  readonly name: string;
  readonly password: string;
}
