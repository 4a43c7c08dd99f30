import { Secret, type AccessToken, type SharedTokenCache } from "@mailfleet/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grant, json, refuse, tokenFor } from "./login-service.fixture.ts";
import type { EntraTokenSource } from "./token-source.ts";
import { canary, failureOf, openTokenFleet, type TokenFleet, until, valueOf } from "./token-fleet.fixture.ts";

const minute = 60_000;
let fleet: TokenFleet;

beforeAll(async () => {
  fleet = await openTokenFleet();
});
beforeEach(() => fleet.reset());
afterEach(() => fleet.closeSources());
afterAll(() => fleet.service.stop());

describe("renewal", () => {
  test("goes on in the background, while callers get the old token", async () => {
    const source = fleet.start();
    const old = valueOf(await source.getToken("contoso"));
    fleet.skippedMs += 54 * minute;
    const before = fleet.service.requests.length;
    expect(valueOf(await source.getToken("contoso"))).toBe(old);
    await until(() => source.stats().stored === 2);
    expect(fleet.service.requests.length).toBe(before + 1);
    expect(valueOf(await source.getToken("contoso"))).not.toBe(old);
    const next = fleet.start();
    expect(await fleet.requestsDuring(async () => expect(valueOf(await next.getToken("contoso"))).not.toBe(old))).toBe(0);
  });

  test.each([60, 300])("keeps tokens of %i s in use for most of their life", async (expiresIn) => {
    fleet.service.answer = grant(fleet.contoso(), { expiresIn });
    const source = fleet.start();
    const requests = await fleet.requestsDuring(async () => {
      for (let second = 0; second < expiresIn * 3; second += expiresIn / 20) {
        const token = await source.getToken("contoso");
        expect(token.expiresAt).toBeGreaterThan(fleet.clock.now());
        fleet.skippedMs += (expiresIn / 20) * 1000;
      }
    });
    // Three lives, each used for at least 55 %.
    expect(requests).toBeLessThanOrEqual(7);
  });

  test("that fails leaves the old token in use to its own end, and asks once per step of the backoff", async () => {
    const sources = Array.from({ length: 4 }, () => fleet.start());
    const old = valueOf(await (sources[0] as EntraTokenSource).getToken("contoso"));
    fleet.service.answer = (response) => void response.writeHead(503).end("<html>");
    fleet.skippedMs += 55 * minute + 30_000;
    const requests = await fleet.requestsDuring(async () => {
      for (let n = 0; n < 4 * 60; n++) {
        const tokens = await Promise.all(sources.map((source) => source.getToken("contoso")));
        expect(new Set(tokens.map(valueOf))).toEqual(new Set([old]));
        fleet.skippedMs += 1_000;
      }
    });
    // 2, 4, 8, 16, 32, 60 s and so on: at most nine steps fit into four minutes.
    expect(requests).toBeGreaterThan(3);
    expect(requests).toBeLessThanOrEqual(10);
    fleet.skippedMs += minute;
    const error = await failureOf((sources[1] as EntraTokenSource).getToken("contoso"));
    expect(error.failure).toMatchObject({ code: "ENTRA_UNAVAILABLE", scope: "tenant", facts: { httpStatus: 503 } });
    fleet.service.answer = grant(fleet.contoso());
    fleet.skippedMs += minute;
    expect(valueOf(await (sources[2] as EntraTokenSource).getToken("contoso"))).not.toBe(old);
  });
});

describe("a token that the mail server refused", () => {
  test("is replaced by one request for the whole fleet, and not given again", async () => {
    const sources = [fleet.start(), fleet.start()] as const;
    const [old] = await Promise.all(sources.map((source) => source.getToken("contoso")));
    const rejected = old as AccessToken;
    let tokens: AccessToken[] = [];
    const requests = await fleet.requestsDuring(async () => {
      tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => sources[n % 2 === 0 ? 0 : 1].getToken("contoso", { rejected })));
    });
    expect(requests).toBe(1);
    expect(new Set(tokens.map(valueOf)).size).toBe(1);
    expect(valueOf(tokens[0] as AccessToken)).not.toBe(valueOf(rejected));
    expect(valueOf(await sources[0].getToken("contoso"))).toBe(valueOf(tokens[0] as AccessToken));
  });

  test("is not given again when it can't be replaced", async () => {
    const source = fleet.start();
    const rejected = await source.getToken("contoso");
    fleet.service.answer = json(503, {});
    expect((await failureOf(source.getToken("contoso", { rejected }))).failure.code).toBe("ENTRA_UNAVAILABLE");
    expect((await failureOf(source.getToken("contoso"))).failure.code).toBe("ENTRA_UNAVAILABLE");
  });

  test("right after it was renewed for that reason is not renewed again for every mailbox, and others keep it", async () => {
    const source = fleet.start();
    let rejected = await source.getToken("contoso");
    rejected = await source.getToken("contoso", { rejected });
    const requests = await fleet.requestsDuring(async () => {
      for (let n = 0; n < 20; n++) {
        const error = await failureOf(source.getToken("contoso", { rejected }));
        expect(error.failure).toMatchObject({ code: "TOKEN_REJECTED", scope: "mailbox" });
      }
    });
    expect(requests).toBe(0);
    expect(valueOf(await source.getToken("contoso"))).toBe(valueOf(rejected));
    fleet.skippedMs += minute;
    expect(valueOf(await source.getToken("contoso", { rejected }))).not.toBe(valueOf(rejected));
  });

  test("and comes back from the login service unchanged is not given either", async () => {
    const same = tokenFor(fleet.contoso());
    fleet.service.answer = json(200, { token_type: "Bearer", expires_in: 3599, access_token: same });
    const source = fleet.start();
    const rejected = await source.getToken("contoso");
    expect((await failureOf(source.getToken("contoso", { rejected }))).failure.code).toBe("TOKEN_REJECTED");
  });
});

