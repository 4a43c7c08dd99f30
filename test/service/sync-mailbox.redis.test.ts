import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Queue } from "bullmq";
import { Redis } from "ioredis";
import { limits, type MailboxRef, type MailEvent, type MailSource, redisKeys, type RedisKeys, Secret, syncError } from "@mailfleet/core";
import { createFileStore } from "@mailfleet/blobs";
import { createByteBudget, type EnginePorts, syncMailbox, type SyncOutcome, type SyncSettings } from "@mailfleet/engine";
import { createKeyRing, createTokenSource, type EntraTokenSource } from "@mailfleet/entra";
import { createImapSource } from "@mailfleet/imap";
import { createMimeParser } from "@mailfleet/mime";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createFleetReader, createMailboxRegistry, createMailboxStore, createTokenCache, redisOptions } from "@mailfleet/store";
import { type Fault, withholding, withMethod } from "./session-faults.ts";
import { sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

let dir: string;
let sandbox: Sandbox;
let redis: Redis;
let mime: ReturnType<typeof createMimeParser>;
let tokens: EntraTokenSource;
let keys: RedisKeys;
let queue: Queue;
let ports: EnginePorts;
let clockOffset = 0;
let isDraining = false;
let fault: Fault = (session) => session;
const address = "support@contoso.example";
const mailbox: MailboxRef = { tenant: "contoso", address, protocol: "imap" };
const calm: SyncSettings = {
  pollMs: 1_000,
  backfill: true,
  folders: { include: ["*"], exclude: [] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-sync-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 2, messages: 300 }],
    trickle: 0,
    faults: false,
  });
  redis = new Redis(sharedRedisUrl());
  mime = createMimeParser({ threads: 1 });
});
afterAll(async () => {
  await mime.close();
  redis.disconnect();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  clockOffset = 0;
  isDraining = false;
  fault = (session) => session;
  keys = redisKeys(uniqueName("sync"));
  const { hostname, port } = new URL(sharedRedisUrl());
  queue = openMessagesQueue({ connection: redisOptions({ host: hostname, port: Number(port), db: 0, tls: false }), keys, log: silentLog });
  const clock = { ...systemClock, now: () => Date.now() + clockOffset };
  const ca = await readFile(sandbox.caFile, "utf8");
  const [tenant] = sandbox.tenants;
  tokens = createTokenSource({
    tenants: () => ({
      alias: "contoso",
      tenantId: tenant?.tenantId ?? "",
      clientId: tenant?.clientId ?? "",
      credential: { kind: "secret", secret: new Secret(sandbox.secretOf("contoso")) },
      authority: sandbox.authority,
      isCustomAuthority: true,
      scope: "https://outlook.office365.com/.default",
      caPem: ca,
      protocols: ["imap"],
    }),
    cache: createTokenCache(redis, keys),
    keyRing: () => createKeyRing([new Uint8Array(32)]),
    clock,
    chance: systemChance,
    log: silentLog,
    scrub: (text) => text,
  });
  const mail = createImapSource({ endpoint: () => ({ ...sandbox.imap, tls: true, ca }), log: silentLog, scrub: (text) => text, clock });
  const faulty: MailSource = { open: async (...args) => fault(await mail.open(...args)) };
  ports = {
    clock,
    chance: systemChance,
    log: silentLog,
    tokens,
    mail: faulty,
    blobs: createFileStore({ dir: join(dir, "blobs"), clock, chance: systemChance }),
    mime,
    store: createMailboxStore({ redis, keys, clock, chance: systemChance, log: silentLog, worker: "test" }),
    handOff: await createHandOff({ queue, keys, clock }),
    gate: { shouldYield: () => Promise.resolve(false), isDraining: () => isDraining },
    bytes: createByteBudget(64e6),
  };
  await createMailboxRegistry(redis, keys).register([mailbox], 0);
});
afterEach(async () => {
  await tokens.close();
  await queue.close();
});

const never = new AbortController().signal;
const sync = (lane: "fresh" | "backfill", settings = calm): Promise<SyncOutcome> => syncMailbox(ports, settings, mailbox, lane, never);
const events = async (): Promise<MailEvent[]> => (await queue.getJobs(["waiting"], 0, -1, true)).map((job) => job.data as MailEvent);
const record = async () => (await createFleetReader(redis, keys).mailboxes())[0];
const truth = (folder?: string) =>
  [...sandbox.truth()].filter((one) => one.address === address && one.isMail && (folder === undefined || one.folder === folder));
