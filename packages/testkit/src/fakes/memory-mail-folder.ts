/** How one message can be named, at some time: after a rename or a new UIDVALIDITY it has another name. */
export interface MessageName {
  readonly folder: string;
  readonly uidValidity: string;
  readonly uid: number;
}

/** One message in one folder, from its arrival until it leaves. A message that is moved is another one in its new folder. */
export interface StoredMessage {
  readonly serial: number;
  readonly raw: Uint8Array;
  /** Epoch ms. */
  readonly internalDate: number;
  /** What the server says it is large: on Exchange an estimate. */
  readonly size: number;
  flags: readonly string[];
  uid: number;
  /** Of its last change. */
  modSeq: number;
  /** Its UID is dealt, and no answer shows it yet. */
  isHidden: boolean;
  /** Every answer shows it, but none brings its bytes. */
  isWithheld: boolean;
  /** Ever one of the two. */
  wasLate: boolean;
  isThere: boolean;
  /** All names it had, the present one last. */
  readonly names: MessageName[];
}

/** One folder of the memory mail server. */
export class MemoryFolder {
  path: string;
  readonly attributes: readonly string[];
  uidValidity: number;
  uidNext = 1;
  modSeq = 1;
  messages: StoredMessage[] = [];
  /** Sessions that have it open, told of every change; a folder that became another one ends them. */
  readonly watchers = new Set<(change: "moved" | "invalid") => void>();

  constructor(path: string, attributes: readonly string[], uidValidity: number) {
    this.path = path;
    this.attributes = attributes;
    this.uidValidity = uidValidity;
  }

  /** What answers show, ascending. */
  get shown(): readonly StoredMessage[] {
    return this.messages.filter((message) => !message.isHidden);
  }

  find(uid: number): StoredMessage {
    const message = this.messages.find((one) => one.uid === uid);
    if (!message) throw new RangeError(`no message ${uid} in ${this.path}`);
    return message;
  }

  add(message: Omit<StoredMessage, "uid" | "modSeq" | "names" | "isThere">): StoredMessage {
    const stored: StoredMessage = { ...message, uid: this.uidNext++, modSeq: ++this.modSeq, names: [], isThere: true };
    this.messages.push(stored);
    this.#name(stored);
    this.tell("moved");
    return stored;
  }

  /** Gone: expunged, moved away, or with the whole folder. */
  remove(uids: readonly number[]): readonly StoredMessage[] {
    const gone = uids.map((uid) => this.find(uid));
    for (const message of gone) message.isThere = false;
    this.messages = this.messages.filter((message) => message.isThere);
    this.modSeq++;
    this.tell("moved");
    return gone;
  }

  touch(message: StoredMessage): void {
    message.modSeq = ++this.modSeq;
    this.tell("moved");
  }

  /** As after a migration: the same messages, numbered anew. */
  renumber(uidValidity: number): void {
    this.uidValidity = uidValidity;
    this.uidNext = 1;
    for (const message of this.messages) {
      message.uid = this.uidNext++;
      this.#name(message);
    }
    this.tell("invalid");
  }

  /** As after a restore from a backup: what came later is gone, and its UIDs are dealt again. */
  rewind(uidNext: number): void {
    this.remove(this.messages.filter((message) => message.uid >= uidNext).map((message) => message.uid));
    this.uidNext = uidNext;
    this.tell("invalid");
  }

  rename(path: string): void {
    this.path = path;
    for (const message of this.messages) this.#name(message);
    this.tell("invalid");
  }

  tell(change: "moved" | "invalid"): void {
    for (const watcher of [...this.watchers]) watcher(change);
  }

  #name(message: StoredMessage): void {
    message.names.push({ folder: this.path, uidValidity: String(this.uidValidity), uid: message.uid });
  }
}
