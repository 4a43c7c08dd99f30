import { createHash } from "node:crypto";
import { type BlobPointer, limits, type StreamedMessage, syncError } from "@mailfleet/core";
import { beforeEach, describe, expect, test } from "vitest";
import { withMethod } from "./session-faults.ts";
import { address, events, ports, record, sandbox, sync, world, setUpSyncBench } from "./sync-bench.ts";

setUpSyncBench();

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const small = (subject: string): Buffer =>
  Buffer.from(`Subject: ${subject}\r\nMessage-ID: <${subject}@contoso.example>\r\n\r\n${subject}\r\n`);
const withFiles = (...files: readonly Buffer[]): Buffer =>
  Buffer.from(
    `Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n${files
      .map(
        (file, i) =>
          `--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=f${i}.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n` +
          `${file.toString("base64").replace(/.{76}/g, "$&\r\n")}\r\n`,
      )
      .join("")}--b--\r\n`,
  );
/** The head of an attachment that never ends. */
const endless = Buffer.from(
  "Subject: endless\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=all.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n",
);
const bytesOf = async (pointer: BlobPointer | undefined): Promise<Buffer> => Buffer.from(await ports.blobs.read(pointer as BlobPointer));

let uids: number[] = [];
beforeEach(async () => {
  for (const uid of uids) sandbox.setFetchFault(address, "INBOX", uid, undefined);
  sandbox.expunge(address, "INBOX", uids);
  uids = [];
  await sync("backfill");
});
const deliver = (raw: Buffer): number => {
  const uid = sandbox.deliver(address, "INBOX", raw);
  uids.push(uid);
  return uid;
};
/** What happened to the mail that a test delivered, in order. */
const outcome = async () =>
  (await events()).flatMap((event) =>
    (event.type === "message.added" || event.type === "message.quarantined") &&
    uids.includes(event.uid ?? 0) &&
    event.folder.path === "INBOX"
      ? [event]
      : [],
  );
/** Sessions until nothing is left to do. */
async function settle(most: number): Promise<number> {
  for (let sessions = 1; sessions <= most; sessions++) {
    const { kind } = await sync("fresh");
    world.clockOffset += limits.unfetchableRetryMs + 1;
    if (kind === "done" && (await outcome()).length === uids.length) return sessions;
  }
  return Number.POSITIVE_INFINITY;
}

