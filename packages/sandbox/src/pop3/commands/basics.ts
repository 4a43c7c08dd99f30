import { flagBits } from "../../world/base-folder.ts";
import type { CommandHandler } from "../command-table.ts";
import { endLines, startLines } from "../multi-line.ts";
import { badArgument, badCount, ok, sent } from "../reply.ts";

/** Verbatim (field guide 4). */
const capabilities = ["TOP", "UIDL", "SASL PLAIN XOAUTH2", "USER"];

export const capa: CommandHandler = async (session, args) => {
  if (args.length > 0) return badCount;
  const { faults } = session.services;
  const place = session.occupancy.place ?? {};
  const change = faults.holds("pop-capabilities", place);
  const without = wordsOf(change?.word("without").toUpperCase());
  const kept = capabilities.filter((line) => !without.includes(line.split(" ")[0] ?? ""));
  const added = [...(faults.holds("pop-pipelining", place) ? ["PIPELINING"] : []), ...wordsOf(change?.word("also"))];
  const write = startLines(session);
  for (const line of [...kept, ...added]) write(line);
  await endLines(session);
  return sent;
};

export const noop: CommandHandler = (_, args) => (args.length > 0 ? badCount : ok());

export const rset: CommandHandler = (session, args) => {
  if (args.length > 0) return badCount;
  session.maildropSoFar?.undelete();
  return ok();
};

/** Takes effect at QUIT only. */
export const dele: CommandHandler = (session, args) => {
  const [number] = args;
  if (number === undefined || args.length > 1) return badCount;
  if (!session.maildrop.at(Number(number))) return badArgument;
  session.maildrop.delete(Number(number));
  return ok();
};

/** Deletes what DELE named, and marks what RETR brought as read; a connection that just ends does neither. */
export const quit: CommandHandler = (session, args) => {
  if (args.length > 0) return badCount;
  const { maildropSoFar: maildrop, services } = session;
  if (maildrop && !maildrop.isInvalid) {
    const { folder, changes } = maildrop;
    const { address } = session.mailbox;
    for (const uid of changes.seen) {
      if (folder.has(uid)) services.store.setFlags(address, folder, uid, folder.flags(uid) | flagBits.seen);
    }
    services.store.expunge(
      address,
      folder.name,
      changes.deleted.filter((uid) => folder.has(uid)),
    );
  }
  return ok("Microsoft Exchange Server POP3 server signing off.");
};

function wordsOf(list = ""): string[] {
  return list.split(" ").filter((word) => word !== "");
}
