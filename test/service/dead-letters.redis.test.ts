import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  mailboxId,
  type MailEvent,
  packCheckpoint,
  unpackCheckpoint,
  type FolderCheckpoint,
  uidSetOf,
  subtractUids,
} from "@mailfleet/core";
import { openDeadLetters } from "@mailfleet/queue";
import { cli, cliJson, dataDir } from "./cli-bench.ts";
import { failOldest } from "./failing-consumer.ts";
import { address, events, keys, mailbox, ports, queue, redis, setUpSyncBench, sync, truth } from "./sync-bench.ts";

setUpSyncBench();

interface ListDoc {
  readonly letters: number;
  readonly causes: readonly {
    readonly id: string;
    readonly letters: number;
    readonly what: string;
    readonly owner: { kind: string; name?: string };
  }[];
}

const list = async (): Promise<ListDoc> => (await cliJson("dead-letters", "list")).doc as ListDoc;
const counts = () => queue.getJobCounts("waiting", "failed");
const idOf = (doc: ListDoc, what: string): string => doc.causes.find((cause) => cause.what.startsWith(what))?.id ?? "";

describe("dead-letters list", () => {
  test("groups by cause, the largest first, and names whose it is", async () => {
    await sync("backfill");
    await failOldest(7, (n) => `HTTP 503 from https://crm.internal/contacts/${n}`, "crm");
    await failOldest(2, "TypeError: Cannot read properties of undefined (reading 'email')", "crm");
    const { code, out } = await cli(["dead-letters", "list"], { isTerminal: true });
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toBe("9 dead letters from 2 causes");
    expect(lines[1]).toMatch(/^ {2}Cause {2,}Letters {2}Since {2,}Whose {2,}What$/);
    expect(lines[2]).toMatch(/^ {2}[0-9a-f]{4} {2,}7 {2}\d+ s ago {2,}consumer crm {2}HTTP 503 from crm\.internal, 1 try each$/);
    expect(lines[3]).toMatch(
      /^ {2}[0-9a-f]{4} {2,}2 {2}\d+ s ago {2,}consumer crm {2}TypeError: Cannot read properties of undefined \(reading 'email'\), 1 try each$/,
    );
    expect(lines[4]).toMatch(/^When a cause is mended: npx mailfleet dead-letters replay --cause [0-9a-f]{4} --dry-run --config \S+$/);
    // The same causes have the same ids the next time.
    expect((await list()).causes.map(({ id }) => id)).toEqual([lines[2]?.slice(2, 6), lines[3]?.slice(2, 6)]);
  });

  test("says that nothing failed, as an empty list for programs", async () => {
    expect((await cli(["dead-letters", "list"])).out).toBe("Nothing failed.\n");
    expect(await list()).toMatchObject({ letters: 0, causes: [] });
  });

  test("reads thousands of letters page by page, also when all failed in the same millisecond", async () => {
    const count = 3_000;
    const pipeline = redis.pipeline();
    for (let n = 0; n < count; n++) {
      pipeline.hset(queue.toKey(`letter-${n}`), {
        name: "message.added",
        data: "{}",
        failedReason: `boom ${n}`,
        finishedOn: "1000",
        atm: "8",
      });
      pipeline.zadd(queue.toKey("failed"), 1_000, `letter-${n}`);
    }
    await pipeline.exec();
    const seen = new Set<string>();
    let pages = 0;
    for await (const page of (await openDeadLetters(queue, keys)).pages(2_000)) {
      pages++;
      for (const { id } of page) seen.add(id);
      expect(page.length).toBeLessThanOrEqual(500);
    }
    expect(seen.size).toBe(count);
    expect(pages).toBe(count / 500);
    expect(await list()).toMatchObject({ letters: count, causes: [{ letters: count, what: "boom (n)" }] });
  });

  test("what a consumer says steers no terminal and gives no secret away", async () => {
    await sync("backfill");
    await failOldest(1, "evil \u001b]0;x\u0007 \u202e \u009b2J client_secret=hunter2hunter2 Bearer abcdefghijk", "c\u001brm");
    const doc = await list();
    for (const args of [["list"], ["show", doc.causes[0]?.id ?? ""], ["show", (await queue.getJobs(["failed"]))[0]?.id ?? ""]]) {
      for (const run of [
        await cli(["dead-letters", ...args], { isTerminal: true }),
        await cli(["dead-letters", ...args]),
        await cli(["dead-letters", ...args, "--json"]),
      ]) {
        expect(run.code).toBe(0);
        // oxlint-disable-next-line no-control-regex -- controls are the point
        expect(run.out + run.err).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]|hunter2|abcdefghijk/);
      }
    }
  });
});

