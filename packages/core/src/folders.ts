import type { FolderRole } from "./event.ts";
import { nonMailNames, roleNames } from "./folder-names.ts";
import { globMatcher } from "./glob.ts";

/** What is needed of a listed folder to decide about it; `ListedFolder` fits. */
export interface FolderFacts {
  /** Decoded, `/` between levels. */
  readonly path: string;
  /** Without the backslash, lower case. */
  readonly attributes: readonly string[];
}

/** Patterns as in the configuration: `*` stands for any characters at any depth; letters match in either case. */
export interface FolderRules {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export interface FolderSelection<T> {
  /** INBOX first, then by path. */
  readonly synced: readonly T[];
  readonly excludedByRule: readonly T[];
  /** Calendar, contacts and the like, and folders that hold no messages by themselves. */
  readonly notMail: readonly T[];
}

/**
 * The special-use role: by attribute where the server sends one (RFC 6154), else by the names that Exchange gives its folders in
 * the mailbox's language. Only a folder at the top, or directly under INBOX, can be the mailbox's own.
 */
export function folderRole(folder: FolderFacts): FolderRole | undefined {
  if (fold(folder.path) === "inbox") return "inbox";
  for (const attribute of folder.attributes) {
    const role = attributeRoles.get(attribute);
    if (role !== undefined) return role;
  }
  const name = ownName(folder.path);
  return name === undefined ? undefined : roleNames.get(name);
}

/**
 * False for the folders that Exchange shows over IMAP though they hold no mail, and for everything below them: they are the main
 * source of placeholder messages (Exchange converts every item to MIME, a calendar's items badly).
 *
 * @param listing the whole mailbox, which tells its language; without it, every language's names count
 */
export function isMailFolder(folder: FolderFacts, listing?: readonly FolderFacts[]): boolean {
  return isMail(folder, listing === undefined ? nonMailNames : languagesOf(listing));
}

function isMail(folder: FolderFacts, languages: readonly ReadonlySet<string>[]): boolean {
  if (folder.attributes.includes("noselect") || folder.attributes.includes("nonexistent")) return false;
  const top = topName(folder);
  return !languages.some((names) => names.has(top));
}

/**
 * English, and every language of which two names or more occur: a user's own folder `Agenda` or `File` in an English mailbox is mail,
 * though these are Dutch and Italian for what is not.
 */
function languagesOf(listing: readonly FolderFacts[]): readonly ReadonlySet<string>[] {
  const tops = new Set(listing.map(topName));
  return nonMailNames.filter((names, index) => index === 0 || [...names].filter((name) => tops.has(name)).length > 1);
}

function topName(folder: FolderFacts): string {
  return fold(folder.path.split("/", 1)[0] ?? "");
}

/** Divides a listing into what is synced and what is not, and why. A folder that is no mail folder can be had by naming it in `include`. */
export function selectFolders<T extends FolderFacts & { readonly selectable?: boolean }>(
  listed: readonly T[],
  rules: FolderRules,
): FolderSelection<T> {
  const synced: T[] = [];
  const excludedByRule: T[] = [];
  const notMail: T[] = [];
  const include = rules.include.map(toMatcher);
  const exclude = rules.exclude.map(toMatcher);
  const languages = languagesOf(listed);
  const named = rules.include.filter((pattern) => /[^*]/.test(pattern)).map(toMatcher);
  for (const folder of listed) {
    const path = fold(folder.path);
    const canOpen = folder.selectable !== false;
    const isNamed = named.some((matches) => matches(path));
    if (!canOpen || (!isMail(folder, languages) && !isNamed)) notMail.push(folder);
    else if (!include.some((matches) => matches(path)) || exclude.some((matches) => matches(path))) excludedByRule.push(folder);
    else synced.push(folder);
  }
  return { synced: synced.sort(inboxFirst), excludedByRule: excludedByRule.sort(inboxFirst), notMail: notMail.sort(inboxFirst) };
}

/** True when the path is matched by the pattern as {@link FolderRules} has it. */
export function matchesFolder(pattern: string, path: string): boolean {
  return toMatcher(pattern)(fold(path));
}

const attributeRoles: ReadonlyMap<string, FolderRole> = new Map([
  ["inbox", "inbox"],
  ["sent", "sent"],
  ["drafts", "drafts"],
  ["trash", "trash"],
  ["junk", "junk"],
  ["archive", "archive"],
]);

/** The folded name if the folder can be one of the mailbox's own. */
function ownName(path: string): string | undefined {
  const parts = path.split("/").map(fold);
  if (parts.length === 1) return parts[0];
  return parts.length === 2 && parts[0] === "inbox" ? parts[1] : undefined;
}

/** Exchange's names are case-insensitive and case-preserving. */
function fold(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

function toMatcher(pattern: string): (foldedPath: string) => boolean {
  return globMatcher(fold(pattern));
}

function inboxFirst(a: FolderFacts, b: FolderFacts): number {
  const left = fold(a.path);
  const right = fold(b.path);
  if (left === right) return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  if (left === "inbox") return -1;
  if (right === "inbox") return 1;
  return left < right ? -1 : 1;
}
