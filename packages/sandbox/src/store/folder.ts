import type { BaseFolder } from "../world/base-folder.ts";
import { flagBits } from "../world/base-folder.ts";
import { estimateSize } from "../world/message-plan.ts";
import { lowerBound } from "../imap/sequence-set.ts";
import type { BodyPlace } from "./journal.ts";

export type FolderChange =
  | { readonly kind: "added"; readonly uid: number }
  | { readonly kind: "removed"; readonly uid: number }
  | { readonly kind: "flags"; readonly uid: number; readonly by: object | undefined }
  /** New UIDVALIDITY, or the folder is gone: a session on it cannot go on. */
  | { readonly kind: "invalid" };

export interface LiveMessage {
  readonly place: BodyPlace;
  readonly flags: number;
  readonly internalDate: number;
}

/** As much of a delivered message as holds any sane header. */
const headBytes = 64 * 1024;

/**
 * One folder's present state: the base messages and what came and went since. `refs` run beside `uids`: 0 and above is an index into the base,
 * below 0 is a live message.
 */
export class Folder {
  readonly base: BaseFolder;
  name: string;
  uidValidity: number;
  uidNext: number;
  #uids: number[];
  #refs: number[];
  // These three are empty in nearly every folder of a big world, so they are made when they are needed.
  #flags: Map<number, number> | undefined;
  #live: LiveMessage[] | undefined;
  /** Counted when it is first asked for, then kept. */
  #unseen: number | undefined;
  #watchers: Set<(change: FolderChange) => void> | undefined;
  readonly #readLive: (place: BodyPlace) => Buffer;

  constructor(base: BaseFolder, readLive: (place: BodyPlace) => Buffer) {
    this.base = base;
    this.name = base.name;
    this.uidValidity = base.uidValidity;
    this.uidNext = base.uidNext;
    this.#uids = base.uids();
    this.#refs = this.#uids.map((_, index) => index);
    this.#readLive = readLive;
  }

  get uids(): readonly number[] {
    return this.#uids;
  }

  has(uid: number): boolean {
    return this.#refOf(uid) !== undefined;
  }

