import {
  chunkUidSet,
  folderRole,
  isUid,
  fingerprintFields,
  syncError,
  uidSetOf,
  type FetchedMessage,
  type FlagRow,
  type FolderStatus,
  type HeaderRow,
  type ListedFolder,
  type Log,
  type MailSession,
  type MessageMeta,
  type SessionFeatures,
  type StreamedMessage,
} from "@mailfleet/core";
import { toMessage, type FetchAnswer } from "./fetch-answer.ts";
import { decodeFolderName, encodeFolderName, hasControls, swapDelimiter } from "./folder-name.ts";
import type { ImapLimits } from "./flow-options.ts";
import type { ImapConnection } from "./imap-connection.ts";
import type { Attribute } from "./imapflow-internals.ts";
import { readListAnswer, readListLine, type ListAnswer } from "./list-answer.ts";
import { readCount, readDigits, readNumbers, readSection, readStatus } from "./number-answers.ts";
import { RowBuffer } from "./row-buffer.ts";
import { SharedFlags } from "./shared-flags.ts";
import { streamMessage } from "./streamed-message.ts";

export interface SessionOptions {
  readonly connection: ImapConnection;
  readonly log: Log;
  readonly limits: Pick<ImapLimits, "commandLineBytes" | "pieceBytes">;
  /** From LIST "" "", where NAMESPACE gave none. */
  readonly delimiter: string | undefined;
}

const atom = (value: string): Attribute => ({ type: "ATOM", value });
const sequence = (value: string): Attribute => ({ type: "SEQUENCE", value });
/** PEEK: reading must not mark as read, and Exchange may send read receipts for what it takes as read. */
const wholeBody: Attribute = { type: "ATOM", value: "BODY.PEEK", section: [] };

const fingerprintBody: Attribute = {
  type: "ATOM",
  value: "BODY.PEEK",
  section: [atom("HEADER.FIELDS"), fingerprintFields.map((name) => atom(name.toUpperCase()))],
};

/** The port over one connection. Sends LIST, STATUS, EXAMINE, UID SEARCH, UID FETCH and IDLE, and nothing else. */
export class ImapSession implements MailSession {
  readonly features: SessionFeatures;
  readonly #connection: ImapConnection;
  readonly #log: Log;
  readonly #chunkLength: number;
  readonly #pieceBytes: number;
  #delimiter: string | undefined;
  /** Paths whose name on the wire is not what encoding the path gives. */
  readonly #wireNames = new Map<string, string>();
  #openPath: string | undefined;
  readonly #flags = new SharedFlags();

  constructor(options: SessionOptions) {
    this.#connection = options.connection;
    this.features = {
      hasFlags: true,
      // QRESYNC includes CONDSTORE (RFC 7162 section 3.2.3).
      hasCondStore: options.connection.hasCapability("CONDSTORE") || options.connection.hasCapability("QRESYNC"),
      hasIdle: options.connection.hasCapability("IDLE"),
    };
    this.#log = options.log;
    this.#delimiter = options.delimiter;
    this.#pieceBytes = options.limits.pieceBytes;
    // Room for the tag, the verb and the items around the set.
    this.#chunkLength = options.limits.commandLineBytes - 200;
  }

