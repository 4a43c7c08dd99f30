import type { CommandHandler } from "../command-table.ts";
import { badArgument, badCount, badSet, no, ok, unavailableAs } from "../command-table.ts";
import { formatFlags } from "../flags.ts";
import { cutSection, type Section } from "../../mail/message-sections.ts";
import type { Token } from "../parse-command.ts";
import { textOf } from "../parse-command.ts";
import { parseSequenceSet, positionsOfNumbers, positionsOfUids } from "../sequence-set.ts";
import { writePadded } from "../padded-message.ts";
import type { Session } from "../session.ts";
import { countBody, type FetchItem, parseFetchItems } from "./fetch-items.ts";
import { flagBits } from "../../world/base-folder.ts";
import { cutContent, messageFaultsOf, shuffled, type MessageFaults } from "../../mail/message-faults.ts";
import { rerender } from "../../mail/rerendered-message.ts";
import { placeholderFor } from "../../mail/placeholder.ts";
import { imapDate } from "../../world/message-generator.ts";

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
  const faultsOf = messageFaultsOf(session.services, session.place ?? {}, hasContent);
  const { spending } = session;
  let missing = 0;
  for (const position of positions) {
    const uid = selected.uids[position] as number;
    const faults = faultsOf?.(uid);
    if (faults?.unavailable) return unavailableAs(faults.unavailable);
    const instead = faults?.instead;
    let sent = 0;
    if (!selected.folder.has(uid) || (instead === "partial-no" && hasContent)) missing++;
    else if (typeof instead === "object") sent = await writePadded(session, position + 1, uid, items, instead, faults?.cut);
    else if (instead !== "no-data" || !hasContent) sent = writeMessage(session, position + 1, uid, items, faults);
    const mustPass = spending?.chargeMessage(hasContent ? sent : undefined) === true;
    if (mustPass) await session.passTime();
    else if (!session.writer.isBehind && faults?.cut === undefined) continue;
    await session.writer.ready();
    // What is behind these UIDs now is other mail.
    if (selected.isInvalid) session.end("* BYE Connection closed.");
    if (session.state === "closed") break;
  }
  return missing > 0 ? no("Some of the requested messages no longer exist.") : ok("FETCH completed.");
};

/** Returns the bytes of its content. */
function writeMessage(
  session: Session,
  number: number,
  uid: number,
  items: readonly FetchItem[],
  faults: MessageFaults | undefined,
): number {
  const { folder, isReadOnly } = session.selected;
  const { store } = session.services;
  const { address } = session.mailbox;
  const { writer } = session;
  const before = folder.flags(uid);
  const marksSeen = !isReadOnly && items.some((item) => item.kind === "body" && !item.isPeek);
  if (marksSeen) store.setFlags(address, folder, uid, before | flagBits.seen, session);
  if (faults?.hasStrayFlags) writer.line(`* ${String(number)} FETCH (FLAGS (${formatFlags(folder.flags(uid))}))`);
  let line = `* ${String(number)} FETCH (`;
  let space = "";
  let sent = 0;
  for (const item of faults?.isShuffled ? shuffled(items, uid) : items) {
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
        line += `RFC822.SIZE ${String(Math.round(folder.size(uid) * (faults?.sizeFactor ?? 1)))}`;
        break;
      case "body": {
        const whole = cutSection(contentOf(session, uid, item.section, faults), item.section);
        const bytes = item.partial ? whole.subarray(item.partial.start, item.partial.start + item.partial.length) : whole;
        writer.text(`${line}${item.label} {${String(bytes.length)}}\r\n`);
        if (faults?.cut) cutContent(session, faults.cut, "* BYE");
        writer.raw(bytes);
        sent += bytes.length;
        countBody(session, item, bytes.length);
        line = "";
        break;
      }
    }
  }
  if (marksSeen && (before & flagBits.seen) === 0 && !items.some((item) => item.kind === "FLAGS"))
    line += ` FLAGS (${formatFlags(folder.flags(uid))})`;
  writer.line(`${line})`);
  if (faults?.cut) writer.flush();
  return sent;
}

/** The message, or its head where that is enough. */
function contentOf(session: Session, uid: number, section: Section, faults: MessageFaults | undefined): Buffer {
  const { services, mailbox, selected } = session;
  const isHeader = section.kind !== "all" && section.kind !== "text";
  const message = isHeader
    ? services.store.header(mailbox.address, selected.folder, uid)
    : services.store.bytes(mailbox.address, selected.folder, uid);
  if (faults?.instead === "placeholder") return placeholderFor("IMAP4", uid, message);
  return faults?.isRerendered ? rerender(message, session.number) : message;
}

/** Positions for the commands that take a set first; undefined where Exchange refuses the set. */
export function positionsOf(session: Session, token: Token | undefined, isUid: boolean): number[] | undefined {
  const set = parseSequenceSet(textOf(token) ?? "");
  if (!set) return undefined;
  const { uids } = session.selected;
  return isUid ? positionsOfUids(set, uids) : positionsOfNumbers(set, uids.length);
}