  /** Changes from now on, until the returned function is called. */
  watch(watcher: (change: FolderChange) => void): () => void {
    const watchers = (this.#watchers ??= new Set());
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  flags(uid: number): number {
    return this.#flagsOf(this.#mustRef(uid));
  }

  internalDate(uid: number): number {
    const ref = this.#mustRef(uid);
    return ref >= 0 ? this.base.internalDate(ref) : this.#liveOf(ref).internalDate;
  }

  /** An estimate, as Exchange's RFC822.SIZE is. */
  size(uid: number): number {
    const ref = this.#mustRef(uid);
    return ref >= 0 ? this.base.size(ref) : estimateSize(ref, this.#liveOf(ref).place.length);
  }

  /** Stays the same for a message whatever its UID becomes. */
  bodyKey(uid: number): string {
    return String(this.#mustRef(uid));
  }

  bytes(uid: number): Buffer {
    const ref = this.#mustRef(uid);
    return ref >= 0 ? this.base.bytes(ref) : this.#readLive(this.#liveOf(ref).place);
  }

  /** Bytes that hold the whole header; a big message is not made or read for it. */
  header(uid: number): Buffer {
    const ref = this.#mustRef(uid);
    if (ref >= 0) return this.base.header(ref);
    const { place } = this.#liveOf(ref);
    const head = this.#readLive({ offset: place.offset, length: Math.min(place.length, headBytes) });
    return head.length === place.length || head.includes("\r\n\r\n") ? head : this.#readLive(place);
  }

  unseen(): number {
    if (this.#unseen === undefined) {
      let count = 0;
      for (const ref of this.#refs) if (this.#isUnseen(ref)) count++;
      this.#unseen = count;
    }
    return this.#unseen;
  }

  firstUnseen(): number | undefined {
    const at = this.#refs.findIndex((ref) => this.#isUnseen(ref));
    return at < 0 ? undefined : at + 1;
  }

  add(uid: number, message: LiveMessage): void {
    this.#uids.push(uid);
    this.#refs.push(this.#keep(message));
    this.uidNext = Math.max(this.uidNext, uid + 1);
    this.#tell({ kind: "added", uid });
  }

  /** A message that comes to light below UIDNEXT. Sequence numbers shift, which no session can be told. */
  plant(uid: number, message: LiveMessage): void {
    const at = lowerBound(this.#uids, uid);
    this.#uids.splice(at, 0, uid);
    this.#refs.splice(at, 0, this.#keep(message));
    this.#tell({ kind: "invalid" });
  }

  setFlags(uid: number, flags: number, by: object | undefined): void {
    const ref = this.#refOf(uid);
    if (ref === undefined) return;
    this.#count(ref, -1);
    (this.#flags ??= new Map()).set(ref, flags);
    this.#count(ref, 1);
    this.#tell({ kind: "flags", uid, by });
  }

  remove(uids: readonly number[]): void {
    const gone = new Set(uids.filter((uid) => this.has(uid)));
    if (gone.size === 0) return;
    this.#filter((uid) => !gone.has(uid));
    for (const uid of gone) this.#tell({ kind: "removed", uid });
  }

  /** As after a restore from a backup that the server does not own up to: UIDVALIDITY stays, UIDs will be dealt again. */
  restore(uidsKept: readonly number[]): void {
    const kept = new Set(uidsKept);
    this.#filter((uid) => kept.has(uid));
    this.uidNext = (this.#uids.at(-1) ?? 0) + 1;
    this.#tell({ kind: "invalid" });
  }

  /** As after a restore or a migration: the same messages under new UIDs from 1. */
  reset(uidValidity: number): void {
    this.uidValidity = uidValidity;
    this.#uids = this.#uids.map((_, at) => at + 1);
    this.uidNext = this.#uids.length + 1;
    this.#tell({ kind: "invalid" });
  }

  invalidate(): void {
    this.#tell({ kind: "invalid" });
  }

  #filter(isKept: (uid: number) => boolean): void {
    const kept = this.#uids.map(isKept);
    for (const [at, ref] of this.#refs.entries()) if (kept[at] !== true) this.#count(ref, -1);
    this.#uids = this.#uids.filter((_, at) => kept[at]);
    this.#refs = this.#refs.filter((_, at) => kept[at]);
  }

  /** The new message's ref. */
  #keep(message: LiveMessage): number {
    const live = (this.#live ??= []);
    live.push(message);
    this.#count(-live.length, 1);
    return -live.length;
  }

  #count(ref: number, by: 1 | -1): void {
    if (this.#unseen !== undefined && this.#isUnseen(ref)) this.#unseen += by;
  }

  #isUnseen(ref: number): boolean {
    return (this.#flagsOf(ref) & flagBits.seen) === 0;
  }

  #flagsOf(ref: number): number {
    const changed = this.#flags?.get(ref);
    if (changed !== undefined) return changed;
    return ref >= 0 ? this.base.flags(ref) : this.#liveOf(ref).flags;
  }

  #tell(change: FolderChange): void {
    for (const watcher of [...(this.#watchers ?? [])]) watcher(change);
  }

  #liveOf(ref: number): LiveMessage {
    const live = this.#live?.[-ref - 1];
    if (!live) throw new RangeError("no such live message");
    return live;
  }

  #refOf(uid: number): number | undefined {
    const at = lowerBound(this.#uids, uid);
    return this.#uids[at] === uid ? this.#refs[at] : undefined;
  }

  #mustRef(uid: number): number {
    const ref = this.#refOf(uid);
    if (ref === undefined) throw new RangeError(`no message with UID ${String(uid)} in ${this.name}`);
    return ref;
  }
}