  async listFolders(): Promise<readonly ListedFolder[]> {
    const answers: ListAnswer[] = [];
    let unreadable = 0;
    await this.#connection.run("LIST", ["", "*"], {
      phase: "command",
      untagged: {
        LIST: (answer) => {
          this.#connection.progress();
          const read = readListAnswer(answer);
          if (read === undefined) unreadable++;
          else answers.push(read);
        },
      },
      onUnreadable: (line) => {
        const read = readListLine(line);
        if (read === undefined) unreadable++;
        else answers.push(read);
      },
    });
    if (unreadable > 0) this.#log.warn({ lines: unreadable }, "folders left out: their lines of the server's list could not be read");
    if (answers.length === 0) throw this.#connection.violate("MissingData", "The server listed no folder, not even INBOX");
    this.#delimiter = answers.find((answer) => answer.delimiter !== undefined)?.delimiter ?? this.#delimiter;
    return this.#toFolders(answers);
  }

  async status(path: string): Promise<FolderStatus> {
    let status: FolderStatus | undefined;
    const items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", ...(this.features.hasCondStore ? ["HIGHESTMODSEQ"] : [])];
    await this.#connection.run("STATUS", [this.#nameOf(path), items.map(atom)], {
      phase: "command",
      folder: path,
      untagged: {
        STATUS: (answer) => {
          this.#connection.progress();
          status = readStatus(answer) ?? status;
        },
      },
    });
    // `OK` without the data is no answer, above all not "nothing new".
    if (status === undefined) throw this.#connection.violate("MissingData", "STATUS was answered without its numbers");
    return status;
  }

  async open(path: string): Promise<FolderStatus> {
    this.#openPath = undefined;
    this.#connection.news.stop();
    let messages: number | undefined;
    let uidNext: number | undefined;
    let uidValidity: string | undefined;
    await this.#connection.run("EXAMINE", [this.#nameOf(path)], {
      phase: "command",
      folder: path,
      untagged: {
        EXISTS: (answer) => {
          this.#connection.progress();
          messages = readCount(answer.command) ?? messages;
        },
        OK: (answer) => {
          const [name, value] = readSection(answer);
          if (name === "UIDNEXT") uidNext = readCount(value) ?? uidNext;
          if (name === "UIDVALIDITY") uidValidity = readDigits(value) ?? uidValidity;
        },
      },
    });
    if (messages === undefined || uidNext === undefined || uidValidity === undefined || uidNext < 1) {
      throw this.#connection.violate("MissingData", "EXAMINE was answered without EXISTS, UIDNEXT or UIDVALIDITY");
    }
    this.#openPath = path;
    this.#connection.news.start(messages);
    return { messages, uidNext, uidValidity };
  }

  async listUids(low: number, high: number): Promise<readonly number[]> {
    const folder = this.#needOpen();
    if (high < low) return [];
    const uids = new Set<number>();
    let isAnswered = false;
    await this.#connection.run("UID SEARCH", [atom("UID"), sequence(`${low}:${high}`)], {
      phase: "command",
      folder,
      untagged: {
        SEARCH: (answer) => {
          this.#connection.progress();
          isAnswered = true;
          for (const uid of readNumbers(answer)) {
            if (!isUid(uid)) throw this.#connection.violate("UnaskedData", "SEARCH gave a number that is no UID");
            // `N:*` style answers add the last message though it lies outside.
            if (uid >= low && uid <= high) uids.add(uid);
          }
        },
      },
      onUnreadable: (line) => {
        if (/^\* SEARCH\b/i.test(line)) this.#connection.violate("UnreadableAnswer", "A SEARCH answer could not be read");
      },
    });
    if (!isAnswered) throw this.#connection.violate("MissingData", "SEARCH was answered without a list");
    return [...uids].sort((a, b) => a - b);
  }

  async describe(uids: readonly number[]): Promise<readonly MessageMeta[]> {
    const folder = this.#needOpen();
    const wanted = new Set(uids);
    const found: MessageMeta[] = [];
    for (const chunk of this.#chunks(uids)) {
      await this.#connection.run("UID FETCH", [sequence(chunk), [atom("UID"), atom("RFC822.SIZE"), atom("INTERNALDATE")]], {
        phase: "command",
        folder,
        fetched: ({ uid, size, internalDate }) => {
          if (uid === undefined || size === undefined || !wanted.delete(uid)) return;
          this.#connection.progress();
          found.push({ uid, size, ...(internalDate !== undefined && { internalDate }) });
        },
      });
    }
    return found.sort((a, b) => a.uid - b.uid);
  }

  async *fetch(uids: readonly number[]): AsyncGenerator<readonly FetchedMessage[], void, void> {
    const folder = this.#needOpen();
    const wanted = new Set(uids);
    const only = wanted.size === 1 ? uids[0] : undefined;
    for (const chunk of this.#chunks(uids)) {
      const buffer = new RowBuffer<FetchedMessage>();
      let isOver = false;
      const command = this.#connection
        .run("UID FETCH", [sequence(chunk), [atom("UID"), atom("FLAGS"), atom("INTERNALDATE"), wholeBody]], {
          phase: "fetch",
          folder,
          uid: only,
          fetched: (row) => {
            if (row.uid === undefined || row.body === undefined || row.origin !== undefined || !wanted.delete(row.uid)) return undefined;
            this.#connection.progress();
            return buffer.put(toMessage(row, row.uid, row.body))?.then(() => this.#connection.progress());
          },
          isHeld: () => buffer.isHolding,
        })
        .finally(() => {
          isOver = true;
          buffer.finish();
        });
      // Its rejection is taken at the end, or not at all when the consumer leaves.
      command.catch(() => {});
      try {
        for (let rows = await buffer.take(); rows !== undefined; rows = await buffer.take()) yield rows;
        await command;
      } finally {
        if (!isOver) this.#connection.close();
        buffer.abandon();
      }
    }
  }

  async fetchHead(uid: number, bytes: number): Promise<FetchedMessage | undefined> {
    const row = await this.#fetchPiece(uid, 0, bytes);
    return row?.body && toMessage(row, uid, row.body.subarray(0, bytes));
  }

  fetchStream(uid: number): Promise<StreamedMessage | undefined> {
    return streamMessage(uid, this.#pieceBytes, (offset, bytes) => this.#fetchPiece(uid, offset, bytes));
  }

  async isLongerThan(uid: number, bytes: number): Promise<boolean> {
    return ((await this.#fetchPiece(uid, bytes, 1))?.body?.length ?? 0) > 0;
  }

  async #fetchPiece(uid: number, offset: number, bytes: number): Promise<FetchAnswer | undefined> {
    const folder = this.#needOpen();
    const piece: Attribute = { type: "ATOM", value: "BODY.PEEK", section: [], partial: [offset, bytes] };
    let found: FetchAnswer | undefined;
    await this.#connection.run("UID FETCH", [sequence(String(uid)), [atom("UID"), atom("FLAGS"), atom("INTERNALDATE"), piece]], {
      phase: "fetch",
      folder,
      uid,
      fetched: (row) => {
        const isBody = row.body !== undefined || row.isNil;
        if (row.uid !== uid || !isBody || (row.origin ?? 0) !== offset || found !== undefined) return;
        this.#connection.progress();
        found = row;
      },
    });
    return found;
  }

  async fetchFlags(low: number, high: number, since?: string): Promise<readonly FlagRow[]> {
    const folder = this.#needOpen();
    if (since !== undefined && !(this.features.hasCondStore && /^\d{1,19}$/.test(since))) {
      throw syncError("INVARIANT", "This server cannot tell what changed since a mod-sequence", { layer: "imap", folder });
    }
    if (high < low) return [];
    const rows = new Map<number, FlagRow>();
    const changedSince = since === undefined ? [] : [[atom("CHANGEDSINCE"), atom(since)]];
    await this.#connection.run("UID FETCH", [sequence(`${low}:${high}`), [atom("UID"), atom("FLAGS")], ...changedSince], {
      phase: "command",
      folder,
      fetched: ({ uid, flags }) => {
        if (uid === undefined || flags === undefined || uid < low || uid > high) return;
        // Of two lines the later is the newer: flags may change while the answer runs, and the server says so in it.
        if (!rows.has(uid)) this.#connection.progress();
        rows.set(uid, { uid, flags: this.#flags.share(flags) });
      },
    });
    return [...rows.values()];
  }

  async fetchHeaders(uids: readonly number[]): Promise<readonly HeaderRow[]> {
    const folder = this.#needOpen();
    const wanted = new Set(uids);
    const found: HeaderRow[] = [];
    for (const chunk of this.#chunks(uids)) {
      const items = [atom("UID"), atom("FLAGS"), atom("INTERNALDATE"), atom("RFC822.SIZE"), fingerprintBody];
      await this.#connection.run("UID FETCH", [sequence(chunk), items], {
        phase: "fetch",
        folder,
        fetched: ({ uid, size, internalDate, flags, header }) => {
          if (uid === undefined || flags === undefined || header === undefined || !isWholeHeader(header) || !wanted.delete(uid)) return;
          this.#connection.progress();
          found.push({
            uid,
            size: size ?? 0,
            flags: this.#flags.share(flags),
            header,
            ...(internalDate !== undefined && { internalDate }),
          });
        },
      });
    }
    return found;
  }

  async idle(maxMs: number, signal: AbortSignal): Promise<"moved" | "quiet"> {
    const folder = this.#needOpen();
    if (!this.features.hasIdle) throw syncError("INVARIANT", "This server does not offer IDLE", { layer: "imap", folder });
    return await this.#connection.idle(maxMs, signal, folder);
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  #toFolders(answers: readonly ListAnswer[]): readonly ListedFolder[] {
    const folders = new Map<string, ListedFolder>();
    for (const { wireName, delimiter, attributes } of answers) {
      const decoded = swapDelimiter(decodeFolderName(wireName), delimiter ?? this.#delimiter);
      const path = decoded.toUpperCase() === "INBOX" ? "INBOX" : decoded;
      if (hasControls(path) || path === "") {
        this.#log.warn({ folder: JSON.stringify(path) }, "folder left out: its name holds control characters");
        continue;
      }
      if (folders.has(path)) {
        this.#log.warn({ folder: path }, "folder left out: the server lists its name twice");
        continue;
      }
      if (encodeFolderName(swapDelimiter(path, this.#delimiter)) !== wireName) this.#wireNames.set(path, wireName);
      const isUsual = encodeFolderName(path) === wireName;
      const role = folderRole({ path, attributes });
      const selectable = !attributes.includes("noselect") && !attributes.includes("nonexistent");
      folders.set(path, { path, attributes, selectable, ...(role !== undefined && { role }), ...(!isUsual && { wireName }) });
    }
    return [...folders.values()];
  }

  /** The name as a quoted string: the one form that needs no look at what is in it. */
  #nameOf(path: string): Attribute {
    if (hasControls(path) || path === "") {
      throw syncError("FOLDER_GONE", "A folder's name holds control characters; mailfleet does not ask for it", {
        layer: "imap",
        phase: "command",
      });
    }
    return { type: "STRING", value: this.#wireNames.get(path) ?? encodeFolderName(swapDelimiter(path, this.#delimiter)) };
  }

  #needOpen(): string {
    if (this.#openPath === undefined) {
      if (this.#connection.ended) throw this.#connection.ended;
      throw syncError("INVARIANT", "A session was asked for messages before a folder was opened", { layer: "imap" });
    }
    return this.#openPath;
  }

  #chunks(uids: readonly number[]): readonly string[] {
    return chunkUidSet(uidSetOf(uids), this.#chunkLength);
  }
}

/** A header that ends inside a line was cut, and would give the fingerprint of another message. */
function isWholeHeader(header: Uint8Array): boolean {
  return header.length === 0 || header.at(-1) === 10;
}
