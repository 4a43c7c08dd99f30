import { type Clock, type FolderStatus, type MailSource, type SessionFeatures, syncError } from "@mailfleet/core";
import { MemoryFolder, type MessageName, type StoredMessage } from "./memory-mail-folder.ts";
import { MemoryMailSession, throwIfAborted } from "./memory-mail-session.ts";
import { MemorySpoolSession, type SpoolShape } from "./memory-spool-session.ts";

/** Of mailboxes that are read as spools: a `SpoolShape`. */
export interface MemoryMailServerOptions extends SpoolShape {
  readonly clock: Clock;
  /** Default: as Exchange, flags without CONDSTORE, and IDLE. */
  readonly features?: Partial<SessionFeatures>;
}

export interface DeliverOptions {
  readonly flags?: readonly string[];
  /** Epoch ms; default now. */
  readonly internalDate?: number;
  /** What the server says it is large, and what it is asked for as if it were; default its true size. */
  readonly size?: number;
}

/** What the server knows of one message, for an auditor. */
export interface MessageTruth {
  readonly serial: number;
  readonly raw: Uint8Array;
  readonly flags: readonly string[];
  readonly names: readonly MessageName[];
  readonly isThere: boolean;
  /** Was ever hidden or withheld: it may come out of its order. */
  readonly wasLate: boolean;
  readonly isWithheld: boolean;
  readonly isHidden: boolean;
}

/** One mailbox, and everything that people and servers do to it. */
export interface MemoryMailbox {
  createFolder(path: string, attributes?: readonly string[]): void;
  deleteFolder(path: string): void;
  renameFolder(from: string, to: string): void;
  /** The new message's UID. */
  deliver(path: string, raw: Uint8Array, options?: DeliverOptions): number;
  setFlags(path: string, uid: number, flags: readonly string[]): void;
  expunge(path: string, uids: readonly number[]): void;
  /** The UIDs in the new folder. */
  move(path: string, uids: readonly number[], to: string): readonly number[];
  /** Numbers all messages anew from 1 under another UIDVALIDITY. */
  resetUidValidity(path: string): void;
  /** What has this UID or a higher one is gone, and the numbers are dealt again under the same UIDVALIDITY. */
  restore(path: string, uidNext: number): void;
  /** A hidden message has its UID and shows in no answer. */
  hide(path: string, uid: number, isHidden: boolean): void;
  /** A withheld message is listed and never delivered. */
  withhold(path: string, uid: number, isWithheld: boolean): void;
  /** The token is taken, and every command is refused: Exchange does so without permission, and in an outage. */
  refuse(isRefused: boolean): void;
  readonly uids: (path: string) => readonly number[];
  /** Every message that ever was. */
  readonly truth: () => readonly MessageTruth[];
}

export interface MemoryMailServer {
  readonly source: MailSource;
  /** With an INBOX. Which protocol reads it decides whether it is seen as folders or as a spool. */
  addMailbox(address: string): MemoryMailbox;
  /** Sessions that were opened. */
  readonly logins: number;
}

interface Box {
  folders: MemoryFolder[];
  readonly history: StoredMessage[];
  uidValidity: number;
  isRefused: boolean;
}

/** A mail server in this process' memory: mailboxes in motion, read over the port. Passes the session conformance suite. */
export function createMemoryMailServer(options: MemoryMailServerOptions): MemoryMailServer {
  const features: SessionFeatures = { hasFlags: true, hasCondStore: false, hasIdle: true, ...options.features };
  const boxes = new Map<string, Box>();
  let serial = 0;
  let logins = 0;

  const source: MailSource = {
    async open({ address, protocol }, _token, signal, known) {
      throwIfAborted(signal);
      const box = boxes.get(address);
      if (!box || box.isRefused)
        throw syncError("MAILBOX_ACCESS_DENIED", `No mailbox ${address}`, { layer: "imap", phase: "first-command" });
      logins++;
      if (protocol === "pop3") return new MemorySpoolSession(folderOf(box, "INBOX"), signal, known, options);
      return new MemoryMailSession({ folders: () => box.folders, features, clock: options.clock, signal });
    },
    async look(mailbox, token, signal, request) {
      if (mailbox.protocol === "pop3") return undefined;
      const session = await source.open(mailbox, token, signal);
      const statuses: FolderStatus[] = [];
      for (const { path } of request.folders) statuses.push(await session.status(path));
      await session.close();
      return statuses.map(({ highestModSeq, ...status }) => ({ ...status, ...(request.hasModSeq && highestModSeq && { highestModSeq }) }));
    },
  };

  function mailboxOf(box: Box): MemoryMailbox {
    const add = (folder: MemoryFolder, raw: Uint8Array, about: Required<DeliverOptions>): number => {
      const message = folder.add({ serial: ++serial, raw, ...about, isHidden: false, isWithheld: false, wasLate: false });
      box.history.push(message);
      return message.uid;
    };
    return {
      createFolder(path, attributes = []) {
        if (box.folders.some((folder) => folder.path === path)) throw new RangeError(`there is a folder ${path}`);
        box.folders.push(new MemoryFolder(path, attributes, ++box.uidValidity));
      },
      deleteFolder(path) {
        const folder = folderOf(box, path);
        folder.remove(folder.messages.map(({ uid }) => uid));
        box.folders = box.folders.filter((one) => one !== folder);
        folder.tell("invalid");
      },
      renameFolder: (from, to) => folderOf(box, from).rename(to),
      deliver(path, raw, { flags = [], internalDate = options.clock.now(), size = raw.length } = {}) {
        return add(folderOf(box, path), raw, { flags, internalDate, size });
      },
      setFlags(path, uid, flags) {
        const folder = folderOf(box, path);
        const message = folder.find(uid);
        message.flags = flags;
        folder.touch(message);
      },
      expunge: (path, uids) => void folderOf(box, path).remove(uids),
      move(path, uids, to) {
        const target = folderOf(box, to);
        const moved = folderOf(box, path).remove(uids);
        return moved.map(({ raw, flags, internalDate, size }) => add(target, raw, { flags, internalDate, size }));
      },
      resetUidValidity: (path) => folderOf(box, path).renumber(++box.uidValidity),
      restore: (path, uidNext) => folderOf(box, path).rewind(uidNext),
      hide(path, uid, isHidden) {
        Object.assign(folderOf(box, path).find(uid), { isHidden, wasLate: true });
      },
      withhold(path, uid, isWithheld) {
        Object.assign(folderOf(box, path).find(uid), { isWithheld, wasLate: true });
      },
      refuse: (isRefused) => void (box.isRefused = isRefused),
      uids: (path) => folderOf(box, path).messages.map(({ uid }) => uid),
      truth: () => box.history.map((message) => ({ ...message, names: [...message.names] })),
    };
  }

  return {
    source,
    addMailbox(address) {
      const box: Box = { folders: [new MemoryFolder("INBOX", [], 14)], history: [], uidValidity: 14, isRefused: false };
      boxes.set(address, box);
      return mailboxOf(box);
    },
    get logins() {
      return logins;
    },
  };
}

function folderOf(box: Box, path: string): MemoryFolder {
  const folder = box.folders.find((one) => one.path === path);
  if (!folder) throw new RangeError(`no folder ${path}`);
  return folder;
}