const keyOf = (event: MailEvent): string => ("uid" in event && "folder" in event ? `${event.folder.path} ${event.uid}` : event.key);

describe("one mailbox, once through", () => {
  test("first sight makes everything history; the backfill lane hands all of it off, newest first", async () => {
    expect(await sync("fresh")).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: 0 } });
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, toDo: truth().length, handedOff: 0 });

    expect(await sync("backfill")).toMatchObject({ kind: "done", hasHistory: false, counts: { handedOff: truth().length } });
    const all = await events();
    expect(all.map(keyOf).sort()).toEqual(
      truth()
        .map((one) => `${one.folder} ${one.uid}`)
        .sort(),
    );
    expect(all.every((event) => event.lane === "backfill")).toBe(true);
    const inbox = all.filter((event) => keyOf(event).startsWith("INBOX ")).map((event) => ("uid" in event ? event.uid : 0));
    expect(inbox).toEqual(inbox.toSorted((a, b) => b - a));
    expect((await record())?.ledger).toEqual({ listed: truth().length, handedOff: truth().length, excluded: 0, quarantined: 0, toDo: 0 });

    expect(await sync("backfill")).toMatchObject({ kind: "done", counts: { handedOff: 0, commits: 0 } });
    expect(await events()).toHaveLength(all.length);
  });

  test("a second pass over unchanged folders sends only LIST and STATUS after login", async () => {
    await sync("backfill");
    const before = new Map(sandbox.counters.commands);
    await sync("fresh");
    const sent = [...sandbox.counters.commands].filter(([verb, count]) => count !== before.get(verb)).map(([verb]) => verb.toUpperCase());
    for (const verb of ["EXAMINE", "SELECT", "UID SEARCH", "UID FETCH", "UID", "FETCH"]) expect(sent).not.toContain(verb);
    expect(sent).toContain("STATUS");
  });

  test("new mail is handed off in UID order, with the bytes that the server sends", async () => {
    await sync("backfill");
    await queue.obliterate({ force: true });
    const uids = ["one", "two", "three"].map((word) =>
      sandbox.deliver(address, "INBOX", Buffer.from(`Subject: ${word}\r\n\r\n${word}\r\n`)),
    );
    await sync("fresh");
    const handed = (await events()).filter((event) => event.type === "message.added");
    expect(handed.map((event) => [event.lane, event.uid, event.message.subject])).toEqual(
      uids.map((uid, i) => ["fresh", uid, ["one", "two", "three"][i]]),
    );
    for (const event of handed)
      expect(Buffer.from(await ports.blobs.read(event.raw)).equals(sandbox.bytes(address, "INBOX", event.uid))).toBe(true);
    sandbox.expunge(address, "INBOX", uids);
  });

  test("slices end at their bound and the next one goes on there", async () => {
    const small = { ...calm, slice: { messages: 40, bytes: 64e6, seconds: 20 } };
    const gate = { shouldYield: () => Promise.resolve(true), isDraining: () => false };
    const outcomes: SyncOutcome[] = [];
    do outcomes.push(await syncMailbox({ ...ports, gate }, small, mailbox, "backfill", never));
    while (outcomes.length < 100 && (await record())?.hasHistory);
    expect(outcomes.length).toBeGreaterThan(2);
    for (const outcome of outcomes) if (outcome.kind === "done") expect(outcome.counts.handedOff).toBeLessThanOrEqual(limits.batchMessages);
    expect(await events()).toHaveLength(truth().length);
  });
});

describe("rules and settings", () => {
  test("a folder that a rule leaves out is counted as excluded, and handed off once the rule is gone", async () => {
    const junk = truth("Junk Email").length;
    expect(junk).toBeGreaterThan(0);
    await sync("backfill", { ...calm, folders: { include: ["*"], exclude: ["Junk*"] } });
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, excluded: junk, handedOff: truth().length - junk, toDo: 0 });
    await sync("backfill");
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, excluded: 0, handedOff: truth().length });
    expect(new Set((await events()).map(keyOf)).size).toBe(truth().length);
  });

  test("without backfill only what comes later is handed off", async () => {
    const settings = { ...calm, backfill: false };
    expect(await sync("fresh", settings)).toMatchObject({ kind: "done", hasHistory: false });
    const uid = sandbox.deliver(address, "INBOX", Buffer.from("Subject: later\r\n\r\nx\r\n"));
    await sync("fresh", settings);
    expect((await events()).map(keyOf)).toEqual([`INBOX ${uid}`]);
    sandbox.expunge(address, "INBOX", [uid]);
  });
});

