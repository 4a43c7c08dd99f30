import { isSyncError, mailboxId, type MailSession } from "@mailfleet/core";
import { syncMailbox } from "@mailfleet/engine";
import { createMemorySignals } from "@mailfleet/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { address, calm, keys, mailbox, never, ports, record, redis, sandbox, setUpSyncBench, sync } from "./sync-bench.ts";

setUpSyncBench();
afterEach(() => sandbox.faults.clear());

/** imapflow would wait for five minutes at most inside the command, and a FETCH four times in a row: here 5 s at least. */
const atOnceMs = 4_500;

const commands: Readonly<Record<string, (session: MailSession) => Promise<unknown>>> = {
  LIST: (session) => session.listFolders(),
  STATUS: (session) => session.status("INBOX"),
  EXAMINE: (session) => session.open("INBOX"),
  SEARCH: (session) => session.listUids(1, 1_000),
  "FETCH of sizes": (session) => session.describe([1, 2, 3]),
  "FETCH of flags": (session) => session.fetchFlags(1, 1_000),
  "FETCH of headers": (session) => session.fetchHeaders([1, 2, 3]),
  "FETCH of messages": async (session) => {
    for await (const _ of session.fetch([1, 2, 3]));
  },
  "FETCH of a head": (session) => session.fetchHead(1, 1_000),
  "FETCH in pieces": (session) => session.fetchStream(1),
};

async function refusalOf(run: () => Promise<unknown>): Promise<{ code: string; hintMs: number | undefined; tookMs: number }> {
  const from = performance.now();
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const failure = isSyncError(error) ? error.failure : undefined;
  return { code: failure?.code ?? String(error), hintMs: failure?.facts.hintMs, tookMs: performance.now() - from };
}

describe("a command that is throttled comes back at once, with the server's wait, and the session is over", () => {
  const forms = [
    { hintMs: 5_000, answer: "NO", bye: false },
    { hintMs: 299_910, answer: "BAD", bye: true },
    { hintMs: 3_000_000, answer: "NO", bye: true },
  ];
  test.for(Object.entries(commands))("%s", async ([, run]) => {
    for (const params of forms) {
      const token = await ports.tokens.getToken("contoso");
      const session = await ports.mail.open(mailbox, token, never);
      await session.open("INBOX");
      sandbox.faults.add({ name: "throttle", mailbox: address, params: { ...params, at: "command" } });
      const { tookMs, ...refusal } = await refusalOf(() => run(session));
      expect(refusal).toEqual({ code: "SERVER_THROTTLED", hintMs: params.hintMs });
      expect(tookMs).toBeLessThan(atOnceMs);
      expect(await refusalOf(() => session.status("INBOX"))).toMatchObject({ code: "SERVER_THROTTLED" });
      await session.close();
      sandbox.faults.clear();
    }
  });

  test("a login", async () => {
    for (const params of forms) {
      sandbox.faults.add({ name: "throttle", mailbox: address, params: { ...params, at: "login" } });
      const token = await ports.tokens.getToken("contoso");
      const { tookMs, ...refusal } = await refusalOf(() => ports.mail.open(mailbox, token, never));
      expect(refusal).toEqual({ code: "SERVER_THROTTLED", hintMs: params.hintMs });
      expect(tookMs).toBeLessThan(atOnceMs);
      sandbox.faults.clear();
    }
  });
});

describe("a session", () => {
  test("that is throttled tells all workers, is due when the wait is over, and leaves a pace behind", async () => {
    const signals = createMemorySignals(ports.clock);
    sandbox.faults.add({ name: "throttle", mailbox: address, params: { hintMs: 600_000, at: "command", answer: "BAD", bye: true } });
    const outcome = await syncMailbox({ ...ports, signals }, calm, mailbox, "fresh", never);
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "SERVER_THROTTLED" } });
    expect(signals.announced).toMatchObject([{ mailbox: mailboxId(mailbox), code: "SERVER_THROTTLED" }]);
    expect(signals.announced[0]?.waitMs).toBeGreaterThanOrEqual(600_000);
    const { pace } = await ports.store.load(mailbox);
    expect(pace).toMatchObject({ sign: "hint", duty: 0.5 });
  });

  test("that hears of a wait ends at once, as no failure of its mailbox, and goes on after it", async () => {
    const signals = createMemorySignals(ports.clock);
    const told = { at: 0 };
    const commit: typeof ports.handOff.commit = async (step) => {
      const result = await ports.handOff.commit(step);
      if (told.at === 0) signals.announce(mailbox, 600_000, "SERVER_THROTTLED");
      told.at ||= performance.now();
      return result;
    };
    await sync("fresh");
    const outcome = await syncMailbox({ ...ports, signals, handOff: { ...ports.handOff, commit } }, calm, mailbox, "backfill", never);
    expect(outcome.kind).toBe("cut-short");
    expect(performance.now() - told.at).toBeLessThan(atOnceMs);
    expect((await record())?.cause).toBeUndefined();
    const now = Number((await redis.time())[0]) * 1_000;
    for (const lane of ["fresh", "backfill"] as const) {
      const due = Number(await redis.zscore(keys.due(lane, "contoso"), mailboxId(mailbox)));
      expect(Math.abs(due - now - 600_000)).toBeLessThan(10_000);
    }
  });

  test("with a server that never slows leaves no pace in Redis", async () => {
    await sync("backfill");
    expect(await redis.hexists(keys.mailbox(mailboxId(mailbox)), "pace")).toBe(0);
  });
});
