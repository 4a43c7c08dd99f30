import type { Pop3Problem } from "./pop3-error.ts";

/** A status line: `+OK text`, `-ERR [CODE] text`, or the `+ text` of a challenge. */
export type StatusLine =
  | { readonly status: "ok"; readonly text: string }
  | { readonly status: "refused"; readonly text: string }
  | { readonly status: "challenge" };

/** Undefined for what is no status line. The text is the server's own, bytes that are no UTF-8 replaced. */
export function readStatusLine(line: Buffer): StatusLine | undefined {
  const text = line.toString("utf8");
  if (text === "+" || text.startsWith("+ ")) return { status: "challenge" };
  if (text === "+OK" || text.startsWith("+OK ")) return { status: "ok", text: text.slice("+OK ".length) };
  if (text === "-ERR" || text.startsWith("-ERR ")) return { status: "refused", text: text.slice("-ERR ".length) };
  return undefined;
}

/** The code of `[IN-USE] mailbox is locked`, in capitals (RFC 2449 section 8, RFC 3206). */
export function responseCodeOf(text: string): string | undefined {
  return /^\[([A-Za-z0-9/_-]{1,40})\]/.exec(text)?.[1]?.toUpperCase();
}

export interface MailboxStat {
  readonly messages: number;
  /** As the server counts, which on Exchange is not what RETR gives. */
  readonly octets: number;
}

export interface UidlRow {
  /** 1 is the first message of the session's snapshot. */
  readonly number: number;
  /** 1 to 70 characters 0x21 to 0x7E (RFC 1939 section 7). */
  readonly uidl: string;
}

export interface ListRow {
  readonly number: number;
  readonly octets: number;
}

/** What POP3 numbers: more than any mailbox has, and safe to count with. */
const numberAtMost = 2_147_483_647;

/** The text behind `+OK ` of STAT; undefined for what is none. */
export function readStat(text: string): MailboxStat | undefined {
  const match = /^(\d{1,10}) (\d{1,15})(?: .*)?$/s.exec(text);
  if (match === null) return undefined;
  const messages = Number(match[1]);
  return messages > numberAtMost ? undefined : { messages, octets: Number(match[2]) };
}

/** One line of UIDL, or the text behind `+OK ` of UIDL n. */
export function readUidlRow(text: string): UidlRow | undefined {
  const match = /^([1-9]\d{0,9}) ([\x21-\x7e]{1,70})$/.exec(text);
  if (match === null || match[2] === undefined) return undefined;
  const number = Number(match[1]);
  return number > numberAtMost ? undefined : { number, uidl: match[2] };
}

/** One line of LIST; what follows the size is additional and allowed (RFC 1939 section 5, LIST). */
export function readListRow(text: string): ListRow | undefined {
  const match = /^([1-9]\d{0,9}) (\d{1,15})(?: .*)?$/s.exec(text);
  if (match === null) return undefined;
  const number = Number(match[1]);
  return number > numberAtMost ? undefined : { number, octets: Number(match[2]) };
}

/**
 * What is wrong with a list: numbers must rise and be within `count`, and ids must differ. Undefined when nothing is. There may be fewer
 * than STAT counted: Exchange leaves hidden items out of its lists. `count` is undefined while STAT was not asked.
 */
export function listProblem(
  rows: readonly { readonly number: number; readonly uidl?: string }[],
  count: number | undefined,
): Pop3Problem | undefined {
  let last = 0;
  const ids = new Set<string>();
  let named = 0;
  for (const { number, uidl } of rows) {
    if (number <= last || (count !== undefined && number > count)) return "list-numbers";
    last = number;
    if (uidl === undefined) continue;
    ids.add(uidl);
    named++;
  }
  return ids.size === named ? undefined : "list-twice";
}

/** The answer to CAPA (RFC 2449): what the server offers, by name in capitals, with its parameters. */
export class Pop3Capabilities {
  readonly #offered: ReadonlyMap<string, readonly string[]>;

  /** Lines that are no capability are passed over: nothing is done because of them. */
  constructor(lines: readonly string[]) {
    this.#offered = new Map(
      lines.flatMap((line) => {
        const [name, ...parameters] = line.split(" ").filter((word) => word !== "");
        return name === undefined || !/^[\x21-\x7e]+$/.test(name) ? [] : [[name.toUpperCase(), parameters] as const];
      }),
    );
  }

  has(name: string): boolean {
    return this.#offered.has(name.toUpperCase());
  }

  parameters(name: string): readonly string[] {
    return this.#offered.get(name.toUpperCase()) ?? [];
  }

  /** Several commands may be sent before the first is answered. */
  get pipelining(): boolean {
    return this.has("PIPELINING");
  }

  /** SASL mechanisms, in capitals. */
  get sasl(): readonly string[] {
    return this.parameters("SASL").map((mechanism) => mechanism.toUpperCase());
  }
}