describe("a server that withholds", () => {
  test("a message that is listed and not delivered is asked for again, then quarantined, and holds up nothing", async () => {
    const [victim] = truth("INBOX");
    fault = withholding("INBOX", new Set([victim?.uid ?? 0]));
    await sync("backfill");
    expect((await record())?.ledger).toMatchObject({ handedOff: truth().length - 1, quarantined: 0, toDo: 1 });
    for (let tries = 2; tries <= limits.unfetchableTries; tries++) {
      clockOffset += limits.unfetchableRetryMs + 1;
      await sync("fresh");
    }
    const quarantined = (await events()).filter((event) => event.type === "message.quarantined");
    expect(quarantined).toMatchObject([{ uid: victim?.uid, quarantine: { code: "MESSAGE_UNFETCHABLE" } }]);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, quarantined: 1, toDo: 0 });
  });

  test("a message that is delivered at the second try is handed off once", async () => {
    const [victim] = truth("INBOX");
    fault = withholding("INBOX", new Set([victim?.uid ?? 0]));
    await sync("backfill");
    fault = (session) => session;
    clockOffset += limits.unfetchableRetryMs + 1;
    await sync("fresh");
    expect((await events()).map(keyOf).sort()).toEqual(
      truth()
        .map((one) => `${one.folder} ${one.uid}`)
        .sort(),
    );
    expect((await record())?.ledger).toMatchObject({ handedOff: truth().length, toDo: 0 });
  });

  test("a message that vanished between listing and fetch leaves the ledger", async () => {
    const uid = sandbox.deliver(address, "Archive", Buffer.from("Subject: gone\r\n\r\nx\r\n"));
    fault = withMethod("describe", (session) => (uids) => {
      if (uids.includes(uid)) sandbox.expunge(address, "Archive", [uid]);
      return session.describe(uids);
    });
    await sync("backfill");
    expect((await record())?.ledger).toEqual({ listed: truth().length, handedOff: truth().length, excluded: 0, quarantined: 0, toDo: 0 });
  });

  test("a listing that was cut short is found by the comparison at the end of the history", async () => {
    const [victim] = truth("INBOX");
    let lies = 1;
    fault = withMethod("listUids", (session) => async (low, high) => {
      const uids = await session.listUids(low, high);
      if (lies > 0 && uids.includes(victim?.uid ?? 0)) {
        lies--;
        return uids.filter((uid) => uid !== victim?.uid);
      }
      return uids;
    });
    await sync("backfill");
    expect((await events()).map(keyOf).filter((key) => key === `INBOX ${victim?.uid}`)).toHaveLength(1);
    expect((await record())?.ledger).toMatchObject({ handedOff: truth().length, toDo: 0 });
  });

  test("a message that breaks every session is found, set aside, and the rest is handed off", async () => {
    const victim = truth("INBOX").find((one) => truth().filter((other) => other.uid === one.uid).length === 1);
    expect(victim).toBeDefined();
    const broken = syncError("SESSION_CLOSED", "cut", { layer: "imap", phase: "fetch" });
    fault = withMethod(
      "fetch",
      (session) =>
        async function* (uids) {
          for await (const message of session.fetch(uids)) {
            if (message.uid === victim?.uid) throw broken;
            yield message;
          }
        },
    );
    for (let session = 0; session < 12; session++) {
      await sync("backfill");
      clockOffset += limits.unfetchableRetryMs + 1;
    }
    expect((await events()).filter((event) => event.type === "message.quarantined")).toMatchObject([{ uid: victim?.uid }]);
    expect((await record())?.ledger).toMatchObject({ handedOff: truth().length - 1, quarantined: 1, toDo: 0 });
  });
});

