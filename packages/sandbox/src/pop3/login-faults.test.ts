import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestBench, support, xoauth2 } from "../sandbox.fixture.ts";
import { greeted, loggedIn, login, RawPop3 } from "./pop3.fixture.ts";

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.start();
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const other = "sales@contoso.example";
const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add(fault);
const okay = "+OK User successfully authenticated.";
const failed = "-ERR Authentication failure: unknown user name or bad password.";

describe("a login with a good token", () => {
  test.each([
    ["auth-no", failed],
    [
      "auth-no-hint",
      `${failed} [Error="AuthFailed:LogonDenied-None-OAuthLog:AuthExc_Auth Failed" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]`,
    ],
    ["auth-no-not-connected", "-ERR User is authenticated but not connected."],
    ["auth-unavailable", "-ERR Server Unavailable. 21"],
    ["auth-logon-failure", "-ERR Logon failure: unknown user name or bad password."],
  ])("is refused by %s where it was ordered, and nowhere else", async (name, answer) => {
    order({ name, mailbox: support });
    expect((await login(bench)).answer).toBe(answer);
    expect((await login(bench, other)).answer).toBe(okay);
  });

  test("is refused with its own words by auth-echo", async () => {
    order({ name: "auth-echo", mailbox: support });
    const { answer } = await login(bench);
    expect(Buffer.from(answer?.split(" ").at(-1) ?? "", "base64").toString()).toMatch(/^user=support@contoso.example\u0001auth=Bearer eyJ/);
  });

  test("is refused over the one protocol that is switched off, and let in over the other", async () => {
    order({ name: "protocol-disabled", mailbox: support, protocol: "pop3" });
    order({ name: "protocol-disabled", mailbox: other, protocol: "imap" });
    expect((await login(bench)).answer).toBe(failed);
    expect((await bench.login()).answer).toBe("L OK AUTHENTICATE completed.");
    const { raw } = await login(bench, other);
    expect(await raw.ask("STAT")).toMatch(/^\+OK /);
    order({ name: "auth-no", protocol: "imap" });
    expect((await login(bench, other)).answer).toBe(okay);
  });

  test("is challenged with JSON, and refused after an empty line; anything else is an unknown command", async () => {
    order({ name: "auth-challenge", mailbox: support });
    for (const [line, answer] of [
      ["", failed],
      ["NOOP", "-ERR Protocol error. 19"],
    ]) {
      const raw = await greeted(bench);
      await raw.ask("AUTH XOAUTH2");
      const challenge = (await raw.ask(xoauth2(support, await bench.token("contoso")))) ?? "";
      expect(JSON.parse(Buffer.from(challenge.slice(2), "base64").toString())).toMatchObject({ status: "401" });
      expect(await raw.ask(line ?? "")).toBe(answer);
    }
  });

  test("is refused where there are as many connections as may be, whichever protocol they speak, in each of the forms", async () => {
    const crowded = bench.tenant("contoso").addresses[5] ?? "";
    const first = await bench.loggedIn(crowded);
    for (const [form, answer] of [
      ["no", failed],
      ["no-not-connected", "-ERR User is authenticated but not connected."],
      ["too-many", "-ERR Too many simultaneous connections."],
    ] as const) {
      order({ name: "connection-cap", mailbox: crowded, params: { count: 1, form } });
      expect((await login(bench, crowded)).answer).toBe(answer);
      bench.sandbox.faults.clear();
    }
    order({ name: "connection-cap", mailbox: crowded, params: { count: 1, form: "not-connected" } });
    const second = await login(bench, crowded);
    expect([second.answer, await second.raw.ask("STAT")]).toEqual([okay, "-ERR User is authenticated but not connected."]);
    await first.ask("z LOGOUT");
    expect(await (await loggedIn(bench, crowded)).ask("STAT")).toMatch(/^\+OK /);
  });

  test("takes its time", async () => {
    order({ name: "login-slow", mailbox: support, params: { ms: 120 } });
    const from = performance.now();
    expect((await login(bench)).answer).toBe(okay);
    expect(performance.now() - from).toBeGreaterThan(110);
  });

  test("ends the connection when it was refused for the third time", async () => {
    order({ name: "auth-no", mailbox: support });
    const raw = await greeted(bench);
    const blob = xoauth2(support, await bench.token("contoso"));
    for (let n = 0; n < 2; n++) {
      await raw.ask("AUTH XOAUTH2");
      expect(await raw.ask(blob)).toBe(failed);
    }
    await raw.ask("AUTH XOAUTH2");
    raw.send(blob);
    expect(await raw.rest()).toBe(`${failed}\r\nConnection is closed. 21\r\n`);
  });

  test("that is given up is refused", async () => {
    const raw = await greeted(bench);
    await raw.ask("AUTH XOAUTH2");
    expect(await raw.ask("*")).toBe(failed);
  });
});

