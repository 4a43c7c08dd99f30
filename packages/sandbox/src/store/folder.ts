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
    const ref = this.#mustRef(uid);
    const changed = this.#flags?.get(ref);
    if (changed !== undefined) return changed;
    return ref >= 0 ? this.base.flags(ref) : this.#liveOf(ref).flags;
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

  count(flag: keyof typeof flagBits, set: boolean): number {
    let count = 0;
    for (const uid of this.#uids) if (((this.flags(uid) & flagBits[flag]) !== 0) === set) count++;
    return count;
  }

  firstUnseen(): number | undefined {
    const at = this.#uids.findIndex((uid) => (this.flags(uid) & flagBits.seen) === 0);
    return at < 0 ? undefined : at + 1;
  }

  add(uid: number, message: LiveMessage): void {
    const live = (this.#live ??= []);
    live.push(message);
    this.#uids.push(uid);
    this.#refs.push(-live.length);
    this.uidNext = Math.max(this.uidNext, uid + 1);
    this.#tell({ kind: "added", uid });
  }

  setFlags(uid: number, flags: number, by: object | undefined): void {
    const ref = this.#refOf(uid);
    if (ref === undefined) return;
    (this.#flags ??= new Map()).set(ref, flags);
    this.#tell({ kind: "flags", uid, by });
  }

  remove(uids: readonly number[]): void {
    const gone = new Set(uids.filter((uid) => this.has(uid)));
    if (gone.size === 0) return;
    const kept = this.#uids.map((uid) => !gone.has(uid));
    this.#uids = this.#uids.filter((_, at) => kept[at]);
    this.#refs = this.#refs.filter((_, at) => kept[at]);
    for (const uid of gone) this.#tell({ kind: "removed", uid });
  }

  /** As after a restore: the same messages under new UIDs from 1. */
  reset(uidValidity: number): void {
    this.uidValidity = uidValidity;
    this.#uids = this.#uids.map((_, at) => at + 1);
    this.uidNext = this.#uids.length + 1;
    this.#tell({ kind: "invalid" });
  }

  invalidate(): void {
    this.#tell({ kind: "invalid" });
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
