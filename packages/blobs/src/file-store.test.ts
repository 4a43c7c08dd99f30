import { createHash } from "node:crypto";
import { mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BlobPointer, limits, type MailboxRef } from "@mailfleet/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createFileStore } from "./file-store.ts";
import { formatRef, packMagic, packRef, parseRef } from "./pack-format.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
const clock = { now: () => Date.UTC(2026, 10, 23), monotonic: () => 0, sleep: async () => {} };
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
let dir: string;
let serial = 0;
const chance = { random: () => 0.5, uuid: () => `00000000-0000-4000-8000-${String(++serial).padStart(12, "0")}` };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-blobs-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function packFiles(): Promise<string[]> {
  return (await readdir(dir, { recursive: true })).filter((name) => /\.(pack|tmp)$/.test(name));
}

describe("the file store", () => {
  test("gives back exactly the bytes that were put, for every record of a batch", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    const contents = [Buffer.from("a"), Buffer.alloc(0), Buffer.from([0, 10, 13, 255]), Buffer.alloc(3 * 1024 * 1024, 7)];
    const pointers = contents.map((bytes, i) => batch.put("raw", `key-${i}`, bytes));
    await batch.flush();
    for (const [i, pointer] of pointers.entries()) {
      expect(pointer).toMatchObject({ size: contents[i]?.length, sha256: sha256(contents[i] as Buffer) });
      expect(Buffer.from(await store.read(pointer)).equals(contents[i] as Buffer)).toBe(true);
    }
    expect(await packFiles()).toHaveLength(1);
  });

  test("writes a pack that can be read line by line without Redis", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    batch.put("raw", "contoso/key", Buffer.from("hello"));
    await batch.flush();
    const text = await readFile(join(dir, (await packFiles())[0] as string), "utf8");
    expect(text).toBe(`${packMagic}{"kind":"raw","key":"contoso/key","size":5,"sha256":"${sha256(Buffer.from("hello"))}"}\nhello\n`);
  });

  test("takes a blob in pieces between others, and reads it back before anything is durable", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    const first = batch.put("raw", "one", Buffer.from("one"));
    const writer = batch.open("raw", "two");
    const pieces = Array.from({ length: 5 }, (_, i) => Buffer.alloc(700_000, i + 1));
    for (const piece of pieces) await writer.write(piece);
    const pointer = await writer.end();
    const last = batch.put("text", "two", Buffer.from("last"));
    const back: Uint8Array[] = [];
    for await (const piece of batch.readBack(pointer)) back.push(piece);
    expect(Buffer.concat(back).equals(Buffer.concat(pieces))).toBe(true);
    expect(Math.max(...back.map((piece) => piece.length))).toBeLessThanOrEqual(256 * 1024);
    await batch.flush();
    expect(pointer).toMatchObject({ size: 3_500_000, sha256: sha256(Buffer.concat(pieces)) });
    for (const [one, bytes] of [
      [first, "one"],
      [last, "last"],
    ] as const)
      expect(Buffer.from(await store.read(one)).toString()).toBe(bytes);
    expect(Buffer.from(await store.read(pointer)).equals(Buffer.concat(pieces))).toBe(true);
    const text = await readFile(join(dir, (await packFiles())[0] as string), "latin1");
    const head = text.slice(0, parseRef(pointer.ref)?.offset).split("\n").at(-2) as string;
    expect(JSON.parse(head)).toEqual({ kind: "raw", key: "two", size: 3_500_000, sha256: pointer.sha256 });
  });

  test("leaves nothing of a blob that was given up", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    batch.put("raw", "one", Buffer.from("one"));
    const writer = batch.open("raw", "two");
    await writer.write(Buffer.alloc(3_000_000, "x"));
    await writer.giveUp();
    batch.put("raw", "three", Buffer.from("three"));
    await batch.flush();
    const file = join(dir, (await packFiles())[0] as string);
    const lines = (await readFile(file, "utf8"))
      .split("\n")
      .map((line) => (line.startsWith("{") ? (JSON.parse(line) as { key: string }).key : line));
    expect(lines).toEqual([packMagic.trim(), "one", "one", "three", "three", ""]);
  });

  test("takes one blob at a time", async () => {
    const batch = createFileStore({ dir, clock, chance }).startBatch(mailbox);
    const writer = batch.open("raw", "one");
    expect(() => batch.put("raw", "two", Buffer.from("x"))).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ code: "INVARIANT" }) }),
    );
    expect(() => batch.open("raw", "two")).toThrow("begun before");
    await writer.end();
    await expect(writer.write(Buffer.from("late"))).rejects.toMatchObject({ failure: { code: "INVARIANT" } });
    await batch.discard();
    expect(await packFiles()).toEqual([]);
  });

  test("tells a writer of a full disk at the piece that met it", async () => {
    const batch = createFileStore({ dir: "/dev/full/x", clock, chance }).startBatch(mailbox);
    const writer = batch.open("raw", "one");
    await expect(writer.write(Buffer.alloc(2_000_000))).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE" } });
    await batch.discard();
  });

  test("is private to its user whatever the umask", async () => {
    const before = process.umask(0);
    try {
      const batch = createFileStore({ dir, clock, chance }).startBatch(mailbox);
      batch.put("raw", "k", Buffer.from("x"));
      await batch.flush();
    } finally {
      process.umask(before);
    }
    const file = (await packFiles())[0] as string;
    expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, "contoso"))).mode & 0o777).toBe(0o700);
  });

  test("syncs the parents of the folders it makes, and only of those", async () => {
    const probe = await open(dir);
    const sync = vi.spyOn(Object.getPrototypeOf(probe) as typeof probe, "sync");
    await probe.close();
    try {
      const store = createFileStore({ dir: join(dir, "root"), clock, chance });
      const syncs = async (of: MailboxRef): Promise<number> => {
        const before = sync.mock.calls.length;
        const batch = store.startBatch(of);
        batch.put("raw", "k", Buffer.from("x"));
        await batch.flush();
        return sync.mock.calls.length - before;
      };
      // Root, tenant, box, period: four parents, then the folder that holds the new name; a second mailbox adds box and period.
      expect(await syncs(mailbox)).toBe(5);
      expect(await syncs(mailbox)).toBe(1);
      expect(await syncs({ ...mailbox, address: "sales@contoso.example" })).toBe(3);
    } finally {
      sync.mockRestore();
    }
  });

  test("restores what its index lost from the packs, and counts it", async () => {
    const store = createFileStore({ dir, clock, chance });
    const inbox = { folder: "INBOX", generation: 1, uidValidity: "14" };
    const batch = store.startBatch(mailbox);
    for (const uid of [1, 2]) batch.note(inbox, { uid, size: 1, digest: "", flags: [], raw: batch.put("raw", `${uid}`, Buffer.from("x")) });
    await batch.flush();
    for (const name of (await readdir(dir, { recursive: true })).filter((one) => one.endsWith(".seg"))) await rm(join(dir, name));
    expect(await store.indexed(mailbox)).toEqual([]);
    expect(await store.repairIndex(mailbox)).toBe(2);
    expect(await store.indexed(mailbox)).toEqual([inbox]);
  });

  test("leaves nothing behind when a batch is discarded, flushed or not", async () => {
    const store = createFileStore({ dir, clock, chance });
    const early = store.startBatch(mailbox);
    early.put("raw", "k", Buffer.alloc(2 * 1024 * 1024));
    await early.discard();
    const late = store.startBatch(mailbox);
    late.put("raw", "k", Buffer.from("x"));
    await late.flush();
    await late.discard();
    expect(await packFiles()).toEqual([]);
  });

  test("refuses bytes that changed on disk", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    const pointer = batch.put("raw", "k", Buffer.from("hello"));
    await batch.flush();
    const path = join(dir, (await packFiles())[0] as string);
    await writeFile(path, (await readFile(path, "utf8")).replace("hello", "hellO"));
    await expect(store.read(pointer)).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE" } });
  });

  test.each(["pack:../etc/x@0+1", "file:///etc/passwd", "pack:contoso/0123/202611/00@0+1", ""])(
    "refuses the foreign reference %j",
    async (ref) => {
      const store = createFileStore({ dir, clock, chance });
      await expect(store.read({ ref, sha256: sha256(Buffer.from("x")), size: 1 })).rejects.toMatchObject({
        failure: { code: "BLOB_UNAVAILABLE" },
      });
    },
  );

  test("does not follow a symbolic link in place of a pack", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    const pointer = batch.put("raw", "k", Buffer.from("hello"));
    await batch.flush();
    const path = join(dir, (await packFiles())[0] as string);
    await writeFile(join(dir, "elsewhere"), await readFile(path));
    await rm(path);
    await symlink(join(dir, "elsewhere"), path);
    await expect(store.read(pointer)).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE", facts: { code: "ELOOP" } } });
  });

  test("reports a root that cannot be written as its own failure", async () => {
    await writeFile(join(dir, "file"), "");
    const batch = createFileStore({ dir: join(dir, "file"), clock, chance }).startBatch(mailbox);
    batch.put("raw", "k", Buffer.from("x"));
    await expect(batch.flush()).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE", facts: { code: "ENOTDIR" } } });
    await batch.discard();
  });
});

