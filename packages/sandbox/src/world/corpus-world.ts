import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BaseFolder, World, WorldTenant } from "./base-folder.ts";
import { flagBits } from "./base-folder.ts";
import { planCorpusFolders } from "./folder-plan.ts";
import type { FolderPlan } from "./folder-plan.ts";
import { estimateSize } from "./message-plan.ts";
import { hashNumbers, hashText } from "./random.ts";

/** The corpus cannot be served; the message names the file or folder. Nothing was started. */
export class CorpusError extends Error {
  override readonly name = "CorpusError";
}

interface CorpusMessage {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

const mostMailboxes = 20;
const firstDate = Date.UTC(2026, 0, 5, 8);

/** Mail files as one tenant: every file (every message of an mbox) is exactly one message, spread evenly, in the order of the paths. */
export class CorpusWorld implements World {
  readonly key: string;
  readonly tenants: readonly WorldTenant[];
  readonly #byAddress = new Map<string, Map<string, CorpusMessage[]>>();

  /** @param inboxOnly all of it in INBOX, for those who see nothing else @throws CorpusError */
  constructor(root: string, seed: string, inboxOnly = false) {
    const messages = findMessages(root);
    const mailboxes = Math.min(mostMailboxes, Math.max(1, Math.ceil(messages.length / 10)));
    const addresses = Array.from({ length: mailboxes }, (_, i) => `box${String(i + 1).padStart(2, "0")}@corpus.example`);
    const folders = planCorpusFolders();
    for (const address of addresses) this.#byAddress.set(address, new Map(folders.map((folder) => [folder.name, []])));
    for (const [i, message] of messages.entries()) {
      const address = addresses[i % mailboxes] as string;
      this.#byAddress
        .get(address)
        ?.get(inboxOnly ? "INBOX" : folderFor(Math.floor(i / mailboxes), folders))
        ?.push(message);
    }
    this.tenants = [{ alias: "corpus", addresses, messages: messages.length, protocol: "imap" }];
    this.key = `corpus ${inboxOnly ? "inbox " : ""}${seed} ${String(hashText(messages.map((m) => `${m.path.slice(root.length)} ${String(m.offset)} ${String(m.length)}`).join("\n")))}`;
  }

  folders(address: string): readonly BaseFolder[] | undefined {
    const folders = this.#byAddress.get(address);
    if (!folders) return undefined;
    return planCorpusFolders().map((plan) => new CorpusFolder(address, plan, folders.get(plan.name) ?? []));
  }
}

/** Of ten messages of a mailbox, five go to the inbox, three to the archive, two to a folder with a name beyond ASCII. */
function folderFor(place: number, folders: readonly FolderPlan[]): string {
  const role = place % 10 < 5 ? "inbox" : place % 10 < 8 ? "archive" : "user";
  return folders.find((folder) => folder.role === role)?.name ?? "INBOX";
}

class CorpusFolder implements BaseFolder {
  readonly name: string;
  readonly role: FolderPlan["role"];
  readonly attributes: readonly string[];
  readonly uidValidity: number;
  readonly #messages: readonly CorpusMessage[];
  readonly #hash: number;

