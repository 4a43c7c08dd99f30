import { createHash } from "node:crypto";
import type { describe as Describe, expect as Expect, test as Test } from "vitest";
import type { BlobEraser, BlobPointer, BlobStore, IndexedFolder, IndexEntry, MailboxRef, MessagePlace } from "@mailfleet/core";

export interface BlobStoreHarness {
  readonly store: BlobStore & BlobEraser;
  /** The same blobs seen by a process that starts now. */
  reopen(): Promise<BlobStore>;
  /** Loses what was noted and keeps what was put. */
  loseIndex(mailbox: MailboxRef): Promise<void>;
}

type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
const other: MailboxRef = { ...mailbox, address: "sales@contoso.example" };
const inbox: IndexedFolder = { folder: "INBOX", role: "inbox", generation: 1, uidValidity: "14" };
const later: IndexedFolder = { ...inbox, generation: 2, uidValidity: "15" };
const plain: IndexedFolder = { folder: "Räume/B 2", generation: 1, uidValidity: "3" };

/** What every blob store must do; `open` gives an empty one for each test. */
export function describeBlobStore(name: string, open: () => Promise<BlobStoreHarness>, { describe, test, expect }: Vitest): void {
  const unavailable = { failure: { code: "BLOB_UNAVAILABLE" } };
  const entryOf = (uid: number, flags: readonly string[] = []): IndexEntry => ({
    uid,
    size: 100 + uid,
    digest: `digest-of-${uid}`.padEnd(22, "x"),
    flags,
    internalDate: Date.UTC(2026, 10, 1, 0, 0, uid),
    messageId: `<${uid}@mail.example>`,
  });
  const noteAll = async (store: BlobStore, notes: readonly (readonly [IndexedFolder, IndexEntry])[], of = mailbox): Promise<void> => {
    const batch = store.startBatch(of);
    for (const [folder, entry] of notes) batch.note(folder, { ...entry, raw: batch.put("raw", `key/${entry.uid}`, bytesOf(entry.uid)) });
    await batch.flush();
  };
  const uidsOf = async (store: BlobStore, place: MessagePlace = inbox, of = mailbox): Promise<number[]> => {
    const uids: number[] = [];
    for await (const { uid } of store.readIndex(of, place)) uids.push(uid);
    return uids;
  };

  describe(`${name} keeps blobs`, () => {
    test("and gives back exactly the bytes that were put, to any process, whatever they are", async () => {
      const { store, reopen } = await open();
      const batch = store.startBatch(mailbox);
      const contents = [Buffer.from("a"), Buffer.alloc(0), Buffer.from([0, 10, 13, 255]), Buffer.alloc(3 * 1024 * 1024, 7)];
      const pointers = contents.map((bytes, i) => batch.put(i === 1 ? "text" : "raw", `key-${i}`, bytes));
      await batch.flush();
      const again = await reopen();
      for (const [i, pointer] of pointers.entries()) {
        const bytes = contents[i] as Buffer;
        expect(pointer).toMatchObject({ size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
        expect(Buffer.from(await again.read(pointer)).equals(bytes)).toBe(true);
      }
    });

    test("only once they are flushed", async () => {
      const { store } = await open();
      const batch = store.startBatch(mailbox);
      const pointer = batch.put("raw", "key", bytesOf(1));
      await expect(store.read(pointer)).rejects.toMatchObject(unavailable);
      await batch.flush();
      expect(await store.read(pointer)).toHaveLength(pointer.size);
      await batch.discard();
    });

    test("no longer when the batch is given up, before its flush or after it", async () => {
      const { store } = await open();
      for (const isFlushed of [false, true]) {
        const batch = store.startBatch(mailbox);
        const pointer = batch.put("raw", "key", bytesOf(1));
        if (isFlushed) await batch.flush();
        await batch.discard();
        await expect(store.read(pointer)).rejects.toMatchObject(unavailable);
      }
    });

    test("of one batch apart from those of another", async () => {
      const { store } = await open();
      const [first, second] = [store.startBatch(mailbox), store.startBatch(mailbox)];
      const [kept, lost] = [first.put("raw", "key", bytesOf(1)), second.put("raw", "key", bytesOf(1))];
      await Promise.all([first.flush(), second.flush()]);
      await second.discard();
      expect(await store.read(kept)).toHaveLength(kept.size);
      await expect(store.read(lost)).rejects.toMatchObject(unavailable);
    });

    test("and refuses a pointer whose hash is not that of the bytes, or that is none of its own", async () => {
      const { store } = await open();
      const batch = store.startBatch(mailbox);
      const pointer = batch.put("raw", "key", bytesOf(1));
      await batch.flush();
      await expect(store.read({ ...pointer, sha256: "0".repeat(64) })).rejects.toMatchObject(unavailable);
      await expect(store.read({ ...pointer, ref: "file:///etc/passwd" })).rejects.toMatchObject(unavailable);
    });

    test("that come in pieces, beside those that come whole, and gives a written one back before its flush", async () => {
      const { store, reopen } = await open();
      const batch = store.startBatch(mailbox);
      const first = batch.put("raw", "key", bytesOf(1));
      const writer = batch.open("raw", "large");
      const pieces = Array.from({ length: 40 }, (_, i) => Buffer.alloc(50_000, i));
      for (const piece of pieces) await writer.write(piece);
      const large = await writer.end();
      const lost = batch.open("attachment", "large");
      await lost.write(bytesOf(2));
      await lost.giveUp();
      const last = batch.put("text", "key", bytesOf(3));
      const whole = Buffer.concat(pieces);
      expect(large).toMatchObject({ size: whole.length, sha256: createHash("sha256").update(whole).digest("hex") });
      const back: Uint8Array[] = [];
      for await (const piece of batch.readBack(large)) back.push(piece);
      expect(Buffer.concat(back).equals(whole)).toBe(true);
      await batch.flush();
      const again = await reopen();
      expect(Buffer.from(await again.read(large)).equals(whole)).toBe(true);
      for (const [pointer, uid] of [
        [first, 1],
        [last, 3],
      ] as const) {
        expect(Buffer.from(await again.read(pointer)).equals(bytesOf(uid))).toBe(true);
      }
    });

    test("and takes an empty batch as nothing to do", async () => {
      const { store } = await open();
      const batch = store.startBatch(mailbox);
      await batch.flush();
      await batch.discard();
      expect(await store.indexed(mailbox)).toEqual([]);
    });
  });

  describe(`${name} remembers messages`, () => {
    test("as they were noted, in that order, each folder and generation by itself", async () => {
      const { store, reopen } = await open();
      await noteAll(store, [
        [inbox, entryOf(2)],
        [plain, entryOf(9)],
        [inbox, entryOf(1)],
      ]);
      await noteAll(store, [
        [inbox, entryOf(2, ["\\Seen"])],
        [later, entryOf(1)],
      ]);
      const again = await reopen();
      expect(await uidsOf(again)).toEqual([2, 1, 2]);
      expect(await uidsOf(again, later)).toEqual([1]);
      expect(await uidsOf(again, plain)).toEqual([9]);
      expect(await uidsOf(again, { ...inbox, folder: "Sent" })).toEqual([]);
      // A folder that was deleted and made again counts its generations from 1 once more.
      expect(await uidsOf(again, { ...inbox, uidValidity: "99" })).toEqual([]);
      const found = new Map((await again.indexed(mailbox)).map((one) => [`${one.generation} ${one.folder}`, one]));
      expect([...found.keys()].sort()).toEqual(["1 INBOX", "1 Räume/B 2", "2 INBOX"]);
      expect(found.get("1 INBOX")).toEqual(inbox);
      expect(found.get("1 Räume/B 2")).toEqual(plain);
    });

    test("whole: every field comes back, and a message that was never delivered has no bytes", async () => {
      const { store } = await open();
      const batch = store.startBatch(mailbox);
      const raw = batch.put("raw", "key", bytesOf(1));
      const full: IndexEntry = { ...entryOf(1, ["\\Seen", "Größe"]), raw, quarantine: "MESSAGE_UNPARSEABLE" };
      const bare: IndexEntry = { uid: 2, size: 0, digest: "", flags: [], quarantine: "MESSAGE_UNFETCHABLE" };
      batch.note(inbox, full);
      batch.note(inbox, bare);
      await batch.flush();
      const entries: IndexEntry[] = [];
      for await (const entry of store.readIndex(mailbox, inbox)) entries.push(entry);
      expect(entries).toEqual([full, bare]);
    });

    test("of one mailbox and not of another", async () => {
      const { store } = await open();
      await noteAll(store, [[inbox, entryOf(1)]]);
      expect(await store.indexed(other)).toEqual([]);
      expect(await uidsOf(store, inbox, other)).toEqual([]);
    });

    test("only once they are flushed", async () => {
      const { store } = await open();
      const batch = store.startBatch(mailbox);
      batch.note(inbox, entryOf(1));
      expect(await uidsOf(store)).toEqual([]);
      await batch.flush();
      expect(await uidsOf(store)).toEqual([1]);
    });

    test("though the index was lost, once it is repaired; what is there already is not noted again", async () => {
      const { store, loseIndex } = await open();
      await noteAll(store, [
        [inbox, entryOf(1)],
        [inbox, entryOf(2)],
      ]);
      expect(await store.repairIndex(mailbox)).toBe(0);
      await loseIndex(mailbox);
      await noteAll(store, [[inbox, entryOf(3)]]);
      await store.repairIndex(mailbox);
      expect(new Set(await uidsOf(store))).toEqual(new Set([1, 2, 3]));
      expect(await store.repairIndex(mailbox)).toBe(0);
      expect(await store.repairIndex(other)).toBe(0);
    });
  });

  describe(`${name} erases a mailbox`, () => {
    test("whole: no byte and no note is left, also not for a repair, and what comes afterwards is kept", async () => {
      const { store, reopen } = await open();
      await noteAll(store, [[inbox, entryOf(1)]]);
      await noteAll(store, [[plain, entryOf(2)]]);
      const gone: IndexEntry[] = [];
      for await (const entry of store.readIndex(mailbox, inbox)) gone.push(entry);
      const weight = await store.weigh(mailbox);
      expect(weight.bytes).toBeGreaterThan(0);
      expect(await store.erase(mailbox)).toEqual(weight);
      const again = await reopen();
      await expect(again.read(gone[0]?.raw as BlobPointer)).rejects.toMatchObject(unavailable);
      expect(await again.indexed(mailbox)).toEqual([]);
      expect(await store.repairIndex(mailbox)).toBe(0);
      expect(await store.erase(mailbox)).toEqual({ files: 0, bytes: 0 });
      await noteAll(store, [[inbox, entryOf(3)]]);
      expect(await uidsOf(await reopen())).toEqual([3]);
    });

    test("and leaves its neighbour of the same name in another tenant, and that of its own", async () => {
      const { store, reopen } = await open();
      const namesake: MailboxRef = { ...mailbox, tenant: "contoso-2" };
      for (const one of [mailbox, other, namesake]) await noteAll(store, [[inbox, entryOf(1)]], one);
      await store.erase(mailbox);
      const again = await reopen();
      for (const one of [other, namesake]) {
        for await (const { raw } of again.readIndex(one, inbox)) expect(await again.read(raw as BlobPointer)).toEqual(bytesOf(1));
        expect(await uidsOf(again, inbox, one)).toEqual([1]);
      }
    });
  });
}

function bytesOf(uid: number): Buffer {
  return Buffer.from(`Subject: ${uid}\r\n\r\nbody\r\n`);
}
