import type { BaseFolder, World } from "../world/base-folder.ts";
import { BodyCache } from "./body-cache.ts";
import { Folder } from "./folder.ts";
import { Journal } from "./journal.ts";
import type { JournalEntry, BodyPlace } from "./journal.ts";

export interface Mailbox {
  readonly address: string;
  readonly tenant: string;
  /** By name, case kept; order as listed. */
  readonly folders: readonly Folder[];
}

interface HeldMailbox extends Mailbox {
  folders: Folder[];
  /** Of all folders that ever were, so that a folder made again never gets an old one's. */
  highestUidValidity: number;
  /** Sessions on it. */
  users: number;
  /** Something happened to it since the world began, so it cannot be made anew from the world alone. */
  hasChanged: boolean;
}

/** Mailboxes that nobody uses and nothing happened to are let go beyond this number; they come back the same. */
const mostIdleMailboxes = 1_000;
/** How many of the oldest are looked at for one to let go. */
const evictionLook = 16;

const cachedBytes = 16 * 1024 * 1024;

/** All mailboxes of a world with what happened to them. A mailbox comes into memory when it is first asked for. */
export class MailStore {
  readonly #world: World;
  readonly #tenantOf = new Map<string, string>();
  readonly #mailboxes = new Map<string, HeldMailbox>();
  readonly #journal: Journal;
  readonly #cache = new BodyCache(cachedBytes);
  #trickled = 0;

  constructor(world: World, journalPath: string) {
    this.#world = world;
    for (const tenant of world.tenants) for (const address of tenant.addresses) this.#tenantOf.set(address, tenant.alias);
    const replayed: { entry: JournalEntry; place: BodyPlace }[] = [];
    this.#journal = Journal.open(journalPath, (entry, place) => replayed.push({ entry, place }));
    for (const { entry, place } of replayed) this.#apply(entry, place);
  }

  /** Live deliveries made by the trickle so far, over all starts. */
  get trickled(): number {
    return this.#trickled;
  }

  tenantOf(address: string): string | undefined {
    return this.#tenantOf.get(address.toLowerCase());
  }

  addresses(): Iterable<string> {
    return this.#tenantOf.keys();
  }

  mailbox(address: string): Mailbox | undefined {
    const key = address.toLowerCase();
    const known = this.#mailboxes.get(key);
    if (known) {
      this.#mailboxes.delete(key);
      this.#mailboxes.set(key, known);
      return known;
    }
    const bases = this.#world.folders(key);
    const tenant = this.#tenantOf.get(key);
    if (!bases || tenant === undefined) return undefined;
    const folders = bases.map((base) => new Folder(base, (place) => this.#journal.read(place)));
    const highestUidValidity = Math.max(...folders.map((folder) => folder.uidValidity));
    const mailbox: HeldMailbox = { address: key, tenant, folders, highestUidValidity, users: 0, hasChanged: false };
    this.#mailboxes.set(key, mailbox);
    if (this.#mailboxes.size > mostIdleMailboxes) this.#letOneGo(key);
    return mailbox;
  }

  /** As `mailbox`, and keeps it in memory until it is given back. */
  take(address: string): Mailbox | undefined {
    const mailbox = this.mailbox(address);
    const held = mailbox && this.#mailboxes.get(mailbox.address);
    if (held) held.users++;
    return mailbox;
  }

  giveBack(mailbox: Mailbox): void {
    const held = this.#mailboxes.get(mailbox.address);
    if (held) held.users--;
  }

  #letOneGo(exceptAddress: string): void {
    let looked = 0;
    for (const [address, mailbox] of this.#mailboxes) {
      if (address !== exceptAddress && mailbox.users === 0 && !mailbox.hasChanged) {
        this.#mailboxes.delete(address);
        return;
      }
      // What has to stay goes to the far end, so that it is not looked at again each time.
      this.#mailboxes.delete(address);
      this.#mailboxes.set(address, mailbox);
      if (++looked >= evictionLook) return;
    }
  }

  /** Names compare without regard to case, as on Exchange. */
  folder(address: string, name: string): Folder | undefined {
    const wanted = name.toLowerCase();
    return this.mailbox(address)?.folders.find((folder) => folder.name.toLowerCase() === wanted);
  }

  /** @throws RangeError for an unknown mailbox or folder */
  must(address: string, name: string): Folder {
    const folder = this.folder(address, name);
    if (!folder) throw new RangeError(`the sandbox has no folder ${name} in ${address}`);
    return folder;
  }

  bytes(address: string, folder: Folder, uid: number): Buffer {
    return this.#cache.get(this.#cacheKey(address, folder, uid), () => folder.bytes(uid));
  }

  /** Bytes that hold the whole header. */
  header(address: string, folder: Folder, uid: number): Buffer {
    return this.#cache.peek(this.#cacheKey(address, folder, uid)) ?? folder.header(uid);
  }

  /** The new message's UID. @throws RangeError for an unknown mailbox or folder */
  deliver(address: string, folderName: string, raw: Buffer, flags: number, internalDate: number, isTrickle = false): number {
    const folder = this.must(address, folderName);
    const uid = folder.uidNext;
    const entry: JournalEntry = {
      type: "deliver",
      address: address.toLowerCase(),
      folder: folder.name,
      uid,
      flags,
      internalDate,
      ...(isTrickle ? { trickle: true } : {}),
    };
    this.#apply(entry, this.#journal.append(entry, raw));
    return uid;
  }

  /** @throws RangeError for a UID that is taken, or that the folder never dealt */
  plant(address: string, folderName: string, uid: number, raw: Buffer, flags: number, internalDate: number): void {
    const folder = this.must(address, folderName);
    if (folder.has(uid) || !Number.isInteger(uid) || uid < 1 || uid >= folder.uidNext)
      throw new RangeError(`a message is planted under an unused UID below ${String(folder.uidNext)}, not under ${String(uid)}`);
    const entry: JournalEntry = { type: "plant", address: address.toLowerCase(), folder: folder.name, uid, flags, internalDate };
    this.#apply(entry, this.#journal.append(entry, raw));
  }

  /** New UIDs in the target, in the order of `uids`; those that are not there are passed over. */
  copy(address: string, from: Folder, to: Folder, uids: readonly number[]): readonly { readonly from: number; readonly to: number }[] {
    return uids
      .filter((uid) => from.has(uid))
      .map((uid) => {
        const raw = Buffer.from(this.bytes(address, from, uid));
        return { from: uid, to: this.deliver(address, to.name, raw, from.flags(uid), from.internalDate(uid)) };
      });
  }

  setFlags(address: string, folder: Folder, uid: number, flags: number, by?: object): void {
    if (folder.flags(uid) === flags) return;
    const entry: JournalEntry = { type: "flags", address, folder: folder.name, uid, flags };
    this.#journal.append(entry);
    this.#markChanged(address);
    folder.setFlags(uid, flags, by);
  }

  expunge(address: string, folderName: string, uids: readonly number[]): void {
    const folder = this.must(address, folderName);
    if (uids.length === 0) return;
    this.#change({ type: "expunge", address: address.toLowerCase(), folder: folder.name, uids });
  }

  restore(address: string, folderName: string, uidsKept: readonly number[]): void {
    const folder = this.must(address, folderName);
    this.#change({ type: "restore", address: address.toLowerCase(), folder: folder.name, uids: uidsKept });
  }

  resetUidValidity(address: string, folderName: string): number {
    const folder = this.must(address, folderName);
    const uidValidity = folder.uidValidity + 1;
    this.#change({ type: "reset", address: address.toLowerCase(), folder: folder.name, uidValidity });
    return uidValidity;
  }

  /** False if the folder is already there. */
  create(address: string, name: string): boolean {
    if (this.folder(address, name)) return false;
    const highest = this.#mailboxes.get(address.toLowerCase())?.highestUidValidity ?? 0;
    this.#change({ type: "create", address, folder: name, uidValidity: highest + 1 });
    return true;
  }

  delete(address: string, folder: Folder): void {
    this.#change({ type: "delete", address, folder: folder.name, uidValidity: folder.uidValidity });
  }

  /** Folders below it go along. UIDVALIDITY and UIDs stay. */
  rename(address: string, folder: Folder, to: string): void {
    this.#change({ type: "rename", address, folder: folder.name, to });
  }

  close(): void {
    this.#journal.close();
  }

  #cacheKey(address: string, folder: Folder, uid: number): string {
    return `${address}/${folder.base.name}/${String(folder.base.uidValidity)}/${folder.bodyKey(uid)}`;
  }

  #markChanged(address: string): void {
    const held = this.#mailboxes.get(address);
    if (held) held.hasChanged = true;
  }

