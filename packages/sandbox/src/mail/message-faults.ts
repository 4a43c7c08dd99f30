import type { FaultName } from "../faults/catalogue.ts";
import type { ActiveFault, FaultTarget } from "../faults/fault-spec.ts";
import type { BreakForm } from "./wire.ts";
import type { MailServices } from "./services.ts";

/**
 * What a message does to a FETCH of its content (field guide 3.5): `placeholder`, the forged message of an item that cannot be converted;
 * `no-data`, OK without a line for it; `partial-no`, left out, and the answer is NO. Lists, flags and sizes show the message as ever.
 */
export type FetchFault = "placeholder" | "no-data" | "partial-no" | PaddedFault;

/** The message, and base64 behind it up to so many bytes; the size that is announced may be another. */
export interface PaddedFault {
  readonly paddedTo: number;
  readonly announced?: number;
}

/** What one message's line in a FETCH answer is to be like. */
export interface MessageFaults {
  readonly instead?: FetchFault;
  /** The whole command fails here. */
  readonly unavailable?: ActiveFault;
  /** In the middle of the content: `reset`, `silence` or `token-expiry`. */
  readonly cut?: ActiveFault;
  readonly sizeFactor?: number;
  readonly isRerendered: boolean;
  readonly isShuffled: boolean;
  readonly hasStrayFlags: boolean;
}

const inMessages: readonly FaultName[] = [
  "padded",
  "placeholder",
  "no-data",
  "partial-no",
  "server-unavailable",
  "reset",
  "silence",
  "token-expiry",
  "size-factor",
  "rerendered",
  "attributes-shuffled",
  "flags-inside",
];

/** Undefined where no message has a fault, else what each one does. Where only rows are wanted, faults of the content do not strike. */
export function messageFaultsOf(
  { faults }: Pick<MailServices, "faults">,
  place: FaultTarget,
  isContent: boolean,
): ((uid: number) => MessageFaults) | undefined {
  if (!inMessages.some((name) => faults.isOrdered(name))) return undefined;
  return (uid) => {
    const at = { ...place, uid };
    const strike = (name: FaultName, filter?: (fault: ActiveFault) => boolean): ActiveFault | undefined =>
      isContent ? faults.strike(name, at, filter) : undefined;
    const padded = isContent ? faults.strike("padded", at) : faults.holds("padded", at);
    const instead = padded ? paddedFault(padded) : (["placeholder", "no-data", "partial-no"] as const).find((name) => strike(name));
    const unavailable = strike("server-unavailable", (fault) => fault.target.uid !== undefined);
    const cut =
      strike("reset", (fault) => fault.word("where") === "literal") ??
      strike("silence", (fault) => fault.word("where") === "literal") ??
      strike("token-expiry", (fault) => fault.word("at") === "literal");
    const sizeFactor = faults.holds("size-factor", at)?.number("factor");
    return {
      ...(instead !== undefined && { instead }),
      ...(unavailable !== undefined && { unavailable }),
      ...(cut !== undefined && { cut }),
      ...(sizeFactor !== undefined && { sizeFactor }),
      isRerendered: faults.holds("rerendered", at) !== undefined,
      isShuffled: faults.strike("attributes-shuffled", at) !== undefined,
      hasStrayFlags: faults.strike("flags-inside", at) !== undefined,
    };
  };
}

function paddedFault(order: ActiveFault): PaddedFault {
  const announced = order.number("announced");
  return { paddedTo: order.number("bytes"), ...(announced > 0 && { announced }) };
}

/** What the connection of a session can do. */
interface Breakable {
  breakAfter(bytes: number, form: BreakForm, lastWords?: string): void;
}

/** Breaks the connection in the content that is written next. @param goodbye what stands before the reason of a token's end */
export function cutContent(connection: Breakable, cut: ActiveFault, goodbye: string): void {
  const bytes = cut.number("bytes");
  switch (cut.name) {
    case "silence":
      connection.breakAfter(bytes, "silence");
      return;
    case "token-expiry":
      connection.breakAfter(bytes, "end", `${goodbye} Session invalidated - ${cut.word("reason")}\r\n`);
      return;
    default:
      connection.breakAfter(bytes, cut.flag("reset") ? "reset" : "end");
  }
}

/** The same order for the same message each time, so that a run can be repeated. */
export function shuffled<T>(items: readonly T[], uid: number): readonly T[] {
  const turn = uid % Math.max(1, items.length);
  const turned = [...items.slice(turn), ...items.slice(0, turn)];
  return uid % 2 === 0 ? turned : turned.reverse();
}
