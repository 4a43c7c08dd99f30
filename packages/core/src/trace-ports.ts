import type { FailureCode } from "./failure-code.ts";
import type { Lane, MailboxRef } from "./ids.ts";

/** The pieces of work that a trace shows. */
export type SpanName =
  /** One job: from the lease to the settlement. */
  | "poll"
  | "token"
  /** Connecting, TLS and the login itself. */
  | "login"
  /** The folders' numbers by a connection for nothing else. */
  | "look"
  | "list"
  | "status"
  /** EXAMINE. */
  | "select"
  /** Messages as the server gives them, also ahead of their batch. */
  | "fetch"
  /** Messages from what is here of them to the end of their commit. */
  | "batch"
  | "parse"
  /** Blobs onto stable storage. */
  | "store"
  | "commit"
  /** The events of a commit on their way to consumers, who go on under it. */
  | "hand off"
  | "settle";

/** Words of closed sets, and counts: never an address, a subject, a folder's name or anything else that a person wrote. */
export interface SpanFacts {
  readonly outcome?: string;
  readonly messages?: number;
  /** Of raw messages. */
  readonly bytes?: number;
  readonly events?: number;
  readonly folders?: number;
}

export interface Span {
  child(name: SpanName): Span;
  note(facts: SpanFacts): void;
  /** @param failure why the work failed; `ERROR` for what is no SyncError */
  end(failure?: FailureCode | "ERROR"): void;
  /** 32 hex digits. */
  readonly traceId: string;
  /** W3C Trace Context: what somebody else goes on with. */
  readonly traceparent: string;
}

/** Where traces go. Nothing of it throws, waits or fails the work that it follows. */
export interface Tracer {
  /** Undefined for a job that is not sampled, which then costs nothing more. */
  poll(mailbox: MailboxRef, lane: Lane): Span | undefined;
}