describe("a folder in trouble", () => {
  const refusing = (method: "status" | "open", folder: string): Fault =>
    withMethod(method, (session) => (path) => {
      if (path === folder) return Promise.reject(syncError("COMMAND_REFUSED", "no", { layer: "imap", phase: "command", folder }));
      return session[method](path);
    });
  const others = () => truth().length - truth("INBOX").length;

  test.each(["status", "open"] as const)(
    "stops no other folder, and the pass does not report success: %s of INBOX is refused",
    async (method) => {
      fault = refusing(method, "INBOX");
      const outcome = await sync("backfill");
      expect(outcome).toMatchObject({ kind: "failed", failure: { code: "COMMAND_REFUSED" } });
      expect((await events()).filter((event) => event.type === "message.added")).toHaveLength(others());
      expect(await record()).toMatchObject({ cause: { code: "COMMAND_REFUSED", state: "waiting" } });
      fault = (session) => session;
      await sync("backfill");
      expect((await record())?.cause).toBeUndefined();
      expect((await record())?.ledger).toMatchObject({ handedOff: truth().length, toDo: 0 });
    },
  );

  test("that a rule leaves out stops nothing, though it cannot even be counted", async () => {
    fault = refusing("status", "Junk Email");
    await sync("backfill", { ...calm, folders: { include: ["*"], exclude: ["Junk*"] } });
    expect(await events()).toHaveLength(truth().length - truth("Junk Email").length);
  });

  test("whose STATUS and EXAMINE disagree is left out of the session, not asked without end", async () => {
    let asked = 0;
    fault = withMethod("open", (session) => async (path) => {
      const status = await session.open(path);
      if (path !== "INBOX") return status;
      asked++;
      return { ...status, uidValidity: "1" };
    });
    await sync("backfill");
    expect(asked).toBe(1);
    expect(await events()).toHaveLength(others());
  });

  test("that is no longer synced owes nothing, and goes on where it was when it is synced again", async () => {
    const gate = { shouldYield: () => Promise.resolve(true), isDraining: () => false };
    const small = { ...calm, slice: { messages: 5, bytes: 64e6, seconds: 20 } };
    await syncMailbox({ ...ports, gate }, small, mailbox, "backfill", never);
    const done = (await events()).length;
    expect(done).toBe(5);
    await sync("backfill", { ...calm, folders: { include: ["*"], exclude: ["INBOX"] } });
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, excluded: truth("INBOX").length - done, toDo: 0 });
    await sync("backfill");
    expect((await record())?.ledger).toEqual({ listed: truth().length, handedOff: truth().length, excluded: 0, quarantined: 0, toDo: 0 });
    expect(new Set((await events()).map(keyOf)).size).toBe(truth().length);
  });
});

test("new mail that a listing left out is listed again and handed off", async () => {
  await sync("backfill");
  await queue.obliterate({ force: true });
  const uids = Array.from({ length: 5 }, (_, n) => sandbox.deliver(address, "INBOX", Buffer.from(`Subject: ${n}\r\n\r\nx\r\n`)));
  const hidden = uids.slice(3);
  fault = withMethod(
    "listUids",
    (session) => async (low, high) => (await session.listUids(low, high)).filter((uid) => !hidden.includes(uid)),
  );
  await sync("fresh");
  expect(await events()).toHaveLength(3);
  fault = (session) => session;
  await sync("fresh");
  expect(await events()).toHaveLength(3);
  clockOffset += limits.recheckMs + 1;
  await sync("fresh");
  expect((await events()).map(keyOf)).toEqual(uids.map((uid) => `INBOX ${uid}`));
  for (let tries = 0; tries < limits.recheckTries; tries++) {
    clockOffset += limits.recheckMs * limits.recheckTries;
    await sync("fresh");
  }
  expect((await ports.store.load(mailbox)).folders.get("INBOX")?.checkpoint?.recheck).toBeUndefined();
  sandbox.expunge(address, "INBOX", uids);
});

