import type { ActiveFault } from "../faults/fault-spec.ts";
import type { Folder } from "../store/folder.ts";
import type { Reply } from "./command-table.ts";
import { badArgument, no, ok } from "./command-table.ts";
import { localName } from "./folder-languages.ts";
import { encodeModifiedUtf7 } from "./modified-utf7.ts";
import type { Session } from "./session.ts";

/** A folder's name as its owner sees it. */
export function shownName({ services, place }: Session, name: string): string {
  if (!services.faults.isOrdered("localised") || !place) return name;
  const language = services.faults.holds("localised", place)?.word("language");
  return language === undefined ? name : localName(name, language);
}

/** The folder that has this name for its owner. */
export function folderShownAs(session: Session, name: string): Folder | undefined {
  const { services, mailbox } = session;
  if (!services.faults.isOrdered("localised")) return services.store.folder(mailbox.address, name);
  const wanted = name.toLowerCase();
  return mailbox.folders.find((folder) => shownName(session, folder.name).toLowerCase() === wanted);
}

/** What LIST says of a folder; undefined where it is hidden. */
export function listLine(session: Session, verb: "LIST" | "LSUB", folder: Folder, hasChildren: boolean): string | undefined {
  const { faults } = session.services;
  const place = { ...session.place, folder: folder.name };
  if (folder.base.role === "inbox" && faults.holds("inbox-hidden", place)) return undefined;
  const special = faults.holds("no-special-use", place) ? [] : folder.base.attributes;
  const attributes = [hasChildren ? "\\HasChildren" : "\\HasNoChildren", ...special].join(" ");
  const wireName = encodeModifiedUtf7(shownName(session, folder.name));
  const broken = faults.strike("list-broken", place, (fault) => fault.target.folder !== undefined);
  if (broken) return brokenLine(broken, verb, attributes, wireName);
  const name = faults.holds("unquoted-names", place) ? wireName : formatFolderName(wireName);
  return `* ${verb} (${attributes}) "/" ${name}`;
}

/** A line of no folder, where `list-broken` was ordered for none. */
export function strayListLine({ services, place }: Session, verb: "LIST" | "LSUB"): string | undefined {
  const broken = services.faults.strike("list-broken", place ?? {}, (fault) => fault.target.folder === undefined);
  return broken && brokenLine(broken, verb, "\\HasNoChildren", "Stray");
}

function brokenLine(order: ActiveFault, verb: "LIST" | "LSUB", attributes: string, wireName: string): string {
  return order.word("form") === "tab"
    ? `* ${verb} (${attributes}) "/" ${wireName.replaceAll(" ", "")}\tstray"`
    : `* ${verb} (${attributes} "/" ${formatFolderName(wireName)}`;
}

/** Unquoted where an atom will do, as Exchange writes it. */
export function formatFolderName(wireName: string): string {
  return /^[^\x00-\x20\x7f(){%*"\\\]]+$/.test(wireName) ? wireName : `"${wireName.replaceAll(/(["\\])/g, "\\$1")}"`;
}

/** The refusal of SELECT and EXAMINE for a folder that is there. */
export function refuseSelect({ services, place }: Session, folder: Folder): Reply | undefined {
  const isMeant = (target: { readonly folder?: string }): boolean => target.folder !== undefined || folder.base.role === "inbox";
  const order = services.faults.strike("select-missing", { ...place, folder: folder.name }, (fault) => isMeant(fault.target));
  return order && no(`${folder.name} doesn't exist.`);
}

/** What SEARCH does in place of searching; undefined where it searches. */
export async function misguidedSearch(
  session: Session,
  answer: (found: readonly number[]) => Reply,
  isUid: boolean,
): Promise<Reply | undefined> {
  const { services, selected } = session;
  const place = session.place ?? {};
  const slow = services.faults.strike("search-slow", place);
  if (slow) await services.sleep(slow.number("ms"));
  if (session.isRev2) return session.frontEnd.brokenSearch === "bad" ? badArgument : ok("SEARCH completed.");
  if (services.faults.strike("search-wrong", place, (fault) => fault.word("form") === "empty")) return answer([]);
  if (!services.faults.strike("search-wrong", place, (fault) => fault.word("form") === "over-match")) return undefined;
  return answer(isUid ? selected.uids : selected.uids.map((_, at) => at + 1));
}

/** What of the found is told. */
export function withoutLagging({ services, place, selected }: Session, found: readonly number[], isUid: boolean): readonly number[] {
  if (!services.faults.strike("search-wrong", place ?? {}, (fault) => fault.word("form") === "lagging")) return found;
  const newest = isUid ? selected.uids.at(-1) : selected.uids.length;
  return found.filter((one) => one !== newest);
}