describe("a message of any size", () => {
  test("above what is held goes through in pieces: every byte of it and of its attachments is stored", async () => {
    const files = [Buffer.alloc(9_000_000, "abc"), Buffer.from("little"), Buffer.alloc(3_000_000, 7)];
    const raw = withFiles(...files);
    deliver(small("before"));
    deliver(raw);
    deliver(small("after"));
    expect(await settle(1)).toBe(1);
    const all = await outcome();
    expect(all.map((event) => event.type === "message.added" && event.message.subject)).toEqual(["before", "large", "after"]);
    const [, large] = all;
    if (large?.type !== "message.added") throw new Error("not handed off");
    expect(large.quarantine).toBeUndefined();
    expect(large.raw.sha256).toBe(sha256(raw));
    expect((await bytesOf(large.raw)).equals(raw)).toBe(true);
    expect(large.message.text).toBe("hello");
    for (const [i, file] of files.entries()) {
      expect(large.message.attachments[i]).toMatchObject({ filename: `f${i}.pdf`, size: file.length, sha256: sha256(file) });
      expect((await bytesOf(large.message.attachments[i])).equals(file)).toBe(true);
    }
  }, 60_000);

  test("that is announced as small and is not breaks one session, then goes through in pieces like any other", async () => {
    deliver(small("before"));
    const liar = deliver(endless);
    deliver(small("after"));
    sandbox.setFetchFault(address, "INBOX", liar, { paddedTo: 20_000_000, announced: 3_000 });
    expect(await settle(3)).toBe(2);
    const all = await outcome();
    expect(all.map((event) => event.type)).toEqual(["message.added", "message.added", "message.added"]);
    expect(all[1]).toMatchObject({
      uid: liar,
      raw: { size: 20_000_000 },
      message: { subject: "endless", attachments: [{ filename: "all.zip" }] },
    });
  }, 60_000);

  test.each([
    ["announced as such", 1e9],
    ["announced as small", 5_000],
  ])(
    "above the limit, %s, is quarantined with its head, and little of it is fetched",
    async (_name, announced) => {
      deliver(small("before"));
      const huge = deliver(endless);
      deliver(small("after"));
      sandbox.setFetchFault(address, "INBOX", huge, { paddedTo: 1e9, announced });
      expect(await settle(3)).toBeLessThanOrEqual(2);
      const [before, quarantined, after] = await outcome();
      expect([before?.type, after?.type]).toEqual(["message.added", "message.added"]);
      expect(quarantined).toMatchObject({ type: "message.quarantined", uid: huge, quarantine: { code: "MESSAGE_TOO_LARGE" } });
      expect(quarantined?.raw?.size).toBe(limits.oversizedHeadBytes);
      expect((await bytesOf(quarantined?.raw)).subarray(0, endless.length).equals(endless)).toBe(true);
      expect((await record())?.ledger).toMatchObject({ toDo: 0 });
    },
    60_000,
  );

  test("that never ends is cut at the limit and quarantined; what was stored of it is given back", async () => {
    const piece = new Uint8Array(8 * 1024 * 1024).fill(65);
    const stream: StreamedMessage = {
      uid: 0,
      flags: [],
      pieces: (async function* () {
        for (;;) yield piece;
      })(),
      isWhole: () => false,
    };
    const uid = deliver(small("endless"));
    deliver(small("after"));
    const careful = withMethod(
      "describe",
      (session) => async (list) =>
        (await session.describe(list)).map((meta) => (meta.uid === uid ? { ...meta, size: limits.streamAboveBytes + 1 } : meta)),
    );
    world.fault = (session) => withMethod("fetchStream", () => () => Promise.resolve(stream))(careful(session));
    expect(await settle(1)).toBe(1);
    expect(await outcome()).toMatchObject([
      { type: "message.quarantined", quarantine: { code: "MESSAGE_TOO_LARGE" }, raw: { size: limits.oversizedHeadBytes } },
      { type: "message.added" },
    ]);
  }, 120_000);

  test("whose session breaks in the middle is begun anew by the next, and no blob of the first is referred to", async () => {
    const raw = withFiles(Buffer.alloc(8_000_000, "x"));
    deliver(raw);
    let broken = 0;
    world.fault = withMethod("fetchStream", (session) => async (uid) => {
      const message = await session.fetchStream(uid);
      if (!message || broken++ > 0) return message;
      const pieces = (async function* () {
        let count = 0;
        for await (const piece of message.pieces) {
          yield piece;
          if (++count === 4) throw syncError("SESSION_CLOSED", "cut", { layer: "imap", phase: "fetch" });
        }
      })();
      return { ...message, pieces };
    });
    expect(await sync("fresh")).toMatchObject({ kind: "failed", failure: { code: "SESSION_CLOSED" } });
    expect(await outcome()).toEqual([]);
    expect(await settle(2)).toBe(1);
    const [event] = await outcome();
    expect(event?.raw?.sha256).toBe(sha256(raw));
    expect((await bytesOf(event?.raw)).equals(raw)).toBe(true);
  }, 60_000);

  test("that vanishes in the middle is looked for again, and not handed off in part", async () => {
    const uid = deliver(withFiles(Buffer.alloc(8_000_000, "x")));
    world.fault = withMethod("fetchStream", (session) => async (wanted) => {
      const message = await session.fetchStream(wanted);
      if (!message) return message;
      const pieces = (async function* () {
        for await (const piece of message.pieces) {
          yield piece;
          sandbox.expunge(address, "INBOX", [uid]);
        }
      })();
      return { ...message, pieces };
    });
    await sync("fresh");
    expect(await outcome()).toEqual([]);
    expect((await record())?.ledger).toMatchObject({ toDo: 0 });
  }, 60_000);

  test("with more text than is read is handed off, and says what is missing", async () => {
    deliver(Buffer.from(`Subject: novel\r\n\r\n${"It was a dark and stormy night.\r\n".repeat(600_000)}`));
    expect(await settle(1)).toBe(1);
    const [event] = await outcome();
    expect(event).toMatchObject({ type: "message.added", message: { subject: "novel" }, quarantine: { code: "MESSAGE_TOO_LARGE" } });
    if (event?.type !== "message.added") return;
    expect(event.message.textRef?.size).toBeGreaterThan(limits.parseTextBytes * 0.9);
    expect(event.message.textRef?.size).toBeLessThanOrEqual(limits.parseTextBytes);
  }, 60_000);
});

test("what Exchange serves in place of an item that it cannot convert is quarantined as that", async () => {
  const uid = deliver(small("unconvertible"));
  deliver(small("after"));
  sandbox.setFetchFault(address, "INBOX", uid, "placeholder");
  await settle(1);
  expect(await outcome()).toMatchObject([
    { type: "message.quarantined", uid, quarantine: { code: "MESSAGE_UNCONVERTIBLE" } },
    { type: "message.added", message: { subject: "after" } },
  ]);
});
