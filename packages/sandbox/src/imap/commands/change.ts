import type { CommandHandler } from "../command-table.ts";
import { badArgument, badCount, badSet, no, ok } from "../command-table.ts";
import { formatFlags, parseFlags } from "../flags.ts";
import { textOf } from "../parse-command.ts";
import type { Token } from "../parse-command.ts";
import { parseDateTime } from "../search-query.ts";
import { flagBits } from "../../world/base-folder.ts";
import { positionsOf } from "./fetch.ts";
import { folderOf } from "./folders.ts";
import type { Session } from "../session.ts";

/** STORE and UID STORE. */
export const store: CommandHandler = (session, command) => {
  const [setToken, modeToken, ...flagTokens] = command.args;
  const isUid = command.verb === "UID STORE";
  const mode = /^([+-]?)FLAGS(\.SILENT)?$/.exec(textOf(modeToken)?.toUpperCase() ?? "");
  const names = flagNamesOf(flagTokens);
  if (!mode || !names) return badArgument;
  const positions = positionsOf(session, setToken, isUid);
  if (!positions) return badSet;
  const { selected } = session;
  if (selected.isReadOnly) return no("STORE failed: the folder was opened with EXAMINE.");
  const bits = parseFlags(names);
  for (const position of positions) {
    const uid = selected.uids[position] as number;
    if (!selected.folder.has(uid)) continue;
    const before = selected.folder.flags(uid);
    const after = mode[1] === "+" ? before | bits : mode[1] === "-" ? before & ~bits : bits;
    session.services.store.setFlags(session.mailbox.address, selected.folder, uid, after, session);
    if (mode[2] === undefined)
      session.writer.line(`* ${String(position + 1)} FETCH (FLAGS (${formatFlags(after)})${isUid ? ` UID ${String(uid)}` : ""})`);
  }
  return ok("STORE completed.");
};

function flagNamesOf(tokens: readonly Token[]): string[] | undefined {
  const flat = tokens.length === 1 && tokens[0]?.kind === "list" ? tokens[0].items : tokens;
  const names = flat.map((token) => textOf(token));
  return tokens.length > 0 && names.every((name) => name !== undefined) ? names : undefined;
}

/** EXPUNGE, and UID EXPUNGE with a set. */
export const expunge: CommandHandler = (session, command) => {
  if (session.selected.isReadOnly) return no("EXPUNGE failed: the folder was opened with EXAMINE.");
  let within: Set<number> | undefined;
  if (command.verb === "UID EXPUNGE") {
    const positions = positionsOf(session, command.args[0], true);
    if (!positions) return badSet;
    within = new Set(positions.map((at) => session.selected.uids[at] as number));
  }
  removeDeleted(session, within);
  return ok("EXPUNGE completed.");
};

/** CLOSE expunges without telling, then leaves the folder. */
export const close: CommandHandler = (session) => {
  if (!session.selected.isReadOnly) removeDeleted(session, undefined);
  session.unselect();
  return ok("CLOSE completed.");
};

function removeDeleted(session: Session, within: ReadonlySet<number> | undefined): void {
  const { folder } = session.selected;
  const uids = folder.uids.filter((uid) => (folder.flags(uid) & flagBits.deleted) !== 0 && (within?.has(uid) ?? true));
  session.services.store.expunge(session.mailbox.address, folder.name, uids);
}

/** APPEND folder [flags] [date-time] literal. */
export const append: CommandHandler = (session, command) => {
  const [nameToken, ...rest] = command.args;
  const body = rest.at(-1);
  if (body?.kind !== "string" || rest.length > 3) return badCount;
  const folder = folderOf(session, nameToken);
  if (folder === undefined) return badArgument;
  let flags = 0;
  let internalDate = Math.floor(Date.now() / 1000) * 1000;
  for (const token of rest.slice(0, -1)) {
    if (token.kind === "list") flags = parseFlags(token.items.map((item) => textOf(item) ?? ""));
    else {
      const at = parseDateTime(textOf(token) ?? "");
      if (at === undefined) return badArgument;
      internalDate = at;
    }
  }
  if (typeof folder === "string") return no(`[TRYCREATE] ${folder} doesn't exist.`);
  const uid = session.services.store.deliver(session.mailbox.address, folder.name, body.bytes, flags, internalDate);
  return ok(`[APPENDUID ${String(folder.uidValidity)} ${String(uid)}] APPEND completed.`);
};

/** COPY, MOVE and their UID forms: new UIDs in the target, as on Exchange. */
export const copy: CommandHandler = (session, command) => {
  const isUid = command.verb.startsWith("UID ");
  const isMove = command.verb.endsWith("MOVE");
  if (command.args.length !== 2) return badCount;
  const positions = positionsOf(session, command.args[0], isUid);
  if (!positions) return badSet;
  const target = folderOf(session, command.args[1]);
  if (target === undefined) return badArgument;
  if (typeof target === "string") return no(`[TRYCREATE] ${target} doesn't exist.`);
  const { folder, uids } = session.selected;
  const { store: mail } = session.services;
  const { address } = session.mailbox;
  const pairs = mail.copy(
    address,
    folder,
    target,
    positions.map((at) => uids[at] as number),
  );
  const from = pairs.map((pair) => pair.from);
  const to = pairs.map((pair) => pair.to);
  const isEmpty = session.services.faults.strike("copyuid-empty", session.place ?? {}) !== undefined;
  const sets = isEmpty ? " " : `${from.join(",")} ${to.join(",")}`;
  const code = isEmpty || pairs.length > 0 ? `[COPYUID ${String(target.uidValidity)} ${sets}] ` : "";
  const verb = isMove ? "MOVE" : "COPY";
  if (!isMove) return ok(`${code}${verb} completed.`);
  if (code !== "") session.writer.line(`* OK ${code.trim()}`);
  mail.expunge(address, folder.name, from);
  return ok(`${verb} completed.`);
};
