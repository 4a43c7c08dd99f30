import { limits, syncError } from "@mailfleet/core";
import { syncMailbox } from "@mailfleet/engine";
import { afterEach, describe, expect, test } from "vitest";
import { type Fault, withholding, withMethod } from "./session-faults.ts";
import {
  address,
  events,
  keyOf,
  keys,
  mailbox,
  never,
  noFault,
  ports,
  queue,
  record,
  redis,
  sandbox,
  sync,
  truth,
  world,
  setUpSyncBench,
  calm,
} from "./sync-bench.ts";

setUpSyncBench();

describe("a server that withholds", () => {
  test("a message that is listed and not delivered is asked for again, then quarantined, and holds up nothing", async () => {
    const [victim] = truth("INBOX");
    world.fault = withholding("INBOX", new Set([victim?.uid ?? 0]));
    await sync("backfill");
    expect((await record())?.ledger).toMatchObject({ handedOff: truth().length - 1, quarantined: 0, toDo: 1 });
    for (let tries = 2; tries <= limits.unfetchableTries; tries++) {
      world.clockOffset += limits.unfetchableRetryMs + 1;
      await sync("fresh");
    }
    const quarantined = (await events()).filter((event) => event.type === "message.quarantined");
    expect(quarantined).toMatchObject([{ uid: victim?.uid, quarantine: { code: "MESSAGE_UNFETCHABLE" } }]);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, quarantined: 1, toDo: 0 });
  });

  test("a message that is delivered at the second try is handed off once", async () => {
    const [victim] = truth("INBOX");
    world.fault = withholding("INBOX", new Set([victim?.uid ?? 0]));
    await sync("backfill");
    world.fault = noFault;
    world.clockOffset += limits.unfetchableRetryMs + 1;
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
    world.fault = withMethod("describe", (session) => (uids) => {
      if (uids.includes(uid)) sandbox.expunge(address, "Archive", [uid]);
      return session.describe(uids);
    });
    await sync("backfill");
    expect((await record())?.ledger).toEqual({ listed: truth().length, handedOff: truth().length, excluded: 0, quarantined: 0, toDo: 0 });
  });

  test("a listing that was cut short is found by the comparison at the end of the history", async () => {
    const [victim] = truth("INBOX");
    let lies = 1;
    world.fault = withMethod("listUids", (session) => async (low, high) => {
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
    const whole = withMethod(
      "fetch",
      (session) =>
        async function* (uids) {
          for await (const messages of session.fetch(uids)) {
            if (messages.some(({ uid }) => uid === victim?.uid)) throw broken;
            yield messages;
          }
        },
    );
    const inPieces = withMethod(
      "fetchStream",
      (session) => (uid) => (uid === victim?.uid ? Promise.reject(broken) : session.fetchStream(uid)),
    );
    world.fault = (session) => inPieces(whole(session));
    for (let session = 0; session < 12; session++) {
      await sync("backfill");
      world.clockOffset += limits.unfetchableRetryMs + 1;
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
      world.fault = refusing(method, "INBOX");
      const outcome = await sync("backfill");
      expect(outcome).toMatchObject({ kind: "failed", failure: { code: "COMMAND_REFUSED" } });
      expect((await events()).filter((event) => event.type === "message.added")).toHaveLength(others());
      expect(await record()).toMatchObject({ cause: { code: "COMMAND_REFUSED", state: "waiting" } });
      world.fault = noFault;
      await sync("backfill");
      expect((await record())?.cause).toBeUndefined();
      expect((await record())?.ledger).toMatchObject({ handedOff: truth().length, toDo: 0 });
    },
  );

  test("that a rule leaves out stops nothing, though it cannot even be counted", async () => {
    world.fault = refusing("status", "Junk Email");
    await sync("backfill", { ...calm, folders: { include: ["*"], exclude: ["Junk*"] } });
    expect(await events()).toHaveLength(truth().length - truth("Junk Email").length);
  });

  test("whose STATUS and EXAMINE disagree is left out of the session, not asked without end", async () => {
    let asked = 0;
    world.fault = withMethod("open", (session) => async (path) => {
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
  const unlisted = withMethod(
    "listUids",
    (session) => async (low, high) => (await session.listUids(low, high)).filter((uid) => !hidden.includes(uid)),
  );
  const unfetched = withMethod(
    "fetchFlags",
    (session) => async (low, high, since) => (await session.fetchFlags(low, high, since)).filter(({ uid }) => !hidden.includes(uid)),
  );
  world.fault = (session) => unlisted(unfetched(session));
  await sync("fresh");
  expect(await events()).toHaveLength(3);
  world.fault = unfetched;
  await sync("fresh");
  expect(await events()).toHaveLength(3);
  world.clockOffset += limits.recheckMs + 1;
  await sync("fresh");
  expect((await events()).map(keyOf)).toEqual(uids.map((uid) => `INBOX ${uid}`));
  for (let tries = 0; tries < limits.recheckTries; tries++) {
    world.clockOffset += limits.recheckMs * limits.recheckTries;
    await sync("fresh");
  }
  expect((await ports.store.load(mailbox)).folders.get("INBOX")?.checkpoint?.recheck).toBeUndefined();
  sandbox.expunge(address, "INBOX", uids);
});

test("new mail that one listing left out and the server counts is handed off in the same session", async () => {
  await sync("backfill");
  await queue.obliterate({ force: true });
  const uids = Array.from({ length: 3 }, (_, n) => sandbox.deliver(address, "INBOX", Buffer.from(`Subject: ${n}\r\n\r\nx\r\n`)));
  world.fault = withMethod(
    "listUids",
    (session) => async (low, high) => (await session.listUids(low, high)).filter((uid) => uid !== uids[1]),
  );
  await sync("fresh");
  expect((await events()).map(keyOf).sort()).toEqual(uids.map((uid) => `INBOX ${uid}`));
  sandbox.expunge(address, "INBOX", uids);
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
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    const { cause } = (await record()) ?? {};
    expect(cause?.state).toBe("waiting");
    expect((cause?.nextAt ?? 0) - Date.now()).toBeGreaterThan(100_000);
    expect(await redis.exists(keys.lease("contoso/support@contoso.example"))).toBe(0);
  });
});