  #change(entry: JournalEntry): void {
    this.#apply(entry, this.#journal.append(entry));
  }

  #apply(entry: JournalEntry, place: BodyPlace): void {
    const mailbox = this.mailbox(entry.address);
    if (!mailbox) return;
    const held = this.#mailboxes.get(mailbox.address);
    this.#markChanged(mailbox.address);
    const folder = this.folder(entry.address, entry.folder);
    if (held && "uidValidity" in entry) held.highestUidValidity = Math.max(held.highestUidValidity, entry.uidValidity);
    if (entry.type === "create") {
      if (!folder) held?.folders.push(new Folder(emptyFolder(entry.folder, entry.uidValidity), (at) => this.#journal.read(at)));
      return;
    }
    if (!folder || !held) return;
    switch (entry.type) {
      case "deliver":
        if (entry.trickle) this.#trickled++;
        if (entry.uid >= folder.uidNext) folder.add(entry.uid, { place, flags: entry.flags, internalDate: entry.internalDate });
        return;
      case "plant":
        folder.plant(entry.uid, { place, flags: entry.flags, internalDate: entry.internalDate });
        return;
      case "flags":
        folder.setFlags(entry.uid, entry.flags, undefined);
        return;
      case "expunge":
        folder.remove(entry.uids);
        return;
      case "restore":
        folder.restore(entry.uids);
        return;
      case "reset":
        folder.reset(entry.uidValidity);
        return;
      case "delete":
        held.folders = held.folders.filter((other) => other !== folder);
        folder.invalidate();
        return;
      case "rename": {
        const from = `${folder.name}/`;
        for (const below of held.folders) {
          if (below.name.startsWith(from)) below.name = `${entry.to}/${below.name.slice(from.length)}`;
        }
        folder.name = entry.to;
        return;
      }
    }
  }
}

function emptyFolder(name: string, uidValidity: number): BaseFolder {
  const none = (): never => {
    throw new RangeError("an empty folder has no messages");
  };
  return {
    name,
    role: "user",
    attributes: [],
    uidValidity,
    count: 0,
    uidNext: 1,
    uids: () => [],
    flags: none,
    internalDate: none,
    size: none,
    header: none,
    bytes: none,
  };
}
