import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestBench, support, xoauth2 } from "../sandbox.fixture.ts";

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

describe("a login with a good token", () => {
  test.each([
    ["auth-no", "L NO AUTHENTICATE failed."],
    [
      "auth-no-hint",
      'L NO AUTHENTICATE failed. [Error="AuthFailed:LogonDenied-None-OAuthLog:AuthExc_Auth Failed" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]',
    ],
    ["auth-no-not-connected", "L NO User is authenticated but not connected."],
    ["auth-unavailable", "L NO Server Unavailable. 15"],
  ])("is refused by %s where it was ordered, and nowhere else", async (name, answer) => {
    order({ name, mailbox: support });
    expect((await bench.login()).answer).toBe(answer);
    expect((await bench.login(other)).answer).toBe("L OK AUTHENTICATE completed.");
  });

  test("is refused with its own words by auth-echo", async () => {
    order({ name: "auth-echo", mailbox: support });
    const { answer } = await bench.login();
    const said = Buffer.from(answer.split(" ").at(-1) ?? "", "base64").toString();
    expect(said).toMatch(/^user=support@contoso.example\u0001auth=Bearer eyJ/);
  });

  test("is answered OK and not connected, until the third command closes the session", async () => {
    order({ name: "auth-not-connected", mailbox: support });
    const { raw, answer } = await bench.login();
    expect(answer).toBe("L OK AUTHENTICATE completed.");
    expect((await raw.ask("a CAPABILITY")).at(-1)).toBe("a OK CAPABILITY completed.");
    for (const tag of ["b", "c", "d"])
      expect(await raw.ask(`${tag} NAMESPACE`)).toEqual([`${tag} BAD User is authenticated but not connected.`]);
    expect(await raw.rest()).toEqual(["* BYE Connection closed. 14"]);
  });

  test("is answered OK and not connected where IMAP is switched off, and not where only POP3 is", async () => {
    order({ name: "protocol-disabled", mailbox: support, protocol: "imap" });
    order({ name: "protocol-disabled", mailbox: other, protocol: "pop3" });
    const off = await bench.login();
    expect(off.answer).toBe("L OK AUTHENTICATE completed.");
    expect(await off.raw.ask("a NAMESPACE")).toEqual(["a BAD User is authenticated but not connected."]);
    expect((await (await bench.login(other)).raw.ask("a NAMESPACE")).at(-1)).toBe("a OK NAMESPACE completed.");
  });

  test("is let in when a grant has spread", async () => {
    order({ name: "auth-no", tenant: "contoso", forMs: 1_500 });
    expect((await bench.login()).answer).toBe("L NO AUTHENTICATE failed.");
    await expect.poll(async () => (await bench.login()).answer).toBe("L OK AUTHENTICATE completed.");
  });

  test("is challenged with JSON, and refused after an empty line; anything else is a bad command", async () => {
    order({ name: "auth-challenge", mailbox: support });
    for (const [line, answer] of [
      ["", "a NO AUTHENTICATE failed."],
      ["b NOOP", "a BAD Command Error. 12"],
    ]) {
      const raw = bench.raw();
      await raw.line();
      raw.send(`a AUTHENTICATE XOAUTH2 ${xoauth2(support, await bench.token("contoso"))}`);
      const challenge = (await raw.line()) ?? "";
      expect(challenge).toMatch(/^\+ [A-Za-z0-9+/=]+$/);
      expect(JSON.parse(Buffer.from(challenge.slice(2), "base64").toString())).toMatchObject({ status: "401" });
      raw.send(line ?? "");
      expect(await raw.line()).toBe(answer);
    }
  });

  test("is refused where there are as many connections as may be, in each of the forms, and let in when one has gone", async () => {
    const crowded = bench.tenant("contoso").addresses[5] ?? "";
    const first = await bench.loggedIn(crowded);
    for (const [form, answer] of [
      ["no", "L NO AUTHENTICATE failed."],
      ["no-not-connected", "L NO User is authenticated but not connected."],
      ["too-many", "L NO Too many simultaneous connections."],
    ] as const) {
      order({ name: "connection-cap", mailbox: crowded, params: { count: 1, form } });
      expect((await bench.login(crowded)).answer).toBe(answer);
      bench.sandbox.faults.clear();
    }
    order({ name: "connection-cap", mailbox: crowded, params: { count: 1, form: "not-connected" } });
    const second = await bench.login(crowded);
    expect(second.answer).toBe("L OK AUTHENTICATE completed.");
    expect(await second.raw.ask("a NAMESPACE")).toEqual(["a BAD User is authenticated but not connected."]);
    expect((await bench.login(other)).answer).toBe("L OK AUTHENTICATE completed.");
    await first.ask("z LOGOUT");
    const third = await bench.login(crowded);
    expect((await third.raw.ask("a NAMESPACE")).at(-1)).toBe("a OK NAMESPACE completed.");
  });

  test("may count the connections of the whole tenant", async () => {
    await bench.loggedIn(other);
    order({ name: "connection-cap", tenant: "contoso", params: { count: 1, per: "tenant" } });
    expect((await bench.login()).answer).toBe("L NO AUTHENTICATE failed.");
    const fabrikam = bench.tenant("fabrikam").addresses[0] ?? "";
    expect((await bench.login(fabrikam)).answer).toBe("L OK AUTHENTICATE completed.");
  });

  test("takes its time", async () => {
    order({ name: "login-slow", mailbox: support, params: { ms: 120 } });
    const from = performance.now();
    expect((await bench.login()).answer).toBe("L OK AUTHENTICATE completed.");
    expect(performance.now() - from).toBeGreaterThan(110);
  });
});

describe("a password", () => {
  test("is refused in one of three ways", async () => {
    const refusals: (string | undefined)[] = [];
    for (const form of [undefined, "disabled", "blocked"]) {
      bench.sandbox.faults.clear();
      if (form !== undefined) order({ name: "basic-blocked", tenant: "contoso", params: { form } });
      const raw = bench.raw();
      await raw.line();
      refusals.push((await raw.ask(`a LOGIN ${support} secret`)).at(-1));
      refusals.push((await raw.ask(`b AUTHENTICATE PLAIN ${Buffer.from(`\0${support}\0secret`).toString("base64")}`)).at(-1));
    }
    const hint = ' [Error="AuthFailed:LogonDenied-BasicAuthBlocked" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]';
    expect(refusals).toEqual([
      "a NO LOGIN failed.",
      "b NO AUTHENTICATE failed.",
      "a NO Basic authentication is disabled.",
      "b NO Basic authentication is disabled.",
      `a NO LOGIN failed.${hint}`,
      `b NO AUTHENTICATE failed.${hint}`,
    ]);
  });
});

describe("before a login", () => {
  test("the greeting comes late, or never", async () => {
    order({ name: "greeting-late", params: { ms: 120 }, times: 1 });
    const from = performance.now();
    expect(await bench.raw().line()).toMatch(/^\* OK /);
    expect(performance.now() - from).toBeGreaterThan(110);
    order({ name: "greeting-none", times: 1 });
    expect(await bench.raw().lineWithin(150)).toBeUndefined();
    expect(await bench.raw().line()).toMatch(/^\* OK /);
  });

  test("the connection is closed or reset, after TLS or before", async () => {
    for (const at of ["tls", "tcp"]) {
      for (const reset of [false, true]) {
        order({ name: "close-after-connect", params: { at, reset }, times: 1 });
        const raw = bench.raw();
        expect(await raw.rest()).toEqual([]);
        expect(await raw.ended).toMatch(at === "tls" && !reset ? /^end$/ : /^(ECONNRESET|end)$/);
      }
    }
  });
});
