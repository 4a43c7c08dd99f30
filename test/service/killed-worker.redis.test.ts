import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Commit, limits, mailboxId, syncError, uidSetOf } from "@mailfleet/core";
import { sharedRedisUrl } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PoisonedWorkerOptions } from "./poisoned-worker.ts";
import { withMethod } from "./session-faults.ts";
import { address, events, keys, mailbox, ports, redis, sandbox, sync, world, setUpSyncBench } from "./sync-bench.ts";

setUpSyncBench();

let blobsDir: string;
beforeAll(async () => {
  blobsDir = await mkdtemp(join(tmpdir(), "mailfleet-killed-"));
});
afterAll(async () => {
  await rm(blobsDir, { recursive: true, force: true });
});

const id = mailboxId(mailbox);
const noted = () => redis.hmget(keys.mailbox(id), "inHand", "suspects");
const poison = "X-Poison: yes";
const mail = (n: number, line = "X-Harmless: yes"): Buffer => Buffer.from(`Subject: m${n}\r\n${line}\r\n\r\nm${n}\r\n`);

/** Runs one session in a process of its own. @returns the signal that ended it, or null when it ended by itself */
async function runWorker(): Promise<NodeJS.Signals | null> {
  const [tenant] = sandbox.tenants;
  const options: PoisonedWorkerOptions = {
    redisUrl: sharedRedisUrl(),
    fleet: keys.bullPrefix.slice(1, -1),
    address,
    blobsDir,
    poison,
    tenant: { tenantId: tenant?.tenantId ?? "", clientId: tenant?.clientId ?? "", secret: sandbox.secretOf("contoso") },
    authority: sandbox.authority,
    imap: sandbox.imap,
    caFile: sandbox.caFile,
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, "poisoned-worker.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, by) => (code === 0 || by !== null ? resolve(by) : reject(new Error(`the worker ended with ${code}`))));
  });
  // As if its time had run out: nobody waits 30 s here.
  await redis.del(keys.lease(id));
  return signal;
}

let uids: number[] = [];
beforeEach(async () => {
  sandbox.expunge(address, "INBOX", uids);
  uids = [];
  await sync("backfill");
});
const handed = async () =>
  (await events()).flatMap((event) =>
    (event.type === "message.added" || event.type === "message.quarantined") && uids.includes(event.uid ?? 0) && event.lane === "fresh"
      ? [event]
      : [],
  );

describe("a message that kills its worker", () => {
  test("kills three, and is then set aside; all others are handed off in order", async () => {
    uids = Array.from({ length: 20 }, (_, n) => sandbox.deliver(address, "INBOX", mail(n, n === 7 ? poison : undefined)));
    const ends: (NodeJS.Signals | null)[] = [];
    do ends.push(await runWorker());
    while (ends.at(-1) !== null && ends.length < 8);
    expect(ends).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", null]);
    const all = await handed();
    expect(all.map((event) => event.uid)).toEqual(uids);
    const [victim, ...more] = all.filter((event) => event.type === "message.quarantined");
    expect(more).toEqual([]);
    expect(victim).toMatchObject({ uid: uids[7], quarantine: { code: "MESSAGE_KILLED_WORKER" }, raw: { size: mail(7, poison).length } });
    expect(await noted()).toEqual([null, null]);
  }, 60_000);

  test("alone in its batch from the start kills no more", async () => {
    uids = [sandbox.deliver(address, "INBOX", mail(0, poison))];
    const ends: (NodeJS.Signals | null)[] = [];
    do ends.push(await runWorker());
    while (ends.at(-1) !== null && ends.length < 8);
    expect(ends.filter((end) => end !== null)).toHaveLength(limits.killedWorkers);
    expect(await handed()).toMatchObject([{ type: "message.quarantined", quarantine: { code: "MESSAGE_KILLED_WORKER" } }]);
  }, 60_000);
});

describe("what is in hand", () => {
  test("is noted before it is parsed, and gone after the commit", async () => {
    const seen: unknown[] = [];
    uids = [sandbox.deliver(address, "INBOX", mail(0)), sandbox.deliver(address, "INBOX", mail(1))];
    const { mime, handOff } = ports;
    const afterCommit: unknown[] = [];
    Object.assign(ports, {
      handOff: {
        settle: handOff.settle.bind(handOff),
        commit: async (step: Commit) => {
          const result = await handOff.commit(step);
          afterCommit.push(await noted());
          return result;
        },
      },
      mime: {
        ...mime,
        name: mime.name,
        version: mime.version,
        parse: async (bytes: Uint8Array) => {
          seen.push(await noted());
          return mime.parse(bytes);
        },
      },
    });
    await sync("fresh");
    const inHand = JSON.stringify(["INBOX", 1, `${uids[0]}:${uids[1]}`, "together"]);
    expect(seen).toEqual([
      [inHand, null],
      [inHand, null],
    ]);
    expect(afterCommit).toEqual([[null, null]]);
    expect(await noted()).toEqual([null, null]);
  });

  test("makes suspects of a batch when the worker died, which are handed off one by one", async () => {
    uids = [0, 1, 2].map((n) => sandbox.deliver(address, "INBOX", mail(n)));
    const lease = await ports.store.acquire(mailbox, "fresh");
    if (!lease) throw new Error("no lease");
    expect(
      await ports.store.noteInHand(lease, {
        inHand: { folder: "INBOX", generation: 1, uids: uidSetOf(uids), step: "together" },
        suspects: [],
      }),
    ).toBe(true);
    lease.stop();
    await redis.del(keys.lease(id));
    expect(await ports.store.noteInHand(lease, { suspects: [] })).toBe(false);
    const asked: number[][] = [];
    world.fault = withMethod("fetch", (session) => (wanted) => {
      asked.push([...wanted]);
      return session.fetch(wanted);
    });
    expect(await sync("fresh")).toMatchObject({ kind: "done", counts: { handedOff: 3, commits: 3 } });
    expect(asked).toEqual(uids.map((uid) => [uid]));
    expect((await handed()).map((event) => event.uid)).toEqual(uids);
    expect(await noted()).toEqual([null, null]);
  });

  test("is put down by a session that ends without a death", async () => {
    uids = [sandbox.deliver(address, "INBOX", mail(0))];
    world.fault = withMethod("fetch", () => () => {
      throw syncError("SESSION_CLOSED", "cut", { layer: "imap", phase: "fetch" });
    });
    expect(await sync("fresh")).toMatchObject({ kind: "failed" });
    expect(await noted()).toEqual([null, null]);
    world.fault = (session) => session;
    await sync("fresh");
    expect(await handed()).toHaveLength(1);
    expect(await noted()).toEqual([null, null]);
  });
});
