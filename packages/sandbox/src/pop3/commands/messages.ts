import { paddedEndsLine, writePaddedRange } from "../../mail/padded-content.ts";
import { cutContent, messageFaultsOf, type MessageFaults } from "../../mail/message-faults.ts";
import { cutSection } from "../../mail/message-sections.ts";
import { placeholderFor } from "../../mail/placeholder.ts";
import { rerender } from "../../mail/rerendered-message.ts";
import type { CommandHandler } from "../command-table.ts";
import { lineEnd, stuffed, withoutLineEnd } from "../dot-stuffing.ts";
import { endMessage } from "../multi-line.ts";
import { badArgument, badCount, corrupted, ok, type Reply, sent, unavailableAs } from "../reply.ts";
import type { Pop3Session } from "../session.ts";

/** The whole message. It is marked as read when the session ends with QUIT. */
export const retr: CommandHandler = async (session, args) => {
  const [number] = args;
  if (number === undefined || args.length > 1) return badCount;
  const reply = await send(session, Number(number), undefined);
  const uid = session.maildrop.at(Number(number))?.uid;
  if (reply.kind === "sent" && uid !== undefined) session.maildrop.markRetrieved(uid);
  return reply;
};

/** The header and so many lines behind it. */
export const top: CommandHandler = (session, args) => {
  const [number, lines] = args;
  if (number === undefined || lines === undefined || args.length > 2) return badCount;
  if (session.services.faults.strike("top-refused", session.place)) return { kind: "err", text: "Protocol error. 19", isStrike: true };
  return send(session, Number(number), Number(lines));
};

/** @param lines of the body; undefined for all of the message */
async function send(session: Pop3Session, number: number, lines: number | undefined): Promise<Reply> {
  const { services, maildrop, writer } = session;
  const uid = maildrop.at(number)?.uid;
  if (uid === undefined) return badArgument;
  const { folder } = maildrop;
  // What Exchange says of a message that went away meanwhile is not known.
  if (!folder.has(uid)) return corrupted;
  const place = { ...session.place, uid };
  if (services.faults.strike("message-corrupted", place)) return corrupted;
  const faults = messageFaultsOf(services, session.place, true)?.(uid);
  if (faults?.unavailable) return unavailableAs(faults.unavailable);
  session.say(ok());
  if (faults?.cut) cutContent(session, faults.cut, "-ERR");
  const bytes = await sendContent(session, uid, lines, faults);
  if (lines === undefined) {
    const { tally } = session.occupancy;
    tally.bodies++;
    tally.bodyBytes += bytes;
  }
  if (session.spending?.chargeMessage(bytes) === true) await session.passTime();
  await endMessage(session, uid);
  await writer.ready();
  return sent;
}

/** Without the end of the last line. Returns how many bytes there are before stuffing. */
async function sendContent(
  session: Pop3Session,
  uid: number,
  lines: number | undefined,
  faults: MessageFaults | undefined,
): Promise<number> {
  const content = contentOf(session, uid, lines, faults);
  const length = lines === undefined && typeof faults?.instead === "object" ? faults.instead.paddedTo : 0;
  const isPadded = length > content.length;
  for (const piece of stuffed(isPadded ? content : withoutLineEnd(content))) session.writer.raw(piece);
  if (!isPadded) return content.length;
  const end = paddedEndsLine(content, length) ? length - lineEnd.length : length;
  await writePaddedRange(session.writer, () => session.state !== "closed", content, content.length, end);
  return length;
}

function contentOf(session: Pop3Session, uid: number, lines: number | undefined, faults: MessageFaults | undefined): Buffer {
  const { store } = session.services;
  const { folder } = session.maildrop;
  const { address } = session.mailbox;
  const stored = lines === 0 ? store.header(address, folder, uid) : store.bytes(address, folder, uid);
  const message =
    faults?.instead === "placeholder"
      ? placeholderFor("POP3", uid, stored)
      : faults?.isRerendered
        ? rerender(stored, session.number)
        : stored;
  return lines === undefined ? message : firstLines(message, lines);
}

/** The header with its empty line, and so many lines of the body. */
function firstLines(message: Buffer, lines: number): Buffer {
  let end = cutSection(message, { kind: "header", fields: [] }).length;
  for (let n = 0; n < lines && end < message.length; n++) {
    const at = message.indexOf(lineEnd, end);
    end = at < 0 ? message.length : at + lineEnd.length;
  }
  return message.subarray(0, end);
}
