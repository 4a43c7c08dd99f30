import type { ActiveFault } from "../faults/fault-spec.ts";
import type { CommandRefusal } from "../mail/admit-command.ts";
import { throttleText, type Throttling } from "../mail/throttled.ts";
import type { Command } from "./parse-command.ts";
import type { Session, SessionState } from "./session.ts";

/** The tagged answer. A `bad` is a strike; the third one closes the connection. */
export interface Reply {
  readonly kind: "ok" | "no" | "bad";
  readonly text: string;
  /** An untagged BYE with these words follows, and the connection ends. */
  readonly bye?: string;
  /** A `no` that counts towards the three that close the connection, as each `bad` does. */
  readonly isStrike?: boolean;
  /** The words stand alone on the line, without tag and status. */
  readonly isBare?: boolean;
}

/** Writes its untagged lines to the session's writer and returns the tagged one. */
export type CommandHandler = (session: Session, command: Command) => Reply | Promise<Reply>;

export interface CommandEntry {
  readonly states: readonly SessionState[];
  readonly handler: CommandHandler;
  /** EXPUNGE lines may stand in the answer; not where sequence numbers are in use. */
  readonly mayExpunge: boolean;
}

export type CommandTable = ReadonlyMap<string, CommandEntry>;

export const inAnyState: readonly SessionState[] = ["greeted", "refused", "authenticated", "selected"];
export const beforeLogin: readonly SessionState[] = ["greeted"];
export const afterLogin: readonly SessionState[] = ["authenticated", "selected"];
export const whenSelected: readonly SessionState[] = ["selected"];

export const ok = (text: string): Reply => ({ kind: "ok", text });
export const no = (text: string): Reply => ({ kind: "no", text });
/** Exchange's words for whatever goes wrong behind the scenes. */
export const unavailable: Reply = { kind: "no", text: "Server Unavailable. 15", isStrike: true };
/** Exchange's words for arguments it cannot read, and for a wrong number of them. */
export const badArgument: Reply = { kind: "bad", text: "Command Argument Error. 11" };
export const badCount: Reply = { kind: "bad", text: "Command Argument Error. 12" };
export const badSet: Reply = { kind: "bad", text: "[*] The specified message set is invalid." };

/** Exchange's refusal with a wait hint, in the form of the order. */
export function throttledReply(throttling: Throttling): Reply {
  const { order } = throttling;
  return {
    kind: order.word("answer") === "BAD" ? "bad" : "no",
    text: throttleText(throttling),
    ...(order.flag("bye") && { bye: "Connection closed. 14" }),
  };
}

/** In the form of an order of `server-unavailable`. */
export function unavailableAs(order: ActiveFault): Reply {
  return {
    ...unavailable,
    ...(order.word("form") === "untagged" && { isBare: true }),
    ...(order.word("form") === "bye" && { bye: "Connection closed." }),
  };
}

export function refusalReply(refusal: CommandRefusal): Reply {
  switch (refusal.kind) {
    case "throttled":
      return throttledReply(refusal.throttling);
    case "unavailable":
      return unavailableAs(refusal.order);
    case "refused": {
      const { order } = refusal;
      return { kind: order.word("answer") === "NO" ? "no" : "bad", text: order.word("text") || badCount.text };
    }
  }
}