describe("a mailbox in motion", () => {
  test("a new UIDVALIDITY begins a new generation, says so once, and marks what is handed off again", async () => {
    await sync("backfill");
    await queue.obliterate({ force: true });
    sandbox.resetUidValidity(address, "Archive");
    await sync("fresh");
    await sync("backfill");
    const all = await events();
    expect(all.filter((event) => event.type === "folder.reset")).toMatchObject([{ folder: { path: "Archive" }, generation: 2 }]);
    const again = all.filter((event) => event.type === "message.added");
    expect(again).toHaveLength(truth("Archive").length);
    expect(again.every((event) => event.resync && event.key.includes("/2."))).toBe(true);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length, toDo: 0 });
  });

  test("new mail that is asked for during a backfill is served between two batches", async () => {
    let uid = 0;
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (uid === 0 && step.events.length > 0) {
        uid = sandbox.deliver(address, "INBOX", Buffer.from("Subject: urgent\r\n\r\nx\r\n"));
        expect(await ports.store.acquire(mailbox, "fresh")).toBeUndefined();
      }
      return ports.handOff.commit(step);
    };
    const settle: EnginePorts["handOff"]["settle"] = (lease, settlement) => ports.handOff.settle(lease, settlement);
    await syncMailbox(
      { ...ports, handOff: { commit, settle } },
      { ...calm, slice: { ...calm.slice, messages: 1_000 } },
      mailbox,
      "backfill",
      never,
    );
    const order = (await events()).map((event) => event.lane);
    expect(order.indexOf("fresh")).toBeGreaterThan(0);
    expect(order.indexOf("fresh")).toBeLessThan(order.length - 1);
    sandbox.expunge(address, "INBOX", [uid]);
  });

  test("a worker that drains ends at a batch border; the next session repeats nothing", async () => {
    let commits = 0;
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (step.events.length > 0 && ++commits === 1) isDraining = true;
      return ports.handOff.commit(step);
    };
    await syncMailbox({ ...ports, handOff: { ...ports.handOff, commit } }, calm, mailbox, "backfill", never);
    expect(commits).toBe(1);
    isDraining = false;
    await sync("backfill");
    expect((await events()).map(keyOf).sort()).toEqual(
      truth()
        .map((one) => `${one.folder} ${one.uid}`)
        .sort(),
    );
  });

  test("a session whose lease is taken away writes nothing more", async () => {
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (step.events.length > 0) await redis.set(keys.lease("contoso/support@contoso.example"), "999:other");
      return ports.handOff.commit(step);
    };
    const outcome = await syncMailbox({ ...ports, handOff: { ...ports.handOff, commit } }, calm, mailbox, "backfill", never);
    expect(outcome.kind).toBe("lease-lost");
    expect(await events()).toEqual([]);
    expect(await redis.get(keys.lease("contoso/support@contoso.example"))).toBe("999:other");
  });

  test("a checkpoint that cannot be read begins that folder again, and no other", async () => {
    await sync("backfill");
    await queue.obliterate({ force: true });
    const checkpoints = keys.checkpoints("contoso/support@contoso.example");
    const stored = (await redis.hget(checkpoints, "Archive")) ?? "";
    await redis.hset(checkpoints, "Archive", stored.replace(/\{.*/s, "{broken"));
    await sync("backfill");
    const again = await events();
    expect(again.map(keyOf).sort()).toEqual(
      truth("Archive")
        .map((one) => `Archive ${one.uid}`)
        .sort(),
    );
    expect(again.every((event) => "resync" in event && event.resync)).toBe(true);
  });
});

describe("a mailbox that is refused or throttled", () => {
  afterEach(() => {
    sandbox.setRefused(address, false);
    sandbox.setThrottled(address, 0);
  });

  test("is looked at again, then parked and told downstream once, and resumes by itself", async () => {
    sandbox.setRefused(address, true);
    const states: (string | undefined)[] = [];
    for (let tries = 0; tries < 5; tries++) {
      expect(await sync("fresh")).toMatchObject({ kind: "failed", failure: { code: "MAILBOX_ACCESS_DENIED" } });
      states.push((await record())?.cause?.state);
    }
    expect(states[0]).toBe("waiting");
    expect(states.at(-1)).toBe("parked");
    sandbox.setRefused(address, false);
    expect(await sync("fresh")).toMatchObject({ kind: "done" });
    expect((await record())?.cause).toBeUndefined();
    expect((await events()).map((event) => event.type)).toEqual(["mailbox.parked", "mailbox.resumed"]);
  });

  test("waits as long as the server asked for, and frees its lease at once", async () => {
    sandbox.setThrottled(address, Date.now() + 120_000);
    const startedAt = performance.now();
    expect(await sync("fresh")).toMatchObject({ kind: "failed", failure: { code: "SERVER_THROTTLED" } });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    const { cause } = (await record()) ?? {};
    expect(cause?.state).toBe("waiting");
    expect((cause?.nextAt ?? 0) - Date.now()).toBeGreaterThan(100_000);
    expect(await redis.exists(keys.lease("contoso/support@contoso.example"))).toBe(0);
  });
});
