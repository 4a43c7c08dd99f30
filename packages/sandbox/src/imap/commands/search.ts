import type { CommandHandler, Reply } from "../command-table.ts";
import { badArgument, no, ok } from "../command-table.ts";
import { textOf } from "../parse-command.ts";
import { misguidedSearch, withoutLagging } from "../faults-at-folders.ts";
import { parseSearch } from "../search-query.ts";
import { positionsOf } from "./fetch.ts";

/** SEARCH and UID SEARCH; the answer is one line, however long, as Exchange sends it. */
export const search: CommandHandler = async (session, command) => {
  let keys = command.args;
  if (textOf(keys[0])?.toUpperCase() === "CHARSET") {
    const charset = textOf(keys[1])?.toUpperCase();
    if (charset !== "US-ASCII" && charset !== "UTF-8") return no("[BADCHARSET (US-ASCII)] The specified charset is not supported.");
    keys = keys.slice(2);
  }
  const { uids, folder } = session.selected;
  const isUid = command.verb === "UID SEARCH";
  const answer = (found: readonly number[]): Reply => {
    const told = withoutLagging(session, found, isUid);
    session.writer.line(told.length === 0 ? "* SEARCH" : `* SEARCH ${told.join(" ")}`);
    return ok("SEARCH completed.");
  };
  const misguided = await misguidedSearch(session, answer, isUid);
  if (misguided) return misguided;
  // A listing by UIDs alone: the one search that a folder of 100,000 messages is asked for at each look.
  const [key, set] = keys;
  const listed = isUid && keys.length === 2 && textOf(key)?.toUpperCase() === "UID" ? positionsOf(session, set, true) : undefined;
  if (listed) return answer(listed.map((position) => uids[position] as number).filter((uid) => folder.has(uid)));
  const matches = parseSearch(keys, uids);
  if (!matches) return badArgument;
  const found: number[] = [];
  for (const [position, uid] of uids.entries()) {
    if (!folder.has(uid)) continue;
    const isMatch = matches({
      position,
      uid,
      get flags() {
        return folder.flags(uid);
      },
      get internalDate() {
        return folder.internalDate(uid);
      },
      get size() {
        return folder.size(uid);
      },
      bytes: () => session.services.store.bytes(session.mailbox.address, folder, uid),
    });
    if (isMatch) found.push(isUid ? uid : position + 1);
  }
  return answer(found);
};
