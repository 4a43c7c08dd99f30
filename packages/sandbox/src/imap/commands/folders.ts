import type { CommandHandler } from "../command-table.ts";
import { badArgument, badCount, no, ok } from "../command-table.ts";
import { decodeModifiedUtf7, encodeModifiedUtf7 } from "../modified-utf7.ts";
import { folderShownAs, formatFolderName, listLine, refuseSelect, shownName, strayListLine } from "../faults-at-folders.ts";
import { textOf } from "../parse-command.ts";
import type { Token } from "../parse-command.ts";
import type { Folder } from "../../store/folder.ts";
import type { Session } from "../session.ts";

export const list: CommandHandler = (session, command) => listAs(session, command.args, "LIST");
export const lsub: CommandHandler = (session, command) => listAs(session, command.args, "LSUB");

function listAs(session: Session, args: readonly Token[], verb: "LIST" | "LSUB"): ReturnType<CommandHandler> {
  // Neither RETURN options nor selection options: Exchange has no LIST-EXTENDED.
  if (args.length !== 2) return badCount;
  const reference = textOf(args[0]);
  const pattern = textOf(args[1]);
  // imapflow's comment on the newer front end.
  if (verb === "LSUB" && session.isRev2) return { kind: "bad", text: "Command Error. 12" };
  if (reference === undefined || pattern === undefined) return badCount;
  if (pattern.includes('"')) return badCount;
  if (pattern === "") session.writer.line(`* ${verb} (\\Noselect \\HasChildren) "/" ""`);
  else {
    const { folders } = session.mailbox;
    const names = folders.map((folder) => encodeModifiedUtf7(shownName(session, folder.name)));
    for (const [i, folder] of folders.entries()) {
      const name = names[i] as string;
      if (!matchesPattern(name, `${reference}${pattern}`)) continue;
      const hasChildren = names.some((other) => other.startsWith(`${name}/`));
      const line = listLine(session, verb, folder, hasChildren);
      if (line !== undefined) session.writer.line(line);
    }
  }
  const stray = strayListLine(session, verb);
  if (stray !== undefined) session.writer.line(stray);
  return ok(`${verb} completed.`);
}

/** `*` takes everything, `%` everything but the delimiter. Case does not count. Cost: pattern times name. */
function matchesPattern(name: string, pattern: string): boolean {
  const text = name.toLowerCase();
  let reached: boolean[] = Array.from({ length: text.length + 1 }, (_, at) => at === 0);
  for (const char of pattern.toLowerCase().slice(0, 1_000)) {
    const next: boolean[] = Array.from({ length: text.length + 1 }, () => false);
    for (let at = 0; at <= text.length; at++) {
      if (char === "*" || char === "%") {
        const canStretch = at > 0 && next[at - 1] === true && (char === "*" || text.charAt(at - 1) !== "/");
        next[at] = reached[at] === true || canStretch;
      } else if (at > 0) next[at] = reached[at - 1] === true && text.charAt(at - 1) === char;
    }
    reached = next;
  }
  return reached[text.length] === true;
}

/** The folder a client names, in modified UTF-7. */
export function folderOf(session: Session, token: Token | undefined): Folder | string | undefined {
  const wireName = textOf(token);
  if (wireName === undefined) return undefined;
  const name = decodeModifiedUtf7(wireName) ?? wireName;
  return folderShownAs(session, name) ?? wireName;
}

export const status: CommandHandler = (session, command) => {
  const [nameToken, itemsToken] = command.args;
  if (command.args.length !== 2 || itemsToken?.kind !== "list") return badCount;
  const folder = folderOf(session, nameToken);
  if (folder === undefined) return badArgument;
  if (typeof folder === "string") return no(`${folder} doesn't exist.`);
  if (session.services.faults.strike("status-empty", { ...session.place, folder: folder.name })) return ok("STATUS completed.");
  const values: string[] = [];
  for (const item of itemsToken.items) {
    const name = textOf(item)?.toUpperCase();
    if (name === "MESSAGES") values.push(`MESSAGES ${String(folder.uids.length)}`);
    else if (name === "RECENT") values.push("RECENT 0");
    else if (name === "UIDNEXT") values.push(`UIDNEXT ${String(folder.uidNext)}`);
    else if (name === "UIDVALIDITY") values.push(`UIDVALIDITY ${String(folder.uidValidity)}`);
    else if (name === "UNSEEN") values.push(`UNSEEN ${String(folder.unseen())}`);
    else return badArgument;
  }
  session.writer.line(`* STATUS ${formatFolderName(encodeModifiedUtf7(shownName(session, folder.name)))} (${values.join(" ")})`);
  return ok("STATUS completed.");
};

