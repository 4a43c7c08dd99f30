import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { inspect } from "node:util";
import type { BlobPointer, BlobStore, IndexedFolder } from "@mailfleet/core";
import { Secret } from "@mailfleet/core";
import type { S3Fault, S3Request } from "@mailfleet/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseRef } from "./pack-format.ts";
import { partBytes } from "./s3-bucket.ts";
import { mailbox, openS3World, type S3World } from "./s3-world.fixture.ts";

const inbox: IndexedFolder = { folder: "INBOX", role: "inbox", generation: 1, uidValidity: "14" };
const isPut = ({ method, key }: S3Request): boolean => method === "PUT" && key.endsWith(".pack");
const isGet = ({ method, key }: S3Request): boolean => method === "GET" && key.endsWith(".pack");

let world: S3World;
beforeEach(async () => {
  world = await openS3World({ pageKeys: 50 });
});
afterEach(() => world.close());

/** Each fault meets one request of its kind, in turn. */
function breakWith(kind: (request: S3Request) => boolean, ...faults: readonly S3Fault[]): void {
  const left = [...faults];
  world.server.break((request) => (kind(request) ? left.shift() : undefined));
}

async function stored(store: BlobStore, ...blobs: readonly Uint8Array[]): Promise<BlobPointer[]> {
  const batch = store.startBatch(mailbox);
  const pointers = blobs.map((bytes, i) => batch.put("raw", `key-${i}`, bytes));
  await batch.flush();
  return pointers;
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function noted(store: BlobStore, uid: number): Promise<void> {
  const batch = store.startBatch(mailbox);
  batch.note(inbox, { uid, size: 1, digest: "", flags: [], raw: batch.put("raw", `${uid}`, Buffer.from(`${uid}`)) });
  await batch.flush();
}

async function uidsOf(store: BlobStore): Promise<number[]> {
  const uids: number[] = [];
  for await (const { uid } of store.readIndex(mailbox, inbox)) uids.push(uid);
  return uids;
}

describe("what a batch costs", () => {
  test("is one PUT for a hundred small messages with their index, under the name that a folder would give it", async () => {
    const store = world.open();
    const batch = store.startBatch(mailbox);
    let ref = "";
    for (let uid = 1; uid <= 100; uid++) {
      const raw = batch.put("raw", `${uid}`, Buffer.alloc(5_000, uid));
      batch.note(inbox, { uid, size: 5_000, digest: "", flags: [], raw });
      ref = raw.ref;
    }
    await batch.flush();
    expect(world.server.requests.map(({ method, query }) => `${method} ${query.get("x-id")}`)).toEqual(["PUT PutObject"]);
    const { tenant, box, period, pack } = parseRef(ref) ?? {};
    expect([...world.server.objects.keys()]).toEqual([`fleet/${tenant}/${box}/${period}/${pack}.pack`]);
    expect(await readdir(world.scratchDir)).toEqual([]);
  });

  test("is a part for each 8 MiB of a large message, of which one is held, and nothing stays in the scratch folder", async () => {
    const store = world.open();
    const batch = store.startBatch(mailbox);
    const writer = batch.open("raw", "large");
    const hash = createHash("sha256");
    for (let i = 0; i < 20; i++) {
      const piece = Buffer.alloc(1024 * 1024, i);
      hash.update(piece);
      await writer.write(piece);
    }
    const pointer = await writer.end();
    await batch.flush();
    const parts = world.server.requests.filter(({ query }) => query.has("partNumber"));
    expect(parts.map(({ size }) => size)).toEqual([partBytes, partBytes, expect.any(Number)]);
    expect(world.server.openUploads).toBe(0);
    expect(await readdir(world.scratchDir)).toEqual([]);
    const read = createHash("sha256");
    for await (const piece of world.open().readPieces(pointer)) read.update(piece);
    expect(read.digest("hex")).toBe(hash.digest("hex"));
  });

  test("is asked to be encrypted, part by part or whole", async () => {
    const store = world.open({ serverSideEncryption: "aws:kms", kmsKeyId: "key-1" });
    await stored(store, Buffer.from("small"));
    await stored(store, Buffer.alloc(partBytes + 1));
    for (const { headers } of world.server.objects.values())
      expect(headers).toMatchObject({ "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "key-1" });
    expect(world.server.objects.size).toBe(2);
  });
});

describe("a bucket that answers badly", () => {
  const passing: readonly [string, S3Fault][] = [
    ["is overloaded", { kind: "status", status: 503, code: "SlowDown" }],
    ["fails inside", { kind: "status", status: 500, code: "InternalError" }],
    ["cuts the connection", { kind: "reset" }],
    ["cuts it after it did what was asked", { kind: "reset", applied: true }],
    ["says nothing", { kind: "silence" }],
  ];
  test.each(passing)("and %s twice is asked again, and the batch is stored once", async (_what, fault) => {
    const store = world.open({}, { silenceMs: 1_000 });
    breakWith(isPut, fault, fault);
    const [pointer] = (await stored(store, Buffer.from("mail"))) as [BlobPointer];
    breakWith(isGet, fault);
    expect(Buffer.from(await store.read(pointer)).toString()).toBe("mail");
    expect(world.server.objects.size).toBe(1);
  });

  test("in the middle of a part is asked for that part again", async () => {
    const store = world.open();
    const [pointer] = await (async () => {
      breakWith(({ query }) => query.get("partNumber") === "2", { kind: "status", status: 503, code: "SlowDown" }, { kind: "reset" });
      return (await stored(store, Buffer.alloc(2 * partBytes + 5, "x"))) as [BlobPointer];
    })();
    expect(pointer.size).toBe(2 * partBytes + 5);
    expect((await store.read(pointer)).length).toBe(pointer.size);
  });

  test("and loses the answer to the end of a large upload, which is asked for again and known no more", async () => {
    breakWith(({ method, query }) => method === "POST" && query.has("uploadId"), { kind: "reset", applied: true });
    const [pointer] = (await stored(world.open(), Buffer.alloc(partBytes + 5, "x"))) as [BlobPointer];
    expect((await world.open().read(pointer)).length).toBe(partBytes + 5);
    expect(world.server.openUploads).toBe(0);
  });

  test("and breaks off a download is asked for the rest", async () => {
    const store = world.open();
    const bytes = Buffer.from(Array.from({ length: 500_000 }, (_, i) => i % 251));
    const [pointer] = (await stored(store, bytes)) as [BlobPointer];
    breakWith(isGet, { kind: "cut", afterBytes: 100_000 }, { kind: "cut", afterBytes: 50_000 });
    expect(Buffer.from(await store.read(pointer)).equals(bytes)).toBe(true);
    const ranges = world.server.requests.filter(isGet).map(({ headers }) => headers.range);
    expect(new Set(ranges).size).toBe(3);
  });

  const refusals: readonly [string, number, string, RegExp][] = [
    ["refuses", 403, "AccessDenied", /\(AccessDenied\)\. The bucket refuses mailfleet: its identity needs s3:PutObject/],
    ["is not there", 404, "NoSuchBucket", /\(NoSuchBucket\)\. There is no bucket of this name/],
    ["is elsewhere", 301, "PermanentRedirect", /\(PermanentRedirect\)\. The bucket is in another region/],
    ["stays overloaded", 503, "SlowDown", /\(SlowDown\)\. The server of the bucket is overloaded/],
  ];
  test.each(refusals)(
    "and %s: BLOB_UNAVAILABLE in our words, nothing of the server's, nothing stored",
    async (_what, status, code, words) => {
      world.server.break(() => ({ kind: "status", status, code }));
      const batch = world.open({}, { attempts: 2 }).startBatch(mailbox);
      batch.put("raw", "key", Buffer.from("mail"));
      const error: unknown = await batch.flush().catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        message: expect.stringMatching(words),
        failure: { code: "BLOB_UNAVAILABLE", facts: { layer: "blobs", code } },
      });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/canary-of-the-server|TESTKEY/);
      await batch.discard();
      expect(world.server.objects.size).toBe(0);
    },
  );

  test("and is full is a full store", async () => {
    world.server.break(() => ({ kind: "status", status: 507, code: "XMinioStorageFull" }));
    const batch = world.open().startBatch(mailbox);
    batch.put("raw", "key", Buffer.from("mail"));
    await expect(batch.flush()).rejects.toMatchObject({ failure: { code: "BLOB_STORE_FULL" } });
  });

  test("and fails a large upload for good leaves no part behind", async () => {
    world.server.break(({ query }) =>
      query.get("partNumber") === "2" ? { kind: "status", status: 403, code: "AccessDenied" } : undefined,
    );
    const batch = world.open().startBatch(mailbox);
    batch.put("raw", "key", Buffer.alloc(2 * partBytes));
    await expect(batch.flush()).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE", facts: { code: "AccessDenied" } } });
    expect([world.server.openUploads, world.server.objects.size]).toEqual([0, 0]);
    await batch.discard();
  });

  test("and changed a byte is not believed, whole or in pieces", async () => {
    const store = world.open();
    const [pointer] = (await stored(store, Buffer.from("mail"))) as [BlobPointer];
    const changed = { failure: { code: "BLOB_UNAVAILABLE" }, message: expect.stringContaining("not the ones that were put there") };
    breakWith(isGet, { kind: "flip" }, { kind: "flip" });
    await expect(store.read(pointer)).rejects.toMatchObject(changed);
    await expect(readAll(store.readPieces(pointer))).rejects.toMatchObject(changed);
  });

  test("and keeps what a proxy cut, or knows no ranges, is not believed: what was noted of messages is not forgotten", async () => {
    const store = world.open();
    await noted(store, 1);
    await noted(store, 2);
    breakWith(isGet, { kind: "short", bytes: 20 });
    await expect(uidsOf(store)).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE", facts: { code: "WrongLength" } } });
    const [small, large] = (await stored(store, Buffer.from("mail"), Buffer.alloc(50_000))) as [BlobPointer, BlobPointer];
    // A byte of four with each request, and the last of them within what is tried.
    world.server.break((request) => (isGet(request) ? { kind: "short", bytes: 1 } : undefined));
    expect(Buffer.from(await store.read(small)).toString()).toBe("mail");
    await expect(store.read(large)).rejects.toMatchObject({ failure: { facts: { code: "WrongLength" } } });
    breakWith(isGet, { kind: "rangeless" });
    await expect(store.read(small)).rejects.toMatchObject({ failure: { facts: { code: "WrongLength" } } });
  });

  test("and cuts a list without a word is not believed: a mailbox is not erased by half", async () => {
    const store = world.open();
    for (let i = 0; i < 60; i++) await stored(store, Buffer.from("x"));
    const isList = ({ method, key }: S3Request): boolean => method === "GET" && key === "";
    breakWith(isList, { kind: "tokenless" });
    await expect(store.erase(mailbox)).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE", facts: { code: "ListCut" } } });
    await store.erase(mailbox);
    expect(world.server.objects.size).toBe(0);
  });

  test("with a wrong key, or none that it knows, is told apart", async () => {
    const credentials = { accessKeyId: world.server.accessKeyId, secretAccessKey: new Secret("wrong-secret-canary") };
    for (const [given, code] of [
      [credentials, "SignatureDoesNotMatch"],
      [{ ...credentials, accessKeyId: "ANOTHERKEY" }, "InvalidAccessKeyId"],
    ] as const) {
      const error: unknown = await stored(world.open({ credentials: given }), Buffer.from("x")).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ failure: { code: "BLOB_UNAVAILABLE", facts: { code } } });
      expect(inspect(error, { depth: 9 })).not.toContain("wrong-secret-canary");
    }
    await expect(stored(world.open({ region: "us-west-1" }), Buffer.from("x"))).rejects.toMatchObject({
      failure: { facts: { code: "AuthorizationHeaderMalformed" } },
    });
  });

  test("because this machine's clock is off is written to all the same: the client signs by the server's", async () => {
    world.server.skew(60 * 60_000);
    const store = world.open();
    const [pointer] = (await stored(store, Buffer.from("mail"))) as [BlobPointer];
    expect((await store.read(pointer)).length).toBe(4);
  });

  test("not at all, because nothing listens", async () => {
    await world.server.stop();
    await expect(stored(world.open(), Buffer.from("x"))).rejects.toMatchObject({
      message: expect.stringContaining("Nothing listens there"),
      failure: { code: "BLOB_UNAVAILABLE", facts: { code: "ECONNREFUSED" } },
    });
  });
});

