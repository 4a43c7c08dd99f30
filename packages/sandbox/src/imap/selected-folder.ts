import type { Folder, FolderChange } from "../store/folder.ts";
import { lowerBound } from "./sequence-set.ts";
import { formatFlags } from "./flags.ts";

/** A session's view of its folder: sequence numbers stay as they are until the session says otherwise (RFC 9051 section 7.5.1). */
export class SelectedFolder {
  readonly folder: Folder;
  readonly isReadOnly: boolean;
  readonly #uids: number[];
  #changes: FolderChange[] = [];
  #isInvalid = false;
  readonly #unwatch: () => void;

  /** `onChange` is called at each change, for IDLE. */
  constructor(folder: Folder, isReadOnly: boolean, session: object, onChange: () => void) {
    this.folder = folder;
    this.isReadOnly = isReadOnly;
    this.#uids = [...folder.uids];
    this.#unwatch = folder.watch((change) => {
      if (change.kind === "invalid") this.#isInvalid = true;
      else if (change.kind !== "flags" || change.by !== session) this.#changes.push(change);
      onChange();
    });
  }

  get uids(): readonly number[] {
    return this.#uids;
  }

  /** The folder was deleted or restored; nothing in this view holds any more. */
  get isInvalid(): boolean {
    return this.#isInvalid;
  }

  /** The untagged lines that tell of changes. EXPUNGE is kept back where it would shift numbers under a running command. */
  takeChanges(mayExpunge: boolean): string[] {
    if (this.#changes.length === 0) return [];
    const lines: string[] = [];
    const kept: FolderChange[] = [];
    let hasNew = false;
    for (const change of this.#changes) {
      if (change.kind === "added") {
        this.#uids.push(change.uid);
        hasNew = true;
      } else if (change.kind === "removed" && mayExpunge) {
        const at = lowerBound(this.#uids, change.uid);
        if (this.#uids[at] !== change.uid) continue;
        if (hasNew) lines.push(`* ${String(this.#uids.length)} EXISTS`);
        hasNew = false;
        this.#uids.splice(at, 1);
        lines.push(`* ${String(at + 1)} EXPUNGE`);
      } else if (change.kind === "removed") kept.push(change);
      else if (change.kind === "flags" && this.folder.has(change.uid)) {
        const at = lowerBound(this.#uids, change.uid);
        if (this.#uids[at] === change.uid) lines.push(`* ${String(at + 1)} FETCH (FLAGS (${formatFlags(this.folder.flags(change.uid))}))`);
      }
    }
    if (hasNew) lines.push(`* ${String(this.#uids.length)} EXISTS`);
    this.#changes = kept;
    return lines;
  }

  close(): void {
    this.#unwatch();
  }
}
