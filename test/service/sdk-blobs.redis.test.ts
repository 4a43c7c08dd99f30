import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createFileStore, createS3Store } from "@mailfleet/blobs";
import { type BlobPointer, Secret } from "@mailfleet/core";
import { seededChance, startS3Server } from "@mailfleet/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { blobFolder } from "../../packages/consumer/src/blob-folder.ts";
import type { MessageAdded } from "../../packages/consumer/src/event.ts";
import { inventedEvent } from "../../packages/consumer/src/invented.fixture.ts";
import { htmlOf, textOf, withOpenBlobs } from "../../packages/consumer/src/openable.ts";
import { s3Blobs } from "../../packages/consumer/src/s3-blobs.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-sdk-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const mailbox = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" } as const;
const clock = { now: () => Date.UTC(2026, 10, 27), monotonic: () => 0, sleep: () => Promise.resolve() };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Written as a worker writes them. */
async function stored(...blobs: readonly Uint8Array[]): Promise<readonly BlobPointer[]> {
  const batch = createFileStore({ dir, clock, chance: seededChance() }).startBatch(mailbox);
  const pointers = blobs.map((bytes) => batch.put("raw", "a key", bytes));
  await batch.flush();
  return pointers;
}

function eventWith(raw: BlobPointer, message: Readonly<Record<string, unknown>> = {}): MessageAdded {
  const event = inventedEvent(1, { raw }) as MessageAdded;
  return withOpenBlobs({ ...event, message: { ...event.message, ...message } }, blobFolder(dir)) as MessageAdded;
}

test("raw bytes and attachments come as the worker stored them, at once and as a stream", async () => {
  const large = new Uint8Array(700_000).map((_, i) => i % 251);
  const [raw, attachment] = (await stored(encode("Subject: x\r\n\r\n"), large)) as [BlobPointer, BlobPointer];
  const event = eventWith(raw, { attachments: [{ ...attachment, contentType: "image/png" }] });
  expect(new TextDecoder().decode(await event.raw.bytes())).toBe("Subject: x\r\n\r\n");
  const pieces: Uint8Array[] = [];
  for await (const piece of event.message.attachments[0]?.open() ?? []) pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(1);
  expect(Buffer.concat(pieces).equals(large)).toBe(true);
});

test("as JSON the event stays what it was", async () => {
  const [raw] = (await stored(encode("x"))) as [BlobPointer];
  expect(JSON.parse(JSON.stringify(eventWith(raw)))).toEqual(inventedEvent(1, { raw }));
});

test("bytes that were changed are told, by a stream in place of its end", async () => {
  const [raw] = (await stored(encode("the right bytes"))) as [BlobPointer];
  const [pack = ""] = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith(".pack"));
  const file = path.join(dir, pack);
  await writeFile(file, (await readFile(file, "latin1")).replace("the right bytes", "the wrong bytes"), "latin1");
  const event = eventWith(raw);
  await expect(event.raw.bytes()).rejects.toThrow("not the ones that were put there");
  const read = async (): Promise<void> => {
    for await (const _ of event.raw.open());
  };
  await expect(read()).rejects.toThrow("not the ones that were put there");
});

test("a store that was not named, one elsewhere, and a forged reference say what is wrong", async () => {
  const [raw] = (await stored(encode("x"))) as [BlobPointer];
  const unnamed = withOpenBlobs(inventedEvent(1, { raw }), undefined) as MessageAdded;
  await expect(unnamed.raw.bytes()).rejects.toThrow("set `blobs`");
  const elsewhere = withOpenBlobs(inventedEvent(1, { raw }), blobFolder(path.join(dir, "elsewhere"))) as MessageAdded;
  await expect(elsewhere.raw.bytes()).rejects.toThrow("is `blobs` the folder that the workers write to?");
  const forged = eventWith({ ...raw, ref: "pack:../../../../etc/passwd@0+10" });
  await expect(forged.raw.bytes()).rejects.toThrow("not one of mailfleet's blob stores");
});

test("more than was asked for is not held", async () => {
  const [raw] = (await stored(new Uint8Array(1_000))) as [BlobPointer];
  await expect(eventWith(raw).raw.bytes(999)).rejects.toThrow("1000 bytes, more than the 999 asked for");
});

test("a body is found wherever it lies", async () => {
  const [raw, textRef, htmlRef] = (await stored(encode("raw"), encode("long Größe"), encode("<p>long</p>"))) as BlobPointer[];
  const event = eventWith(raw as BlobPointer, { text: undefined, textRef, htmlRef });
  expect(await textOf(event.message)).toBe("long Größe");
  expect(await htmlOf(event.message)).toBe("<p>long</p>");
  const short = eventWith(raw as BlobPointer, { html: "<b>x</b>" });
  expect([await textOf(short.message), await htmlOf(short.message)]).toEqual(["text 1", "<b>x</b>"]);
});

test("from a bucket the same bytes come, whole and as a stream, also where the connection breaks; what is wrong is said without the server's words", async () => {
  const server = await startS3Server();
  try {
    const { bucket, region, endpoint, accessKeyId, secretAccessKey } = server;
    const given = { bucket, region, endpoint, prefix: "fleet" };
    const place = { ...given, prefix: "fleet/", forcePathStyle: true };
    const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
    const store = createS3Store({ place: { ...place, credentials }, scratchDir: dir, clock, chance: seededChance() });
    const batch = store.startBatch(mailbox);
    const large = new Uint8Array(700_000).map((_, i) => i % 251);
    const [raw, attachment] = [batch.put("raw", "a key", encode("Subject: x\r\n\r\n")), batch.put("attachment", "a key", large)];
    await batch.flush();
    const { message } = inventedEvent(1, {}) as MessageAdded;
    const kept = { ...inventedEvent(1, { raw }), message: { ...message, attachments: [{ ...attachment, contentType: "x/y" }] } };
    const open = (blobs: Parameters<typeof s3Blobs>[0]) =>
      withOpenBlobs(structuredClone(kept) as unknown as MessageAdded, s3Blobs(blobs)) as MessageAdded;
    const event = open({ ...given, credentials: { accessKeyId, secretAccessKey } });
    expect(new TextDecoder().decode(await event.raw.bytes())).toBe("Subject: x\r\n\r\n");
    let cuts = 2;
    server.break(() => (cuts-- > 0 ? { kind: "cut", afterBytes: 100_000 } : undefined));
    const pieces: Uint8Array[] = [];
    for await (const piece of event.message.attachments[0]?.open() ?? []) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(large)).toBe(true);
    server.break(() => ({ kind: "flip" }));
    await expect(event.raw.bytes()).rejects.toThrow("not the ones that were put there");
    server.break(undefined);
    const wrong = open({ ...given, credentials: { accessKeyId, secretAccessKey: "another" } });
    await expect(wrong.raw.bytes()).rejects.toThrow(/failed: SignatureDoesNotMatch \(pack:/);
    const elsewhere = open({ ...given, prefix: "other", credentials: { accessKeyId, secretAccessKey } });
    await expect(elsewhere.raw.bytes()).rejects.toThrow("are `bucket` and `prefix` those that the workers write to?");
  } finally {
    await server.stop();
  }
});