test("a mailbox that is erased leaves no part of an upload that was cut short, and its neighbour keeps his", async () => {
  const other = { ...mailbox, address: "sales@contoso.example" };
  // A worker that dies in the middle of an upload neither completes nor aborts it.
  world.server.break(({ method, query }) =>
    query.get("partNumber") === "2" || method === "DELETE" ? { kind: "status", status: 403, code: "AccessDenied" } : undefined,
  );
  for (const of of [mailbox, mailbox, other]) {
    const batch = world.open().startBatch(of);
    batch.put("raw", "key", Buffer.alloc(partBytes + 5));
    await expect(batch.flush()).rejects.toMatchObject({ failure: { code: "BLOB_UNAVAILABLE" } });
  }
  expect(world.server.openUploads).toBe(3);
  world.server.break(undefined);
  await world.open().erase(mailbox);
  expect(world.server.openUploads).toBe(1);
});

describe("what was noted, in a bucket", () => {
  const hour = 60 * 60_000;

  test("is read from the packs until they are many, then summed up once, and never lost or doubled", async () => {
    const store = world.open();
    for (let uid = 1; uid <= 70; uid++) await noted(store, uid);
    const all = Array.from({ length: 70 }, (_, i) => i + 1);
    expect(await uidsOf(store)).toEqual(all);
    // Young packs may have neighbours that come later: nothing is summed up yet.
    expect([...world.server.objects.keys()].filter((key) => key.endsWith(".idx"))).toEqual([]);
    await world.clock.advance(2 * hour);
    await noted(store, 71);
    expect(await uidsOf(world.open())).toEqual([...all, 71]);
    expect([...world.server.objects.keys()].filter((key) => key.endsWith(".idx"))).toHaveLength(1);
    const before = world.server.requests.length;
    expect(await uidsOf(world.open())).toEqual([...all, 71]);
    // Two lists, the summary, and the one pack behind it.
    expect(world.server.requests.length - before).toBe(4);
    expect(await world.open().indexed(mailbox)).toEqual([inbox]);
  });

  test("is summed up again by a later reader, who leaves the summary before for those who read it", async () => {
    const store = world.open();
    for (let round = 0; round < 3; round++) {
      for (let uid = 1; uid <= 66; uid++) await noted(store, round * 66 + uid);
      await world.clock.advance(2 * hour);
      expect(await uidsOf(store)).toHaveLength((round + 1) * 66);
    }
    expect([...world.server.objects.keys()].filter((key) => key.endsWith(".idx"))).toHaveLength(2);
  });

  test("of a pack that was removed meanwhile is nothing, and a pack with a long index is read to its beginning", async () => {
    const store = world.open();
    const batch = store.startBatch(mailbox);
    for (let uid = 1; uid <= 1_000; uid++)
      batch.note(inbox, { uid, size: 1, digest: "x".repeat(22), flags: ["\\Seen"], messageId: `<${uid}@example.com>` });
    await batch.flush();
    await noted(store, 1_001);
    const [first = ""] = [...world.server.objects.keys()].sort();
    expect(await uidsOf(store)).toHaveLength(1_001);
    breakWith(({ key }) => key === first, { kind: "status", status: 404, code: "NoSuchKey" });
    expect(await uidsOf(store)).toEqual([1_001]);
  });
});