test("a reference reads back as the location it was written from", () => {
  const at = { tenant: "contoso", box: "0".repeat(32), period: "202611", pack: "f".repeat(32), offset: 17, length: 0 };
  expect(parseRef(formatRef(packRef(at), at.offset, at.length))).toEqual(at);
});

describe("a blob in pieces", () => {
  const read = async (store: ReturnType<typeof createFileStore>, pointer: BlobPointer): Promise<Buffer> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of store.readPieces(pointer)) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  test.each([0, 1, limits.pieceBytes, limits.pieceBytes * 2 + 7])("of %i bytes is what was put", async (size) => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    const bytes = Buffer.alloc(size, "abc");
    const pointer = batch.put("raw", "k", bytes);
    await batch.flush();
    expect((await read(store, pointer)).equals(bytes)).toBe(true);
  });

  test("does not end as if it were whole when its bytes changed on disk, or are gone", async () => {
    const store = createFileStore({ dir, clock, chance });
    const batch = store.startBatch(mailbox);
    const pointer = batch.put("raw", "k", Buffer.from("hello"));
    await batch.flush();
    const path = join(dir, (await packFiles())[0] as string);
    await writeFile(path, (await readFile(path, "utf8")).replace("hello", "hellO"));
    await expect(read(store, pointer)).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE" } });
    await rm(path);
    await expect(read(store, pointer)).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE" } });
  });
});
