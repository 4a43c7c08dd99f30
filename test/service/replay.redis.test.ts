import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFileStore } from "@mailfleet/blobs";
import { limits, mailboxId, type MailEvent } from "@mailfleet/core";
import { replayMailbox } from "@mailfleet/engine";
import { openReissue } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { cli, cliJson } from "./cli-bench.ts";
import { failOldest } from "./failing-consumer.ts";
import {
  address,
  dir,
  events,
  keyOf,
  keys,
  mailbox,
  never,
  ports,
  queue,
  record,
  redis,
  sandbox,
  setUpSyncBench,
  sync,
  truth,
} from "./sync-bench.ts";

setUpSyncBench();

type Added = Extract<MailEvent, { type: "message.added" }>;

const added = async (): Promise<Added[]> => (await events()).filter((event) => event.type === "message.added");
const consumeAll = (): Promise<void> => queue.obliterate({ force: true });
const pieces = () => createFileStore({ dir: join(dir, "blobs"), clock: systemClock, chance: systemChance });
/** An event without what a replay may change. */
const substance = ({ at: _at, lane: _lane, replayed: _replayed, ...event }: Added): object => ({
  ...event,
  // A set: checkpoints keep flags in an order of their own.
  flags: event.flags.toSorted(),
  message: { ...event.message, attachments: event.message.attachments.map(({ ref: _ref, ...about }) => about) },
});
const byKey = (all: readonly Added[]): Map<string, object> => new Map(all.map((event) => [event.key, substance(event)]));