describe("dead-letters replay and discard", () => {
  test("act on exactly what was listed: letters that came later, and those that failed anew, are left alone", async () => {
    await sync("backfill");
    const all = truth().length;
    await failOldest(3, "HTTP 503");
    const listed = await list();
    const cause = idOf(listed, "HTTP 503");
    const [late] = await failOldest(1, "HTTP 503");

    const dry = await cli(["dead-letters", "replay", "--cause", cause, "--dry-run"]);
    expect(dry.out).toMatch(
      /^3 letters of cause [0-9a-f]{4}, as listed at \d\d:\d\d:\d\d\.\n3 letters would get fresh attempts\.\nNothing was changed; without --dry-run it will be\.\n$/,
    );
    expect(await counts()).toEqual({ waiting: all - 4, failed: 4 });

    expect(await cliJson("dead-letters", "replay", "--cause", cause)).toMatchObject({
      code: 0,
      doc: { selected: 3, done: 3, gone: 0, moved: 0 },
    });
    expect((await queue.getJobs(["failed"])).map(({ id }) => id)).toEqual([late]);
    // Twice does nothing more, and a letter that fails again is another one.
    expect(await cliJson("dead-letters", "replay", "--cause", cause)).toMatchObject({ code: 0, doc: { done: 0, moved: 3 } });
    await failOldest(all - 1, "HTTP 503");
    expect(await cliJson("dead-letters", "replay", "--cause", cause)).toMatchObject({ doc: { done: 0, moved: 3 } });
    expect(await counts()).toEqual({ waiting: 0, failed: all });
  });

  test("as of a moment act on what had failed by then, whatever was listed here before", async () => {
    await sync("backfill");
    await failOldest(1, "HTTP 503");
    const cause = idOf(await list(), "HTTP 503");
    const [counted] = (await failOldest(1, "HTTP 503")) as [string];
    const at = (await queue.getJob(counted))?.finishedOn ?? 0;
    await expect.poll(() => Date.now()).toBeGreaterThan(at);
    const [late] = await failOldest(1, "HTTP 503");
    const args = ["dead-letters", "replay", "--cause", cause, "--as-of", new Date(at).toISOString()];
    expect(await cliJson(...args)).toMatchObject({ code: 0, doc: { selected: 2, done: 2 } });
    expect((await queue.getJobs(["failed"])).map(({ id }) => id)).toEqual([late]);
    expect((await cli(["dead-letters", "replay", "--all", "--as-of", "noon"])).err).toContain("--as-of is noon; expected a moment");
    expect((await cli(["dead-letters", "replay", late ?? "", "--as-of", "1h"])).code).toBe(2);
  });

  test("a letter that was replayed has its attempts anew, and its data as it was", async () => {
    await sync("backfill");
    const [id] = (await failOldest(1, "boom")) as [string];
    const before = await queue.getJob(id);
    expect((await cli(["dead-letters", "replay", id])).out).toBe("1 letter named by key.\n✓ 1 letter got fresh attempts.\n");
    const after = await queue.getJob(id);
    expect(await after?.getState()).toBe("waiting");
    expect(after).toMatchObject({ attemptsMade: 0, data: before?.data as object });
    expect(after?.failedReason ?? undefined).toBeUndefined();
  });

  test("a discard asks for the number, and removes what it names and nothing else", async () => {
    await sync("backfill");
    const failed = await failOldest(3, "boom");
    const args = ["dead-letters", "discard", "--all"];
    const unasked = await cli(args);
    expect(unasked.code).toBe(2);
    expect(unasked.err).toContain("3 letters of all causes, as listed at");
    expect((await cli(args, { isTerminal: true, answer: "y" })).code).toBe(1);
    expect(await counts()).toMatchObject({ failed: 3 });

    // One of them is on its way again by then: it is somebody's message.
    await cli(["dead-letters", "replay", failed[0] ?? ""]);
    const { code, out } = await cli(args, { isTerminal: true, answer: "3" });
    expect(code).toBe(0);
    expect(out).toContain("✓ 2 letters were discarded; 1 moved on since it was listed, left alone.");
    expect(await counts()).toEqual({ waiting: truth().length - 2, failed: 0 });
    for (const id of failed.slice(1)) expect(await redis.keys(`${queue.toKey(id)}*`)).toEqual([]);
    expect(await cliJson(...args, "--yes")).toMatchObject({ code: 0, doc: { done: 0, gone: 2, moved: 1 } });

    // And it can be put back from what is stored.
    expect(await cliJson("replay", failed[1] ?? "")).toMatchObject({ code: 0, doc: { outcomes: { added: 1 } } });
  });

  test("what was discarded is put back once by the id that the discard said, under the keys it had", async () => {
    await sync("backfill");
    const failed = await failOldest(3, "boom");
    const { out } = await cli(["dead-letters", "discard", "--all", "--yes"]);
    const [, id = ""] = /put back: npx mailfleet dead-letters restore (\S+) --config \S+$/m.exec(out) ?? [];
    expect(await counts()).toEqual({ waiting: truth().length - 3, failed: 0 });
    expect(await cliJson("dead-letters", "restore", id)).toMatchObject({ code: 0, doc: { ok: true, selected: 3, putBack: 3, others: 0 } });
    const waiting = await queue.getJobs(["waiting"]);
    for (const key of failed) expect(waiting.find((job) => job.id === key)?.data).toMatchObject({ key, replayed: true });
    const again = await cli(["dead-letters", "restore", id]);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining(`No discard is called ${id}`)]);
    expect((await queue.getJobs(["waiting"])).length).toBe(truth().length);
    // One that found nothing to discard is none, and leaves nothing behind.
    expect((await cliJson("dead-letters", "discard", "--all", "--yes")).doc).not.toHaveProperty("discarded");
    expect(await redis.keys(`${keys.discards.slice(0, -1)}*`)).toEqual([]);
  });

  test("exactly what a discard took is put back, and not what had moved on by then: a consumer has that already, or will", async () => {
    await sync("backfill");
    const [consumed, retried, ...discarded] = (await failOldest(4, "boom")) as [string, string, string, string];
    await list();
    await (await queue.getJob(consumed))?.remove();
    await (await queue.getJob(retried))?.retry();
    const { doc } = await cliJson("dead-letters", "discard", "--all", "--yes");
    expect(doc).toMatchObject({ selected: 4, done: 2, gone: 1, moved: 1 });
    const { discarded: id } = doc as { readonly discarded: string };
    expect((await redis.lrange(keys.discarded(id), 0, -1)).sort()).toEqual([...discarded].sort());
    // Consumed too, before the discard is taken back.
    await (await queue.getJob(retried))?.remove();
    expect(await cliJson("dead-letters", "restore", id)).toMatchObject({
      code: 0,
      doc: { ok: true, selected: 2, putBack: 2 },
    });
    const waiting = (await queue.getJobs(["waiting"])).map((job) => job.id);
    expect(waiting).toEqual(expect.arrayContaining(discarded));
    expect(waiting).not.toEqual(expect.arrayContaining([consumed]));
    expect(waiting).not.toEqual(expect.arrayContaining([retried]));
  });

  test("a discarded job leaves in Redis what BullMQ's own removal leaves", async () => {
    await sync("backfill");
    const [ours, theirs] = (await failOldest(2, "boom")) as [string, string];
    const left = async () => (await redis.keys(`${keys.bullPrefix}:messages*`)).filter((key) => !key.includes("/")).sort();
    await (await queue.getJob(theirs))?.remove();
    const after = await left();
    await cli(["dead-letters", "discard", ours, "--yes"]);
    expect(await left()).toEqual(after.filter((key) => !key.endsWith(":failed")));
  });

  test.each([
    [["replay"], "It is not said which letters"],
    [["discard", "--all", "--cause", "c7f2"], "Letters are named in more than one way"],
    [["replay", "--cause", "ffff"], "No cause of the last list is called ffff"],
    [["replay", "no-such-letter"], "no-such-letter is no dead letter"],
    [["show", "zzzz"], "No cause is called zzzz"],
    [["show", "contoso/a@b.example/INBOX/1.14/1"], "is no dead letter"],
  ])("dead-letters %j is exit 2", async (args, what) => {
    const { code, out, err } = await cli(["dead-letters", ...args]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(what);
  });
});