export const select: CommandHandler = (session, command) => open(session, command.args, command.verb === "EXAMINE");

function open(session: Session, args: readonly Token[], isReadOnly: boolean): ReturnType<CommandHandler> {
  if (args.length !== 1) return badCount;
  session.unselect();
  const folder = folderOf(session, args[0]);
  if (folder === undefined) return badArgument;
  if (typeof folder === "string") return no(`${folder} doesn't exist.`);
  const refusal = refuseSelect(session, folder);
  if (refusal) return refusal;
  const selected = session.select(folder, isReadOnly);
  const okay = session.services.faults.strike("bare-codes", session.place ?? {}) ? "*" : "* OK";
  const flags = "(\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)";
  const unseen = folder.firstUnseen();
  session.writer.line(`* ${String(selected.uids.length)} EXISTS`);
  session.writer.line("* 0 RECENT");
  session.writer.line(`* FLAGS ${flags}`);
  session.writer.line(`${okay} [PERMANENTFLAGS ${isReadOnly ? "()" : flags}] Permanent flags`);
  if (unseen !== undefined) session.writer.line(`${okay} [UNSEEN ${String(unseen)}] Is the first unseen message`);
  session.writer.line(`${okay} [UIDVALIDITY ${String(folder.uidValidity)}] UIDVALIDITY value`);
  session.writer.line(`${okay} [UIDNEXT ${String(folder.uidNext)}] The next unique identifier value`);
  return ok(isReadOnly ? "[READ-ONLY] EXAMINE completed." : "[READ-WRITE] SELECT completed.");
}

export const unselect: CommandHandler = (session) => {
  session.unselect();
  return ok("UNSELECT completed.");
};

export const create: CommandHandler = (session, command) => {
  const name = textOf(command.args[0]);
  if (name === undefined || name === "" || command.args.length !== 1) return badCount;
  const decoded = (decodeModifiedUtf7(name) ?? name).replace(/\/$/, "");
  if (decoded.toLowerCase() === "files") return no("Folder name is reserved.");
  return session.services.store.create(session.mailbox.address, decoded) ? ok("CREATE completed.") : no(`${name} already exists.`);
};

export const remove: CommandHandler = (session, command) => {
  const folder = folderOf(session, command.args[0]);
  if (folder === undefined || command.args.length !== 1) return badCount;
  if (typeof folder === "string") return no(`${folder} doesn't exist.`);
  if (folder.base.role !== "user") return no("DELETE failed.");
  session.services.store.delete(session.mailbox.address, folder);
  return ok("DELETE completed.");
};

export const rename: CommandHandler = (session, command) => {
  const folder = folderOf(session, command.args[0]);
  const to = folderOf(session, command.args[1]);
  if (folder === undefined || to === undefined || command.args.length !== 2) return badCount;
  if (typeof folder === "string") return no(`${folder} doesn't exist.`);
  if (typeof to !== "string") return no(`${to.name} already exists.`);
  if (folder.base.role !== "user") return no("RENAME failed.");
  session.services.store.rename(session.mailbox.address, folder, decodeModifiedUtf7(to) ?? to);
  return ok("RENAME completed.");
};

/** Every folder is subscribed, whatever is asked. */
export const subscribe: CommandHandler = (session, command) => {
  const folder = folderOf(session, command.args[0]);
  if (folder === undefined || command.args.length !== 1) return badCount;
  return typeof folder === "string" ? no(`${folder} doesn't exist.`) : ok(`${command.verb} completed.`);
};