describe("mailfleet replay", () => {
  test("hands off a mailbox again: the same keys and contents, marked, without a word to the mail server", async () => {
    await sync("backfill");
    const before = await added();
    const ledger = (await record())?.ledger;
    const checkpoints = await redis.hgetall(keys.checkpoints(mailboxId(mailbox)));
    await consumeAll();
    const commands = new Map(sandbox.counters.commands);
    const tokens = new Map(sandbox.counters.tokenRequests);

    expect(await cliJson("replay", address)).toMatchObject({
      code: 0,
      doc: { ok: true, chosen: truth().length, outcomes: { added: truth().length, retried: 0, waiting: 0 }, failed: 0 },
    });
    const after = await added();
    expect(byKey(after)).toEqual(byKey(before));
    expect(after.every((event) => event.replayed === true && event.lane === "backfill")).toBe(true);
    expect(new Map(sandbox.counters.commands)).toEqual(commands);
    expect(new Map(sandbox.counters.tokenRequests)).toEqual(tokens);
    expect((await record())?.ledger).toEqual(ledger);
    expect(await redis.hgetall(keys.checkpoints(mailboxId(mailbox)))).toEqual(checkpoints);
    for (const event of after.slice(0, 5)) {
      for (const attachment of event.message.attachments) await ports.blobs.read(attachment);
      await ports.blobs.read(event.raw);
    }
  });

  test("does not double what waits in the queue, and gives a dead letter fresh attempts", async () => {
    await sync("backfill");
    const [victim] = await queue.getJobs(["waiting"], 0, 0, true);
    await failOldest(1, "HTTP 503 from crm.internal");
    const count = truth().length;
    expect(await cliJson("replay", address)).toMatchObject({ doc: { outcomes: { added: 0, retried: 1, waiting: count - 1 } } });
    expect(await queue.getJobCounts("waiting", "failed")).toEqual({ waiting: count, failed: 0 });
    const job = await queue.getJob(victim?.id ?? "");
    expect(job).toMatchObject({ attemptsMade: 0, data: victim?.data as object });
  });

  test("takes a range of UIDs, one key, or what arrived since a moment; a dry run changes nothing", async () => {
    await sync("backfill");
    await consumeAll();
    const inbox = truth("INBOX").map(({ uid }) => uid);
    const [low = 0, high = 0] = [inbox[3], inbox[8]];
    const range = ["replay", address, "--folder", "INBOX", "--uids", `${low}:${high}`];
    expect((await cli([...range, "--dry-run"])).out).toBe(
      "6 messages of 1 mailbox would be replayed, with the keys they had.\nNothing was changed; without --dry-run it will be.\n",
    );
    expect(await events()).toEqual([]);
    const { code, out } = await cli(range);
    expect(code).toBe(0);
    expect(out).toBe("✓ 6 messages replayed: 6 put on the queue. The keys are those they had, so consumers can tell repeats.\n");
    // In the order of their UIDs.
    expect((await events()).map(keyOf)).toEqual(inbox.slice(3, 9).map((uid) => `INBOX ${uid}`));

    await consumeAll();
    const all = await cliJson("replay", address, "--since", "2000-01-01");
    expect(all.doc).toMatchObject({ chosen: truth().length });
    const sample = (await added())[5] as Added;
    await consumeAll();
    const day = (sample.internalDate ?? "").slice(0, 10);
    await cliJson("replay", address, "--since", day, "--until", `${day}T23:59:59Z`);
    const ofDay = await added();
    expect(ofDay.map(({ key }) => key)).toContain(sample.key);
    expect(ofDay.every(({ internalDate }) => internalDate?.startsWith(day))).toBe(true);
    await consumeAll();
    expect(await cliJson("replay", sample.key)).toMatchObject({ doc: { chosen: 1, outcomes: { added: 1 } } });
    expect((await added()).map(({ key }) => key)).toEqual([sample.key]);
  });

  test("says plainly that a key, a mailbox or a range names nothing", async () => {
    await sync("backfill");
    await consumeAll();
    const unstored = await cli(["replay", `contoso/${address}/INBOX/1.14/999999`]);
    expect({ code: unstored.code, out: unstored.out }).toEqual({ code: 1, out: "" });
    expect(unstored.err).toContain("INBOX/1.14/999999 is not there: no message is stored under this key.");
    const unknown = await cli(["replay", "contoso/nobody@contoso.example/INBOX/1.14/1"]);
    expect({ code: unknown.code, out: unknown.out }).toEqual({ code: 2, out: "" });
    expect(unknown.err).toContain("nobody@contoso.example is not in the configuration");
    expect(unknown.err).not.toContain("--tenant");
    const reversed = await cli(["replay", address, "--since", "2026-11-02", "--until", "2026-11-01"]);
    expect({ code: reversed.code, out: reversed.out }).toEqual({ code: 2, out: "" });
    expect(reversed.err).toContain("--until is before --since");
    expect(await cli(["replay", address, "--until", "1980-01-01"])).toMatchObject({
      code: 0,
      out: "No message of 1 mailbox fits, so nothing was replayed.\n",
    });
    expect(await events()).toEqual([]);
  });

  test("has the flags of now, and leaves out what is gone from the server unless it is asked for", async () => {
    await sync("backfill");
    const [gone, flagged] = truth("INBOX").map(({ uid }) => uid) as [number, number];
    sandbox.expunge(address, "INBOX", [gone]);
    sandbox.setFlags(address, "INBOX", flagged, ["\\Flagged"]);
    await sync("fresh");
    await consumeAll();
    expect(
      await cliJson(
        "replay",
        address,
        "--folder",
        "INBOX",
        "--uids",
        `${gone},${flagged}`.replace(`${gone},${gone + 1}`, `${gone}:${gone + 1}`),
      ),
    ).toMatchObject({
      doc: { chosen: 1, leftOut: 1 },
    });
    expect((await added()).map(({ uid, flags }) => [uid, flags])).toEqual([[flagged, ["\\Flagged"]]]);
    await consumeAll();
    expect(await cliJson("replay", address, "--folder", "INBOX", "--removed")).toMatchObject({
      doc: { chosen: truth("INBOX").length + 1, leftOut: 0 },
    });
  });

  test("after a reset a message goes out under the key it has now, once", async () => {
    await sync("backfill");
    sandbox.resetUidValidity(address, "INBOX");
    await sync("backfill");
    await consumeAll();
    await cliJson("replay", address, "--folder", "INBOX");
    const found = await added();
    expect(found.map(keyOf).sort()).toEqual(
      truth("INBOX")
        .map(({ uid }) => `INBOX ${uid}`)
        .sort(),
    );
    expect(found.every(({ key }) => key.includes("/2."))).toBe(true);
  });

  test("a message that is too large to hold goes through in pieces, and is the same again", async () => {
    await sync("backfill");
    await consumeAll();
    const attachment = Buffer.alloc(6 * 1024 * 1024, "attached ")
      .toString("base64")
      .replace(/.{76}/g, "$&\r\n");
    const head =
      'Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n';
    const part = '--b\r\nContent-Type: application/x-thing; name="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n';
    sandbox.deliver(address, "INBOX", Buffer.from(`${head}${part}${attachment}\r\n--b--\r\n`));
    await sync("fresh");
    const [before] = (await added()) as [Added];
    expect(before.raw.size).toBeGreaterThan(limits.streamAboveBytes);
    await consumeAll();
    expect(await cliJson("replay", before.key)).toMatchObject({ code: 0, doc: { outcomes: { added: 1 } } });
    const [after] = (await added()) as [Added];
    expect(substance(after)).toEqual(substance(before));
    expect(after.message.attachments).toHaveLength(1);
    const bytes = await ports.blobs.read(after.message.attachments[0] as Added["raw"]);
    expect(Buffer.from(bytes).equals(Buffer.alloc(6 * 1024 * 1024, "attached "))).toBe(true);
  });

  test("names what cannot be replayed, replays the rest, and exits 1", async () => {
    // What the tests before noted of the same messages would do in their place.
    await rm(join(dir, "blobs"), { recursive: true, force: true });
    await sync("backfill");
    const all = await added();
    await consumeAll();
    const packs = (await readdir(join(dir, "blobs"), { recursive: true })).filter((name) => name.endsWith(".pack"));
    const used = new Set(all.map(({ raw }) => /([0-9a-f]{32})@/.exec(raw.ref)?.[1]));
    const [lost] = packs.filter((name) => used.has(/([0-9a-f]{32})\.pack$/.exec(name)?.[1]));
    const file = join(dir, "blobs", lost as string);
    const bytes = await readFile(file);
    const inLost = all.filter(({ raw }) => lost?.includes(/([0-9a-f]{32})@/.exec(raw.ref)?.[1] ?? "?"));
    await rm(file);
    try {
      const { code, out } = await cli(["replay", address]);
      expect(code).toBe(1);
      expect(out).toMatch(new RegExp(`\\b${inLost.length} messages? could not be replayed:`));
      expect(out).toContain(inLost.toSorted((a, b) => (a.folder.path < b.folder.path ? -1 : Number(a.uid) - Number(b.uid)))[0]?.key);
      expect((await events()).length).toBe(all.length - inLost.length);
      expect(out).not.toContain("✓");
    } finally {
      await writeFile(file, bytes);
    }
    // Once the bytes are back, nothing is doubled.
    expect(await cliJson("replay", address)).toMatchObject({
      code: 0,
      doc: { outcomes: { added: inLost.length, waiting: all.length - inLost.length } },
    });
  });

  test("goes on without the index where the packs know the same", async () => {
    await sync("backfill");
    await consumeAll();
    const segments = (await readdir(join(dir, "blobs"), { recursive: true })).filter((name) => name.endsWith(".seg"));
    for (const name of segments) await rm(join(dir, "blobs", name));
    expect(await cliJson("replay", address)).toMatchObject({ code: 0, doc: { chosen: truth().length, failed: 0 } });
  });

  test("waits while the queue is full, and says so", async () => {
    await sync("backfill");
    await consumeAll();
    const reissue = await openReissue(queue, systemClock);
    const said: number[] = [];
    let looks = 0;
    const room = () => Promise.resolve({ isOpen: looks++ >= 2, pauseMs: 0, events: 60_000 });
    const clock = { ...systemClock, sleep: () => Promise.resolve() };
    const request = {
      mailbox,
      choice: { folder: "INBOX" },
      isDryRun: false,
      onProgress: ({ waitsAt }: { waitsAt?: number }) => void (waitsAt && said.push(waitsAt)),
    };
    expect((await replayMailbox({ ...ports, blobs: pieces(), clock, reissue, room }, request, never)).outcomes.added).toBe(
      truth("INBOX").length,
    );
    expect(said).toEqual([60_000, 60_000]);
  });

  test("puts back nothing of a mailbox that is purged while a batch of it is made", async () => {
    await sync("backfill");
    await consumeAll();
    const blobs = pieces();
    const startBatch: typeof blobs.startBatch = (of) => {
      const batch = blobs.startBatch(of);
      return Object.assign(Object.create(batch) as typeof batch, {
        discard: () => batch.discard(),
        put: (...args: Parameters<typeof batch.put>) => batch.put(...args),
        async flush() {
          await redis.del(keys.checkpoints(mailboxId(of)));
          await blobs.erase(of);
          return batch.flush();
        },
      });
    };
    const reissue = await openReissue(queue, systemClock);
    const room = () => Promise.resolve({ isOpen: true, pauseMs: 0, events: 0 });
    const replaying = replayMailbox(
      { ...ports, blobs: { ...blobs, startBatch }, clock: systemClock, reissue, room },
      { mailbox, choice: {}, isDryRun: false },
      never,
    );
    const { chosen, failed, failures, outcomes } = await replaying;
    expect([failed, outcomes.added]).toEqual([chosen, 0]);
    expect(failures[0]).toMatchObject({ text: expect.stringContaining("purged meanwhile") });
    expect(await events()).toEqual([]);
    expect((await readdir(join(dir, "blobs"), { recursive: true })).filter((name) => name.endsWith(".pack"))).toEqual([]);
  });

  test.each([
    [["replay"], "It is not said what to replay"],
    [["replay", address, "--uids", "1:5"], "--uids needs --folder"],
    [["replay", address, "--folder", "INBOX", "--uids", "9:5"], "expected UIDs in ascending order"],
    [["replay", address, "--since", "yesterday"], "expected a moment such as 7d"],
    [["replay", "--tenant", "contosso"], "did you mean contoso?"],
    [["replay", "suport@contoso.example"], "did you mean support@contoso.example?"],
    [["replay", address, "--folder", "INBOXX"], "No folder INBOXX was synced"],
  ])("%j is exit 2, and nothing is replayed", async (args, what) => {
    const { code, out, err } = await cli(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(what);
    expect(await events()).toEqual([]);
  });
});