describe("dead-letters show", () => {
  test("says where a letter is from and why it failed, and keeps what people wrote to itself", async () => {
    await sync("backfill");
    const [id] = (await failOldest(1, "HTTP 503 from crm.internal for jane@contoso.example")) as [string];
    const event = (await queue.getJob(id))?.data as Extract<MailEvent, { type: "message.added" }>;
    const { out } = await cli(["dead-letters", "show", id], { isTerminal: true });
    expect(out).toContain(`message.added of ${event.folder.path}, UID ${event.uid}, ${address} (contoso)`);
    expect(out).toContain('Last error  "HTTP 503 from crm.internal for jane@contoso.example"');
    expect(out).not.toContain(event.message.subject);
    const shown = await cli(["dead-letters", "show", id, "--content"], { isTerminal: true });
    expect(shown.out).toContain(`Subject     ${event.message.subject ?? ""}`);
    const reveals = (await readFile(join(dataDir(), "reveals.jsonl"), "utf8")).trimEnd().split("\n");
    expect(reveals.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual([id]);
  });

  test("of a cause names its mailboxes and its first letters", async () => {
    await sync("backfill");
    const failed = await failOldest(12, "boom");
    const doc = await list();
    const { out } = await cli(["dead-letters", "show", doc.causes[0]?.id ?? ""], { isTerminal: true });
    expect(out).toContain(`12 of ${address} (contoso)`);
    expect(out).toContain(failed[0]);
    expect(out).toContain("and 2 more");
  });
});

describe("messages that were set aside", () => {
  test("are causes of their own, are read anew by a replay, and are then no dead letters any more", async () => {
    await sync("backfill");
    const uid = truth("INBOX")[4]?.uid as number;
    await setAside(uid);
    await queue.obliterate({ force: true });
    const listed = await list();
    expect(listed).toMatchObject({
      letters: 1,
      causes: [{ letters: 1, owner: { kind: "message" }, what: "could not be read as a message, quarantined" }],
    });
    const cause = listed.causes[0]?.id ?? "";
    // A key that the cause names is shown as well, although it is no job of the queue.
    const shown = (await cli(["dead-letters", "show", cause])).out;
    const key = /^ {2}Letters {2,}(\S+)$/m.exec(shown)?.[1] ?? "";
    const one = await cli(["dead-letters", "show", key, "--content"]);
    expect(one).toMatchObject({ code: 0 });
    expect(one.out).toContain(`message.quarantined of INBOX, ${address} (contoso), as listed at`);
    expect(one.out).toContain(`${cause}   could not be read as a message, quarantined`);
    expect(one.out).toContain(`npx mailfleet dead-letters replay ${key}`);
    expect(await cliJson("dead-letters", "show", key)).toMatchObject({
      code: 0,
      doc: { schema: "mailfleet.dead-letter/1", id: key, type: "message.quarantined", cause: { id: cause } },
    });
    expect((await cli(["dead-letters", "replay", "--cause", cause, "--dry-run"])).out).toContain(
      "1 message that was set aside would be read anew.",
    );
    expect((await cli(["dead-letters", "discard", "--cause", cause, "--yes"])).out).toContain(
      "1 message that was set aside stay as they are",
    );

    expect(await cliJson("dead-letters", "replay", "--cause", cause)).toMatchObject({
      code: 0,
      doc: { messages: { chosen: 1, readNow: 1, quarantined: 0 } },
    });
    expect(await events()).toMatchObject([{ type: "message.added", uid, replayed: true }]);
    // Twice: what waits is not doubled; what was consumed goes out again, which is said.
    expect(await cliJson("dead-letters", "replay", "--cause", cause)).toMatchObject({
      doc: { messages: { outcomes: { added: 0, waiting: 1 } } },
    });
    await queue.obliterate({ force: true });
    expect((await cli(["dead-letters", "replay", "--cause", cause])).out).toContain(
      "Once consumed, they go out again with every such replay",
    );
    expect(await list()).toMatchObject({ letters: 0 });
  });

  /** As if this version's parser had failed on a message that a later one can read. */
  async function setAside(uid: number): Promise<void> {
    const key = keys.checkpoints(mailboxId(mailbox));
    const [version, commit, ledger, ...rest] = ((await redis.hget(key, "INBOX")) ?? "").split("\n");
    const checkpoint = unpackCheckpoint(rest.join("\n")) as FolderCheckpoint;
    const one = uidSetOf([uid]);
    const changed = { ...checkpoint, handedOff: subtractUids(checkpoint.handedOff, one), quarantined: one };
    await redis.hset(key, "INBOX", [version, commit, ledger, packCheckpoint(changed)].join("\n"));
    await redis.hset(keys.mailbox(mailboxId(mailbox)), "q", "1");
    const place = { folder: "INBOX", generation: checkpoint.generation, uidValidity: checkpoint.uidValidity };
    for await (const entry of ports.blobs.readIndex(mailbox, place)) {
      if (entry.uid !== uid) continue;
      const batch = ports.blobs.startBatch(mailbox);
      batch.note({ ...place, role: "inbox" }, { ...entry, quarantine: "MESSAGE_UNPARSEABLE" });
      await batch.flush();
      return;
    }
  }
});