describe("a failure", () => {
  test("that only a person can end is asked about once for the fleet, and again after ten minutes", async () => {
    fleet.service.answer = refuse(401, "invalid_client", 7000222);
    const sources = [fleet.start(), fleet.start(), fleet.start()];
    const requests = await fleet.requestsDuring(async () => {
      for (const source of sources) {
        for (let n = 0; n < 5; n++) {
          expect((await failureOf(source.getToken("contoso"))).failure).toMatchObject({
            code: "ENTRA_CREDENTIAL_EXPIRED",
            scope: "tenant",
          });
        }
      }
    });
    expect(requests).toBe(1);
    fleet.skippedMs += 11 * minute;
    fleet.service.answer = grant(fleet.contoso());
    expect(await fleet.requestsDuring(() => (sources[2] as EntraTokenSource).getToken("contoso"))).toBe(1);
    expect(await fleet.requestsDuring(() => (sources[0] as EntraTokenSource).getToken("contoso"))).toBe(0);
  });

  test("of one credential does not stop the next one", async () => {
    fleet.service.answer = (response, form, request) =>
      (form.get("client_secret") === "new" ? grant(fleet.contoso()) : refuse(401, "invalid_client", 7000222))(response, form, request);
    const source = fleet.start();
    await failureOf(source.getToken("contoso"));
    fleet.tenants.set("contoso", fleet.contoso({ credential: { kind: "secret", secret: new Secret("new") } }));
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("by too many requests holds as long as the service says, for all", async () => {
    fleet.service.answer = json(429, {}, { "retry-after": "300" });
    const sources = [fleet.start(), fleet.start()] as const;
    const first = await failureOf(sources[0].getToken("contoso"));
    expect(first.failure).toMatchObject({ code: "ENTRA_THROTTLED" });
    expect(first.failure.facts.hintMs).toBeGreaterThan(290_000);
    fleet.service.answer = grant(fleet.contoso());
    fleet.skippedMs += 290_000;
    expect(await fleet.requestsDuring(async () => void (await failureOf(sources[1].getToken("contoso"))))).toBe(0);
    fleet.skippedMs += 50_000;
    expect(valueOf(await sources[1].getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("of one tenant leaves another alone", async () => {
    const otherId = "44444444-4444-4444-4444-444444444444";
    fleet.tenants.set("fabrikam", fleet.contoso({ alias: "fabrikam", tenantId: otherId }));
    // The service gives contoso's token to everybody.
    const source = fleet.start();
    expect((await failureOf(source.getToken("fabrikam"))).failure).toMatchObject({
      code: "ENTRA_TOKEN_MISMATCH",
      message: expect.stringMatching(/fabrikam.*1111.*4444/),
    });
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("names the missing role and what to do", async () => {
    fleet.service.answer = grant(fleet.contoso(), { claims: { roles: ["POP.AccessAsApp"] } });
    const { failure } = await failureOf(fleet.start().getToken("contoso"));
    expect(failure.code).toBe("ENTRA_CONSENT_MISSING");
    expect(failure.message).toBe(
      "Tenant contoso: the token has only POP.AccessAsApp, it needs IMAP.AccessAsApp. mailfleet asks again in 10 min. " +
        "Add the application permission IMAP.AccessAsApp or POP.AccessAsApp of Office 365 Exchange Online and give admin consent.",
    );
  });

  test("of the shared cache itself is told without its client's error, and a valid token stays in use", async () => {
    const source = fleet.start({
      cache: { ...fleet.cache, read: () => (isDown ? Promise.reject(new Error(`AUTH ${canary}`)) : fleet.cache.read("a".repeat(64))) },
    });
    let isDown = false;
    await source.getToken("contoso");
    isDown = true;
    fleet.skippedMs += 56 * minute;
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
    fleet.skippedMs += 5 * minute;
    const { failure } = await failureOf(source.getToken("contoso"));
    expect(failure.code).toBe("REDIS_UNAVAILABLE");
    expect(JSON.stringify(failure)).not.toContain(canary);
  });
});

test("no secret and no token is in any error, log line or stored failure, though the service echoes the form", async () => {
  const failures: string[] = [];
  const watched: SharedTokenCache = {
    ...fleet.cache,
    putFailure: (identity, failure, ttlMs) => {
      failures.push(failure);
      return fleet.cache.putFailure(identity, failure, ttlMs);
    },
  };
  const echoed = tokenFor(fleet.contoso());
  fleet.service.answer = (response, form, request) =>
    refuse(401, "invalid_request", 424242, `${form.toString()} ${echoed}`)(response, form, request);
  const source = fleet.start({ cache: watched });
  const error = await failureOf(source.getToken("contoso"));
  const shown = JSON.stringify([error.message, error.stack, error.failure, fleet.log.records, failures, source.stats()]);
  expect(error.failure.code).toBe("UNCLASSIFIED");
  expect(failures).toHaveLength(1);
  expect(shown).toContain("client_id");
  for (const leak of [
    canary,
    encodeURIComponent(canary),
    Buffer.from(canary).toString("base64").slice(0, 12),
    echoed,
    echoed.slice(0, 40),
  ]) {
    expect(shown).not.toContain(leak);
  }
});
