import type { ActiveFault } from "../faults/fault-spec.ts";
import type { CommandRefusal } from "../mail/admit-command.ts";
import { throttleText, type Throttling } from "../mail/throttled.ts";

/** A command that is not carried out. */
export interface Refusal {
  readonly kind: "err";
  readonly text: string;
  /** Counts towards the three that close the connection. */
  readonly isStrike?: boolean;
  /** A second line follows, and the connection ends. */
  readonly lastLine?: string;
  /** The connection ends behind it. */
  readonly closes?: boolean;
  /** The words stand without `-ERR`. */
  readonly isBare?: boolean;
}

/** How a command is answered; `sent`: all of it was written already. */
export type Reply = Refusal | { readonly kind: "ok"; readonly text?: string } | { readonly kind: "sent" };

export const sent: Reply = { kind: "sent" };

export function ok(text?: string): Reply {
  return text === undefined ? { kind: "ok" } : { kind: "ok", text };
}

/** A refusal in plain words, which may be repeated as often as wanted. */
function refusal(text: string): Refusal {
  return { kind: "err", text };
}

function protocolError(text: string): Refusal {
  return { kind: "err", text, isStrike: true };
}

/** Exchange's words for what it does not understand (field guide 4). Three of them close the connection. */
export const badArgument = protocolError("Protocol error. 14");
export const badCount = protocolError("Protocol error. 16");
export const notAscii = protocolError("Protocol error. 17");
export const unknownCommand = protocolError("Protocol error. 19");
export const wrongState = protocolError("Command is not valid in this state.");
export const notConnected = protocolError("User is authenticated but not connected.");
export const loginFailed = protocolError("Authentication failure: unknown user name or bad password.");
export const logonFailed = protocolError("Logon failure: unknown user name or bad password.");
/** A line too long, and what Exchange takes for one: AUTH with its answer on the same line (field guide 2.1). */
export const tooLong: Reply = { kind: "err", text: "Protocol error. Connection is closed. 10", closes: true };
/** Whatever goes wrong behind the scenes. */
export const unavailable = protocolError("Server Unavailable. 21");
/** As where the mailbox moves to another server. */
export const failover: Reply = { kind: "err", text: "Server Unavailable. 21", lastLine: "-ERR Connection is closed. 22" };
export const corrupted = refusal("Message corrupted");
/** Without a status word: what follows the third error. */
export const thirdStrikeLine = "Connection is closed. 21";

export function refusalReply(given: CommandRefusal): Reply {
  switch (given.kind) {
    case "throttled":
      return throttledReply(given.throttling);
    case "unavailable":
      return unavailableAs(given.order);
    case "refused":
      return { kind: "err", text: given.order.word("text") || "Protocol error. 14", isStrike: given.order.word("answer") === "BAD" };
  }
}

/** Nobody has seen it over POP3: the words are those of IMAP. */
export function throttledReply(throttling: Throttling): Reply {
  const { order } = throttling;
  const text = throttleText(throttling);
  if (order.flag("bye")) return { kind: "err", text, lastLine: thirdStrikeLine };
  return { kind: "err", text, isStrike: order.word("answer") === "BAD" };
}

/** In the form of an order of `server-unavailable`. */
export function unavailableAs(order: ActiveFault): Reply {
  switch (order.word("form")) {
    case "bye":
      return failover;
    case "untagged":
      return { ...unavailable, isBare: true };
    default:
      return unavailable;
  }
}
