import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestBench, support, xoauth2 } from "../sandbox.fixture.ts";
import type { RawConnection } from "../sandbox.fixture.ts";

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.start();
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const refusal = /^[a-z] (NO|BAD) Request is throttled\. Suggested Backoff Time: ([0-9]+) milliseconds$/;

async function login(): Promise<{ raw: RawConnection; answer: string | undefined }> {
  const raw = bench.raw();
  await raw.line();
  const lines = await raw.ask(`a AUTHENTICATE XOAUTH2 ${xoauth2(support, await bench.token("contoso"))}`);
  return { raw, answer: lines.at(-1) };
}

describe("throttle", () => {
  test("refuses commands and logins with the wait that was ordered", async () => {
    const raw = await bench.loggedIn();
    const before = bench.sandbox.counters.mailboxes.get(support)?.refused ?? 0;
    bench.sandbox.faults.add({ name: "throttle", mailbox: support, params: { hintMs: 299_910 } });
    expect((await login()).answer).toBe("a NO Request is throttled. Suggested Backoff Time: 299910 milliseconds");
    expect(await raw.ask("b NOOP")).toEqual(["b NO Request is throttled. Suggested Backoff Time: 299910 milliseconds"]);
    expect(bench.sandbox.counters.mailboxes.get(support)?.refused).toBe(before + 2);
    expect((await raw.ask("c LOGOUT")).at(-1)).toBe("c OK LOGOUT completed.");
  });

  test("strikes only logins or only commands, with BAD, with BYE", async () => {
    const raw = await bench.loggedIn();
    bench.sandbox.faults.add({ name: "throttle", tenant: "contoso", params: { at: "command", answer: "BAD", bye: true } });
    expect((await login()).answer).toBe("a OK AUTHENTICATE completed.");
    expect((await raw.ask("b EXAMINE INBOX")).at(-1)).toMatch(/^b BAD Request is throttled/);
    expect(await raw.line()).toBe("* BYE Connection closed. 14");
    expect(await raw.line()).toBeUndefined();
    bench.sandbox.faults.clear();
    bench.sandbox.faults.add({ name: "throttle", params: { at: "login", bye: true } });
    const next = await login();
    expect(next.answer).toMatch(/^a NO Request is throttled/);
    expect(await next.raw.line()).toBe("* BYE Connection closed. 14");
  });

  test("may start with the first strike and count down", async () => {
    const raw = await bench.loggedIn();
    bench.sandbox.faults.add({ name: "throttle", mailbox: support, params: { countsDown: true }, forMs: 600_000, fromFirst: true });
    const hints: number[] = [];
    for (const tag of ["b", "c"]) hints.push(Number(refusal.exec((await raw.ask(`${tag} NOOP`)).at(-1) ?? "")?.[2]));
    expect(hints[0]).toBeGreaterThan(540_000);
    expect(hints[1]).toBeGreaterThan(540_000);
    expect(hints[1]).toBeLessThanOrEqual(hints[0] as number);
  });
});

describe("budget", () => {
  test("slows a session down, refuses it, and is counted", async () => {
    bench.sandbox.faults.add({
      name: "budget",
      mailbox: support,
      params: {
        burstMs: 300,
        rechargeMsPerSecond: 0,
        delayBelowMs: 200,
        maxDelayMs: 100,
        hintMs: 250,
        virtual: true,
        selectMs: 0,
        loginMs: 0,
        fetchMs: 100,
        messageMs: 0,
        kilobyteMs: 0,
      },
    });
    const start = { ...bench.sandbox.counters.mailboxes.get(support) };
    const raw = await bench.loggedIn();
    const uid = bench.sandbox.deliver(support, "INBOX", Buffer.from("Subject: s\r\n\r\n0123456789\r\n"));
    await raw.ask("a EXAMINE INBOX");
    const tookMs: number[] = [];
    for (const tag of ["b", "c", "d"]) {
      const from = performance.now();
      expect((await raw.ask(`${tag} UID FETCH ${String(uid)} (BODY.PEEK[])`)).at(-1)).toBe(`${tag} OK FETCH completed.`);
      tookMs.push(performance.now() - from);
    }
    expect(tookMs[2]).toBeGreaterThan(45);
    const hint = Number(refusal.exec((await raw.ask("e NOOP")).at(-1) ?? "")?.[2]);
    expect(hint).toBe(250);
    const counters = bench.sandbox.counters.mailboxes.get(support);
    const grown = (name: "accepted" | "refused" | "grantedMs" | "delays" | "bodies" | "bodyBytes"): number =>
      (counters?.[name] ?? 0) - (start[name] ?? 0);
    expect(grown("accepted")).toBe(5);
    expect(grown("refused")).toBe(1);
    expect(grown("grantedMs")).toBe(300);
    expect(grown("delays")).toBe(1);
    expect(grown("bodies")).toBe(3);
    expect(grown("bodyBytes")).toBe(3 * 26);
    expect(counters?.mostSessions).toBeGreaterThanOrEqual(1);
    const tenant = bench.sandbox.counters.tenants.get("contoso");
    expect(tenant?.logins).toBeGreaterThanOrEqual(counters?.logins ?? 0);
    expect(tenant?.mostLoginsPerSecond).toBeGreaterThanOrEqual(1);
    expect(tenant?.mostSessions).toBeGreaterThanOrEqual(counters?.mostSessions ?? 0);
  });

  test("judges a client: who keeps within what is refilled is never refused, who goes on beyond it is", async () => {
    const cost = { loginMs: 0, selectMs: 0, fetchMs: 10, messageMs: 0, kilobyteMs: 0 };
    const params = { ...cost, burstMs: 100, rechargeMsPerSecond: 200, delayBelowMs: 0, hintMs: 60_000, virtual: true };
    bench.sandbox.faults.add({ name: "budget", tenant: "contoso", params });
    const run = async (mailbox: string, pauseMs: number) => {
      const raw = await bench.loggedIn(mailbox);
      await raw.ask("a EXAMINE INBOX");
      for (let n = 0; n < 30; n++) {
        await raw.ask("b UID FETCH 1:* (BODY.PEEK[HEADER])");
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      raw.close();
      const { accepted, refused, grantedMs } = bench.sandbox.counters.mailboxes.get(mailbox) ?? { accepted: 0, refused: 0, grantedMs: 0 };
      return { refusedShare: refused / (accepted + refused), grantedMs };
    };
    const [calm, hasty] = bench.tenant("contoso").addresses.slice(7, 9);
    // Whatever this machine does meanwhile, nothing comes back to the second one.
    bench.sandbox.faults.add({ name: "budget", mailbox: hasty ?? "", params: { ...params, rechargeMsPerSecond: 0 } });
    // 10 ms of server time each 60 ms are less than the 12 ms that come back.
    const [paced, hammering] = await Promise.all([run(calm ?? "", 60), run(hasty ?? "", 0)]);
    expect(paced).toEqual({ refusedShare: 0, grantedMs: 300 });
    // EXAMINE costs nothing and is let in; then ten FETCHes empty the account.
    expect(hammering.refusedShare).toBeCloseTo(20 / 32);
    expect(hammering.grantedMs).toBe(100);
  });
});
