import { parseFlags } from "./imap/flags.ts";
import type { FetchFault } from "./mail/message-faults.ts";
import type { MailStore } from "./store/mail-store.ts";
import type { Troubles } from "./troubles.ts";

export interface DeliverOptions {
  /** `\\Seen` and the like. */
  readonly flags?: readonly string[];
  readonly internalDate?: Date;
}

/**
 * What Outlook, other clients and Microsoft do to mailboxes while a sandbox runs. Sessions hear of it as from Exchange: at once in IDLE, else
 * with their next command; where a folder cannot go on as it was, they are closed. All of it outlives a restart but the three last.
 * Every one throws RangeError for an unknown mailbox or folder.
 */
export interface MailControls {
  /** The new message's UID. */
  readonly deliver: (address: string, folder: string, raw: Buffer, options?: DeliverOptions) => number;
  readonly expunge: (address: string, folder: string, uids: readonly number[]) => void;
  /** Replaces a message's flags. @throws RangeError if there is no such message */
  readonly setFlags: (address: string, folder: string, uid: number, flags: readonly string[]) => void;
  /** The messages' new UIDs in the target, by old UID; those that are not there are passed over. */
  readonly move: (address: string, from: string, to: string, uids: readonly number[]) => ReadonlyMap<number, number>;
  /** @throws RangeError if it is already there */
  readonly createFolder: (address: string, folder: string) => void;
  /** With the folders below it. UIDVALIDITY and UIDs stay. @throws RangeError if the new name is taken */
  readonly renameFolder: (address: string, from: string, to: string) => void;
  /** With the folders below it. */
  readonly deleteFolder: (address: string, folder: string) => void;
  /** Gives the messages new UIDs under the returned UIDVALIDITY, and closes sessions on the folder. */
  readonly resetUidValidity: (address: string, folder: string) => number;
  /**
   * Only these messages stay, UIDVALIDITY too, and UIDNEXT goes back behind the highest of them, so that UIDs are dealt again
   * (fault F32). Closes sessions on the folder.
   */
  readonly restore: (address: string, folder: string, uidsKept: readonly number[]) => void;
  /**
   * A message appears under an unused UID below UIDNEXT, as one that listings had hidden. Closes sessions on the folder.
   * @throws RangeError for a UID that is taken or was never dealt
   */
  readonly plant: (address: string, folder: string, uid: number, raw: Buffer, options?: DeliverOptions) => void;
  /** What a FETCH of this message's content is answered with from now on; undefined: itself. `bytes` and `sha256` stay the message's own. */
  readonly setFetchFault: (address: string, folder: string, uid: number, fault: FetchFault | undefined) => void;
  readonly setRefused: (address: string, isRefused: boolean) => void;
  /** Until this time (milliseconds since 1970) logins and commands are refused with a wait hint. */
  readonly setThrottled: (address: string, untilMs: number) => void;
}

export function createMailControls(store: MailStore, troubles: Troubles): MailControls {
  return {
    deliver: (address, folder, raw, options = {}) => store.deliver(address, folder, raw, flagsOf(options), dateOf(options)),
    expunge: (address, folder, uids) => store.expunge(address, folder, uids),
    setFlags: (address, folder, uid, flags) => store.setFlags(address.toLowerCase(), store.must(address, folder), uid, parseFlags(flags)),
    move: (address, from, to, uids) => {
      const source = store.must(address, from);
      const pairs = store.copy(address.toLowerCase(), source, store.must(address, to), uids);
      store.expunge(
        address,
        source.name,
        pairs.map((pair) => pair.from),
      );
      return new Map(pairs.map((pair) => [pair.from, pair.to]));
    },
    createFolder: (address, folder) => {
      if (!store.create(address.toLowerCase(), folder)) throw new RangeError(`the sandbox has a folder ${folder} in ${address} already`);
    },
    renameFolder: (address, from, to) => {
      const folder = store.must(address, from);
      const taken = store.folder(address, to);
      if (taken && taken !== folder) throw new RangeError(`the sandbox has a folder ${to} in ${address} already`);
      store.rename(address.toLowerCase(), folder, to);
    },
    deleteFolder: (address, name) => {
      const folder = store.must(address, name);
      const below = store.mailbox(address)?.folders.filter((other) => other.name.startsWith(`${folder.name}/`)) ?? [];
      for (const gone of [...below, folder]) store.delete(address.toLowerCase(), gone);
    },
    resetUidValidity: (address, folder) => store.resetUidValidity(address, folder),
    restore: (address, folder, uidsKept) => store.restore(address, folder, uidsKept),
    plant: (address, folder, uid, raw, options = {}) => store.plant(address, folder, uid, raw, flagsOf(options), dateOf(options)),
    setFetchFault: (address, folder, uid, fault) => troubles.setFetchFault(address, store.must(address, folder).name, uid, fault),
    setRefused: (address, isRefused) => troubles.setRefused(address, isRefused),
    setThrottled: (address, untilMs) => troubles.setThrottled(address, untilMs),
  };
}

function flagsOf(options: DeliverOptions): number {
  return parseFlags(options.flags ?? []);
}

/** INTERNALDATE has whole seconds. */
function dateOf(options: DeliverOptions): number {
  return Math.floor((options.internalDate?.getTime() ?? Date.now()) / 1000) * 1000;
}
