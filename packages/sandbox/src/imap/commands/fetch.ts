import type { CommandHandler } from "../command-table.ts";
import { badArgument, badCount, badSet, no, ok } from "../command-table.ts";
import { formatFlags } from "../flags.ts";
import { cutSection, parseSection } from "../message-sections.ts";
import type { Section } from "../message-sections.ts";
import type { Token } from "../parse-command.ts";
import { textOf } from "../parse-command.ts";
import { parseSequenceSet, positionsOfNumbers, positionsOfUids } from "../sequence-set.ts";
import { writePadded } from "../padded-message.ts";
import type { Session } from "../session.ts";
import { flagBits } from "../../world/base-folder.ts";
import { placeholderFor } from "../placeholder.ts";
import { imapDate } from "../../world/message-generator.ts";

type Simple = "FLAGS" | "UID" | "INTERNALDATE" | "RFC822.SIZE";

export type FetchItem =
  | { readonly kind: Simple }
  | {
      readonly kind: "body";
      /** As it stands in the answer, without the partial's length. */
      readonly label: string;
      readonly section: Section;
      readonly isPeek: boolean;
      readonly partial: { readonly start: number; readonly length: number } | undefined;
    };

/** FETCH and UID FETCH. A UID that is not there is passed over in silence; a number whose message went away makes it a NO. */
export const fetch: CommandHandler = async (session, command) => {
  const [setToken, ...itemTokens] = command.args;
  const isUid = command.verb === "UID FETCH";
  const set = parseSequenceSet(textOf(setToken) ?? "");
  if (command.args.length !== 2) return badCount;
  if (!set) return badSet;
  const items = parseFetchItems(itemTokens);
  if (!items) return badArgument;
  if (isUid && !items.some((item) => item.kind === "UID")) items.push({ kind: "UID" });
  const { selected } = session;
  const positions = isUid ? positionsOfUids(set, selected.uids) : positionsOfNumbers(set, selected.uids.length);
  if (!positions) return badSet;
  const hasContent = items.some((item) => item.kind === "body");
  const faultOf = session.services.troubles.fetchFaults(session.mailbox.address);
  let missing = 0;
  for (const position of positions) {
    const uid = selected.uids[position] as number;
    const fault = faultOf?.(selected.folder.name, uid);
    if (!selected.folder.has(uid) || (fault === "partial-no" && hasContent)) missing++;
    else if (typeof fault === "object") await writePadded(session, position + 1, uid, items, fault);
    else if (fault !== "no-data" || !hasContent) writeMessage(session, position + 1, uid, items, fault === "placeholder");
    if (!session.writer.isBehind) continue;
    await session.writer.ready();
    // What is behind these UIDs now is other mail.
    if (selected.isInvalid) session.end("* BYE Connection closed.");
    if (session.state === "closed") break;
  }
  return missing > 0 ? no("Some of the requested messages no longer exist.") : ok("FETCH completed.");
};

function writeMessage(session: Session, number: number, uid: number, items: readonly FetchItem[], isUnconvertible: boolean): void {
  const { folder, isReadOnly } = session.selected;
  const { store } = session.services;
  const { address } = session.mailbox;
  const { writer } = session;
  const before = folder.flags(uid);
  const marksSeen = !isReadOnly && items.some((item) => item.kind === "body" && !item.isPeek);
  if (marksSeen) store.setFlags(address, folder, uid, before | flagBits.seen, session);
  let line = `* ${String(number)} FETCH (`;
  let space = "";
  for (const item of items) {
    line += space;
    space = " ";
    switch (item.kind) {
      case "FLAGS":
        line += `FLAGS (${formatFlags(folder.flags(uid))})`;
        break;
      case "UID":
        line += `UID ${String(uid)}`;
        break;
      case "INTERNALDATE":
        line += `INTERNALDATE "${imapDate(folder.internalDate(uid))}"`;
        break;
      case "RFC822.SIZE":
        line += `RFC822.SIZE ${String(folder.size(uid))}`;
        break;
      case "body": {
        const isHeader = item.section.kind !== "all" && item.section.kind !== "text";
        const message = isHeader ? store.header(address, folder, uid) : store.bytes(address, folder, uid);
        const whole = cutSection(isUnconvertible ? placeholderFor(uid, message) : message, item.section);
        const bytes = item.partial ? whole.subarray(item.partial.start, item.partial.start + item.partial.length) : whole;
        writer.text(`${line}${item.label} {${String(bytes.length)}}\r\n`);
        writer.raw(bytes);
        line = "";
        break;
      }
    }
  }
  if (marksSeen && (before & flagBits.seen) === 0 && !items.some((item) => item.kind === "FLAGS"))
    line += ` FLAGS (${formatFlags(folder.flags(uid))})`;
  writer.line(`${line})`);
}