  constructor(address: string, plan: FolderPlan, messages: readonly CorpusMessage[]) {
    this.name = plan.name;
    this.role = plan.role;
    this.attributes = plan.attributes;
    this.#messages = messages;
    this.#hash = hashText(`${address}/${plan.name}`);
    this.uidValidity = 14 + (this.#hash % 170_000);
  }

  get count(): number {
    return this.#messages.length;
  }

  get uidNext(): number {
    return (this.uids().at(-1) ?? 0) + 1;
  }

  uids(): number[] {
    let uid = 0;
    return this.#messages.map((_, index) => (uid += hashNumbers(this.#hash, index) % 16 === 0 ? 3 : 1));
  }

  flags(index: number): number {
    return hashNumbers(this.#hash, index) % 3 === 0 ? 0 : flagBits.seen;
  }

  internalDate(index: number): number {
    return firstDate + index * 3_600_000;
  }

  size(index: number): number {
    return estimateSize(hashNumbers(this.#hash, index), this.#at(index).length);
  }

  bytes(index: number): Buffer {
    return toCrlf(readMessage(this.#at(index)));
  }

  header(index: number): Buffer {
    return this.bytes(index);
  }

  #at(index: number): CorpusMessage {
    const message = this.#messages[index];
    if (!message) throw new RangeError("no such message in the corpus");
    return message;
  }
}

/** Every LF that has no CR before it gets one; a CR alone stays. */
export function toCrlf(bytes: Buffer): Buffer {
  let missing = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) if (at === 0 || bytes[at - 1] !== 0x0d) missing++;
  if (missing === 0) return bytes;
  const out = Buffer.alloc(bytes.length + missing);
  let to = 0;
  for (let from = 0; from < bytes.length; from++) {
    const byte = bytes[from] as number;
    if (byte === 0x0a && (from === 0 || bytes[from - 1] !== 0x0d)) out[to++] = 0x0d;
    out[to++] = byte;
  }
  return out;
}

function findMessages(root: string): CorpusMessage[] {
  const messages: CorpusMessage[] = [];
  const isFolder = attempt(root, () => statSync(root)).isDirectory();
  for (const path of isFolder ? mailFiles(root) : [root]) {
    if (path.toLowerCase().endsWith(".mbox"))
      messages.push(
        ...splitMbox(
          path,
          attempt(path, () => readFileSync(path)),
        ),
      );
    else messages.push({ path, offset: 0, length: attempt(path, () => openAndMeasure(path)) });
  }
  if (messages.length === 0) throw new CorpusError(`the corpus ${root} holds no message: no .eml and no .mbox file in it or below it`);
  return messages;
}

function mailFiles(folder: string): string[] {
  const files: string[] = [];
  const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const isMail = /\.(eml|mbox)$/i.test(entry.name);
    if (entry.isDirectory()) files.push(...mailFiles(path));
    else if (isMail && attempt(path, () => statSync(path)).isFile()) files.push(path);
    else if (isMail) throw new CorpusError(`the corpus file ${path} is no regular file`);
  }
  return files;
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CorpusError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CorpusError(`the corpus ${path} cannot be read: ${code}`, { cause: error });
  }
}

function openAndMeasure(path: string): number {
  const fd = openSync(path, "r");
  try {
    readSync(fd, Buffer.alloc(1), 0, 1, 0);
    return statSync(path).size;
  } finally {
    closeSync(fd);
  }
}

function readMessage(message: CorpusMessage): Buffer {
  const fd = openSync(message.path, "r");
  try {
    const bytes = Buffer.alloc(message.length);
    let at = 0;
    while (at < bytes.length) {
      const read = readSync(fd, bytes, at, bytes.length - at, message.offset + at);
      if (read === 0) throw new CorpusError(`the corpus file ${message.path} became shorter while the sandbox was running`);
      at += read;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

/** A message starts behind a line that begins with `From ` and follows an empty line or the file's start; the line is no part of it. */
function splitMbox(path: string, bytes: Buffer): CorpusMessage[] {
  const messages: CorpusMessage[] = [];
  const from = Buffer.from("From ");
  let start = -1;
  for (let line = 0; line < bytes.length;) {
    const newline = bytes.indexOf(0x0a, line);
    const next = newline < 0 ? bytes.length : newline + 1;
    if (bytes.subarray(line, line + 5).equals(from) && (line === 0 || followsEmptyLine(bytes, line))) {
      if (start >= 0) messages.push({ path, offset: start, length: withoutSeparator(bytes, start, line) - start });
      start = next;
    }
    line = next;
  }
  if (start >= 0) messages.push({ path, offset: start, length: withoutSeparator(bytes, start, bytes.length) - start });
  return messages;
}

function followsEmptyLine(bytes: Buffer, line: number): boolean {
  return bytes[line - 1] === 0x0a && (bytes[line - 2] === 0x0a || (bytes[line - 2] === 0x0d && bytes[line - 3] === 0x0a));
}

/** The empty line before the next `From ` belongs to the mbox. */
function withoutSeparator(bytes: Buffer, start: number, end: number): number {
  if (!followsEmptyLine(bytes, end)) return end;
  return Math.max(start, bytes[end - 2] === 0x0d ? end - 2 : end - 1);
}
