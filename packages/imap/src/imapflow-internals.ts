import type { ImapFlow } from "imapflow";

/**
 * The parts of imapflow 2.10.2 that are not in its types and that we use, because its commands hide failures (`status()` and
 * `search()` give false), retry throttled fetches inside, send LSUB, and pick OAUTHBEARER or go on after PREAUTH by themselves.
 * The version is pinned exactly; `imap-source.transcript.test.ts` fails when one of these moves.
 */
export interface ImapFlowInternals {
  /** One command; rejects on NO and BAD. `next` must be called on what it resolves to, or nothing is read any more. */
  exec(command: string, attributes: readonly Attribute[], options: ExecOptions): Promise<TaggedAnswer>;
  /** A line of its own inside a command, such as DONE; the line's end is added. Throws when the connection has ended. */
  write(line: string): void;
  /** Its inactivity timer is imapflow's: it takes a quiet IDLE for a dead peer. Null once closed. */
  readonly socket: { setTimeout(ms: number): unknown } | null;
  /** For what no command asked for; replaceable once connected. */
  readonly untaggedHandlers: Record<string, ((answer: UntaggedAnswer) => Promise<void> | void) | null>;
  /** Replaceable: called for a greeting that claims we are logged in already. */
  initialPREAUTH: () => Promise<void>;
  /** Replaceable: called after CAPABILITY and ID. */
  authenticate: () => Promise<unknown>;
  /** Replaceable: called after AUTHENTICATE was answered OK. */
  setAuthenticationState: () => Promise<void>;
  /** True: CAPABILITY is asked again after login. */
  expectCapabilityUpdate: boolean;
  readonly streamer: Streamer;
  /** True: the socket's silence is ours, and its timer is set again. */
  [processingResponse]: boolean;
}

/** Cuts what the socket gives into answers, and hands each with its literals to the parser. */
export interface Streamer {
  /** `streamerInLine`, or `streamerInLiteral` while the bytes of a literal are awaited. */
  readonly state: number;
  readonly literalWaiting: number;
  /** Of a line that is not at its end. */
  readonly lineBytes: number;
  /** Lines of an answer that is not at its end. */
  readonly inputBuffer: readonly Uint8Array[];
  readonly destroyed: boolean;
  /** Bytes of the server so far. */
  readonly readBytesCounter: number;
  /** Replaceable. Resolves when each answer that ends in the bytes was handled; until then the socket gives no more. */
  processInputChunk(chunk: Buffer): Promise<void>;
}

export interface ExecOptions {
  readonly untagged: UntaggedHandlers;
  /** The server's `+`. */
  readonly onPlusTag?: () => void;
}

/** imapflow's own name of the property. */
export const processingResponse = "_processingResponse";

export const streamerInLine = 1;
export const streamerInLiteral = 2;

/** A node of a command or of an answer, as imapflow's compiler takes and its parser gives it; null is NIL. */
export type Attribute = AttributeToken | string | null | readonly Attribute[];

export interface AttributeToken {
  readonly type: string;
  readonly value?: string | Uint8Array;
  readonly section?: readonly Attribute[];
  readonly partial?: readonly number[];
}

export interface UntaggedAnswer {
  /** The word after `*`: a response name, or a number. */
  readonly command: string;
  readonly attributes?: readonly Attribute[];
  /** The fast form of a SEARCH answer. */
  readonly numbers?: readonly number[];
}

/** By response name in upper case. A promise holds the reader back until it resolves. */
export type UntaggedHandlers = Readonly<Record<string, (answer: UntaggedAnswer) => Promise<void> | void>>;

export interface TaggedAnswer {
  readonly response: UntaggedAnswer;
  next(): void;
}

export function internalsOf(client: ImapFlow): ImapFlowInternals {
  return client as unknown as ImapFlowInternals;
}

export function isToken(node: Attribute | undefined): node is AttributeToken {
  return typeof node === "object" && node !== null && "type" in node;
}

export function isList(node: Attribute | undefined): node is readonly Attribute[] {
  return Array.isArray(node);
}

/** The text of an atom, string or literal; undefined for NIL and lists. */
export function textOf(node: Attribute | undefined): string | undefined {
  if (typeof node === "string") return node;
  if (!isToken(node) || node.value === undefined) return undefined;
  return typeof node.value === "string" ? node.value : Buffer.from(node.value).toString("utf8");
}