/** Undefined for an item that is not served (ENVELOPE and BODYSTRUCTURE among them) or an empty list. */
export function parseFetchItems(tokens: readonly Token[]): FetchItem[] | undefined {
  const flat = tokens.length === 1 && tokens[0]?.kind === "list" ? tokens[0].items : tokens;
  const items: FetchItem[] = [];
  for (const token of flat) {
    const text = token.kind === "atom" ? token.text : undefined;
    if (text === undefined) return undefined;
    const parsed = parseItem(text);
    if (!parsed) return undefined;
    items.push(...parsed);
  }
  return items.length > 0 ? items : undefined;
}

function parseItem(text: string): readonly FetchItem[] | undefined {
  const upper = text.toUpperCase();
  switch (upper) {
    case "FLAGS":
    case "UID":
    case "INTERNALDATE":
    case "RFC822.SIZE":
      return [{ kind: upper }];
    case "FAST":
      return [{ kind: "FLAGS" }, { kind: "INTERNALDATE" }, { kind: "RFC822.SIZE" }];
    case "RFC822":
      return [{ kind: "body", label: upper, section: { kind: "all", fields: [] }, isPeek: false, partial: undefined }];
    case "RFC822.HEADER":
      return [{ kind: "body", label: upper, section: { kind: "header", fields: [] }, isPeek: true, partial: undefined }];
    case "RFC822.TEXT":
      return [{ kind: "body", label: upper, section: { kind: "text", fields: [] }, isPeek: false, partial: undefined }];
    default:
      return parseBodyItem(upper);
  }
}

function parseBodyItem(upper: string): readonly FetchItem[] | undefined {
  const open = upper.indexOf("[");
  const close = upper.lastIndexOf("]");
  const name = upper.slice(0, Math.max(0, open));
  if ((name !== "BODY" && name !== "BODY.PEEK") || close < open) return undefined;
  const words = upper.slice(open + 1, close);
  const section = parseSection(words);
  const partial = /^(?:<([0-9]{1,10})\.([0-9]{1,10})>)?$/.exec(upper.slice(close + 1));
  if (!section || !partial) return undefined;
  const start = partial[1] === undefined ? undefined : Number(partial[1]);
  const length = Number(partial[2]);
  if (start !== undefined && length === 0) return undefined;
  return [
    {
      kind: "body",
      label: `BODY[${words}]${start === undefined ? "" : `<${String(start)}>`}`,
      section,
      isPeek: name === "BODY.PEEK",
      partial: start === undefined ? undefined : { start, length },
    },
  ];
}

/** Positions for the commands that take a set first; undefined where Exchange refuses the set. */
export function positionsOf(session: Session, token: Token | undefined, isUid: boolean): number[] | undefined {
  const set = parseSequenceSet(textOf(token) ?? "");
  if (!set) return undefined;
  const { uids } = session.selected;
  return isUid ? positionsOfUids(set, uids) : positionsOfNumbers(set, uids.length);
}