describe("throttle", () => {
  test("refuses logins and commands with the wait that was ordered, and with a last line", async () => {
    const raw = await loggedIn(bench);
    const refused = bench.sandbox.counters.mailboxes.get(support)?.refused ?? 0;
    order({ name: "throttle", mailbox: support, params: { hintMs: 299_910 } });
    const line = "-ERR Request is throttled. Suggested Backoff Time: 299910 milliseconds";
    expect((await login(bench)).answer).toBe(line);
    // Not a mistake of the client: it may be refused as often as it asks.
    for (let n = 0; n < 4; n++) expect(await raw.ask("STAT")).toBe(line);
    expect(bench.sandbox.counters.mailboxes.get(support)?.refused).toBe(refused + 5);
    expect(await raw.ask("QUIT")).toMatch(/^\+OK /);
    bench.sandbox.faults.clear();
    const next = await loggedIn(bench);
    order({ name: "throttle", protocol: "pop3", params: { hintMs: 1_000, bye: true, at: "command" } });
    next.send("STAT");
    expect(await next.rest()).toBe("-ERR Request is throttled. Suggested Backoff Time: 1000 milliseconds\r\nConnection is closed. 21\r\n");
  });

  test("a budget is one for both protocols, and counts what is brought", async () => {
    const mailbox = bench.tenant("contoso").addresses[6] ?? "";
    bench.sandbox.deliver(mailbox, "INBOX", Buffer.from("Subject: s\r\n\r\n0123456789\r\n"));
    const costs = { loginMs: 0, statusMs: 0, fetchMs: 100, messageMs: 0, kilobyteMs: 0 };
    order({
      name: "budget",
      mailbox,
      params: { ...costs, burstMs: 150, rechargeMsPerSecond: 0, delayBelowMs: 0, hintMs: 60_000, virtual: true },
    });
    const raw = await loggedIn(bench, mailbox);
    const [, number] = /^\+OK ([0-9]+)/.exec((await raw.ask("STAT")) ?? "") ?? [];
    const before = { ...bench.sandbox.counters.mailboxes.get(mailbox) };
    await raw.message(`RETR ${number ?? ""}`);
    await raw.lines(`TOP ${number ?? ""} 0`);
    expect(await raw.ask("STAT")).toMatch(/^-ERR Request is throttled/);
    expect((await bench.login(mailbox)).answer).toMatch(/^L NO Request is throttled/);
    const after = bench.sandbox.counters.mailboxes.get(mailbox);
    expect((after?.grantedMs ?? 0) - (before.grantedMs ?? 0)).toBe(200);
    expect((after?.bodies ?? 0) - (before.bodies ?? 0)).toBe(1);
    expect((after?.bodyBytes ?? 0) - (before.bodyBytes ?? 0)).toBe(26);
  });

  test("slow answers come late", async () => {
    const raw = await loggedIn(bench);
    order({ name: "slow", mailbox: support, params: { ms: 100, verb: "STAT" } });
    const from = performance.now();
    await raw.ask("STAT");
    expect(performance.now() - from).toBeGreaterThan(90);
  });
});

describe("a password", () => {
  test("is refused in one of three ways", async () => {
    const refusals: (string | undefined)[] = [];
    for (const form of [undefined, "disabled", "blocked"]) {
      bench.sandbox.faults.clear();
      if (form !== undefined) order({ name: "basic-blocked", tenant: "contoso", params: { form } });
      const raw = await greeted(bench);
      await raw.ask(`USER ${support}`);
      refusals.push(await raw.ask("PASS secret"));
    }
    expect(refusals).toEqual([
      "-ERR Logon failure: unknown user name or bad password.",
      "-ERR Basic authentication is disabled",
      '-ERR Logon failure: unknown user name or bad password. [Error="AuthFailed:LogonDenied-BasicAuthBlocked"]',
    ]);
  });
});

describe("before a login", () => {
  test("the greeting comes late, or never, over this protocol alone", async () => {
    order({ name: "greeting-late", protocol: "pop3", params: { ms: 120 }, times: 1 });
    const from = performance.now();
    expect(await bench.raw().line()).toMatch(/^\* OK /);
    expect(await new RawPop3(bench).line()).toMatch(/^\+OK /);
    expect(performance.now() - from).toBeGreaterThan(110);
    order({ name: "greeting-none", times: 1 });
    expect(await new RawPop3(bench).lineWithin(150)).toBeUndefined();
    expect(await new RawPop3(bench).line()).toMatch(/^\+OK /);
  });

  test("the connection is closed or reset, after TLS or before", async () => {
    for (const at of ["tls", "tcp"]) {
      for (const reset of [false, true]) {
        order({ name: "close-after-connect", protocol: "pop3", params: { at, reset }, times: 1 });
        const raw = new RawPop3(bench);
        expect(await raw.rest()).toBe("");
        expect(await raw.ended).toMatch(at === "tls" && !reset ? /^end$/ : /^(ECONNRESET|end)$/);
      }
    }
  });

  test("the certificate is one that must not be trusted, over this protocol alone", async () => {
    for (const [certificate, code] of [
      ["expired", "CERT_HAS_EXPIRED"],
      ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
      ["wrong-name", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ] as const) {
      order({ name: "pop3-certificate", params: { certificate }, times: 1 });
      expect(await bench.raw().line()).toMatch(/^\* OK /);
      expect(await new RawPop3(bench).ended).toBe(code);
    }
  });

  test("CAPA offers what was ordered", async () => {
    order({ name: "pop-pipelining" });
    expect(await (await greeted(bench)).lines("CAPA")).toEqual(["TOP", "UIDL", "SASL PLAIN XOAUTH2", "USER", "PIPELINING"]);
    bench.sandbox.faults.clear();
    order({ name: "pop-capabilities", mailbox: support, params: { without: "TOP SASL", also: "RESP-CODES IMPLEMENTATION" } });
    expect(await (await loggedIn(bench)).lines("CAPA")).toEqual(["UIDL", "USER", "RESP-CODES", "IMPLEMENTATION"]);
    expect(await (await loggedIn(bench, other)).lines("CAPA")).toContain("TOP");
  });
});
