import { type AccessToken, type Clock, createScrubber, isSyncError, Secret, type SharedTokenCache, type SyncError } from "@mailfleet/core";
import { createMemoryTokenCache, recordingLog, seededChance } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EntraTenant } from "./entra-tenant.ts";
import { grant, json, type LoginService, refuse, startLoginService, tokenFor } from "./login-service.fixture.ts";
import { createKeyRing, type KeyRing } from "./seal-token.ts";
import { createTokenSource, type EntraTokenSource } from "./token-source.ts";

const minute = 60_000;
const canary = "canary-Secret~0123456789";
const ring = createKeyRing([Buffer.alloc(32, 1)]);

let service: LoginService;
let skipped = 0;
let clock: Clock;
let cache: SharedTokenCache;
/** What was put into the cache, identity and sealed text. */
let stored: [identity: string, sealed: string][];
let tenants: Map<string, EntraTenant>;
let log = recordingLog();
const open: EntraTokenSource[] = [];
let seed = 1;

beforeAll(async () => {
  service = await startLoginService(json(500, {}));
});
beforeEach(() => {
  skipped = 0;
  // Time goes on by itself, because the network is real, and the test may skip some of it.
  clock = {
    now: () => Date.now() + skipped,
    monotonic: () => performance.now() + skipped,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, Math.min(ms, 10));
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      }),
  };
  const memory = createMemoryTokenCache(clock);
  stored = [];
  cache = {
    ...memory,
    putToken: (identity, sealed, ttlMs) => {
      stored.push([identity, sealed]);
      return memory.putToken(identity, sealed, ttlMs);
    },
  };
  tenants = new Map([["contoso", contoso()]]);
  log = recordingLog();
  service.answer = grant(contoso());
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((source) => source.close()));
});
afterAll(() => service.stop());

function contoso(changes: Partial<EntraTenant> = {}): EntraTenant {
  return {
    alias: "contoso",
    tenantId: "11111111-1111-1111-1111-111111111111",
    clientId: "22222222-2222-2222-2222-222222222222",
    credential: { kind: "secret", secret: new Secret(canary) },
    authority: service.authority,
    isCustomAuthority: false,
    scope: "https://outlook.office365.com/.default",
    caPem: service.caPem,
    protocols: ["imap"],
    ...changes,
  };
}

/** One process of the fleet. */
function startSource(changes: { keyRing?: KeyRing; requestMs?: number; cache?: SharedTokenCache } = {}): EntraTokenSource {
  const source = createTokenSource({
    tenants: (alias) => tenants.get(alias),
    cache: changes.cache ?? cache,
    keyRing: () => changes.keyRing ?? ring,
    clock,
    chance: seededChance(seed++),
    log,
    scrub: createScrubber([]),
    requestMs: changes.requestMs ?? 5_000,
  });
  open.push(source);
  return source;
}

async function requestsDuring(work: () => Promise<unknown>): Promise<number> {
  const before = service.requests.length;
  await work();
  return service.requests.length - before;
}

async function failureOf(work: Promise<unknown>): Promise<SyncError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isSyncError(error)) throw new Error(`expected a SyncError, got ${String(error)}`);
  return error;
}

const valueOf = (token: AccessToken): string => token.value.reveal();

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

describe("one token for the fleet", () => {
  test("50 callers in two processes at once cost one request and get the same token", async () => {
    const sources = [startSource(), startSource()] as const;
    let tokens: AccessToken[] = [];
    const requests = await requestsDuring(async () => {
      tokens = await Promise.all(Array.from({ length: 50 }, (_, n) => sources[n % 2 === 0 ? 0 : 1].getToken("contoso")));
    });
    expect(requests).toBe(1);
    expect(new Set(tokens.map(valueOf)).size).toBe(1);
  });

  test("a new process takes the stored token, which lies sealed", async () => {
    const token = await startSource().getToken("contoso");
    const second = startSource();
    expect(await requestsDuring(async () => expect(valueOf(await second.getToken("contoso"))).toBe(valueOf(token)))).toBe(0);
    expect(second.stats()).toMatchObject({ adopted: 1, requests: 0 });
    expect(stored.join()).not.toContain("eyJ");
    expect(stored[0]?.[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a process that died while asking delays the others by its lock only", async () => {
    const source = startSource();
    const holding: SharedTokenCache = {
      ...cache,
      tryLock: async (identity, owner, ttlMs) => {
        const isOurs = await cache.tryLock(identity, owner, ttlMs);
        if (!isOurs) skipped += 10_000;
        return isOurs;
      },
    };
    const dead = startSource({ cache: { ...cache, unlock: async () => undefined }, requestMs: 50 });
    service.answer = () => undefined;
    await failureOf(dead.getToken("contoso"));
    service.answer = grant(contoso());
    skipped += 3_000;
    const heir = startSource({ cache: holding });
    expect(valueOf(await heir.getToken("contoso"))).toMatch(/^eyJ/);
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("aliases that swap their directories swap their tokens with them", async () => {
    const otherId = "44444444-4444-4444-4444-444444444444";
    tenants.set("fabrikam", contoso({ alias: "fabrikam", tenantId: otherId }));
    service.answer = (response, form, request) => grant(contoso({ tenantId: request.url?.split("/")[1] ?? "" }))(response, form, request);
    const source = startSource();
    const [a, b] = [valueOf(await source.getToken("contoso")), valueOf(await source.getToken("fabrikam"))];
    tenants = new Map([
      ["contoso", contoso({ tenantId: otherId })],
      ["fabrikam", contoso({ alias: "fabrikam" })],
    ]);
    expect(valueOf(await source.getToken("contoso"))).toBe(b);
    expect(valueOf(await source.getToken("fabrikam"))).toBe(a);
    expect(source.stats().requests).toBe(2);
  });

  test("a caller that gives up leaves the others their request", async () => {
    const source = startSource();
    const stop = new AbortController();
    const left = failureOf(source.getToken("contoso", { signal: stop.signal }));
    const stayed = source.getToken("contoso");
    stop.abort();
    expect((await left).failure.code).toBe("INTERRUPTED");
    expect(valueOf(await stayed)).toMatch(/^eyJ/);
  });

  test("closing ends what waits, and nothing is given afterwards", async () => {
    service.answer = () => undefined;
    const source = startSource();
    const before = service.requests.length;
    const waiting = failureOf(source.getToken("contoso"));
    await until(() => service.requests.length > before);
    await source.close();
    expect((await waiting).failure.code).toBe("INTERRUPTED");
    expect((await failureOf(source.getToken("contoso"))).failure.code).toBe("INTERRUPTED");
  });

  test("an unknown tenant is a matter of the configuration", async () => {
    expect((await failureOf(startSource().getToken("nobody"))).failure.code).toBe("CONFIG_INVALID");
  });
});

describe("a stored token that does not open", () => {
  const spoil = (change: (sealed: string) => string): SharedTokenCache => ({
    ...cache,
    read: async (identity) => {
      const state = await cache.read(identity);
      return state.sealed === undefined ? state : { ...state, sealed: change(state.sealed) };
    },
  });

  test("because a bit flipped is a miss: one request, counted, said once", async () => {
    await startSource().getToken("contoso");
    const source = startSource({
      cache: spoil((sealed) => `${sealed.slice(0, -3)}${sealed.at(-3) === "A" ? "B" : "A"}${sealed.slice(-2)}`),
    });
    expect(await requestsDuring(() => source.getToken("contoso"))).toBe(1);
    expect(source.stats()).toMatchObject({ broken: 2, stored: 1 });
    expect(log.messages("warn")).toHaveLength(1);
  });

  test("because its key is another process' is kept from being overwritten", async () => {
    const first = startSource();
    const second = startSource({ keyRing: createKeyRing([Buffer.alloc(32, 2)]) });
    await first.getToken("contoso");
    const requests = await requestsDuring(async () => {
      for (let n = 0; n < 5; n++) {
        await second.getToken("contoso");
        await first.getToken("contoso");
        skipped += minute;
      }
    });
    expect(requests).toBe(1);
    expect(second.stats()).toMatchObject({ stored: 0 });
    expect(await requestsDuring(() => startSource().getToken("contoso"))).toBe(0);
  });

  test("because it is past its end and somebody put it back is a miss", async () => {
    await startSource().getToken("contoso");
    const [identity, sealed] = stored.at(-1) ?? [];
    skipped += 61 * minute;
    await cache.putToken(identity ?? "", sealed ?? "", minute);
    const source = startSource();
    expect(await requestsDuring(() => source.getToken("contoso"))).toBe(1);
    expect(source.stats()).toMatchObject({ adopted: 0, stored: 1 });
    expect(source.stats().expired).toBeGreaterThan(0);
  });
});

describe("renewal", () => {
  test("goes on in the background, while callers get the old token", async () => {
    const source = startSource();
    const old = valueOf(await source.getToken("contoso"));
    skipped += 54 * minute;
    const before = service.requests.length;
    expect(valueOf(await source.getToken("contoso"))).toBe(old);
    await until(() => source.stats().stored === 2);
    expect(service.requests.length).toBe(before + 1);
    expect(valueOf(await source.getToken("contoso"))).not.toBe(old);
    const next = startSource();
    expect(await requestsDuring(async () => expect(valueOf(await next.getToken("contoso"))).not.toBe(old))).toBe(0);
  });

  test.each([60, 300])("keeps tokens of %i s in use for most of their life", async (expiresIn) => {
    service.answer = grant(contoso(), { expiresIn });
    const source = startSource();
    const requests = await requestsDuring(async () => {
      for (let second = 0; second < expiresIn * 3; second += expiresIn / 20) {
        const token = await source.getToken("contoso");
        expect(token.expiresAt).toBeGreaterThan(clock.now());
        skipped += (expiresIn / 20) * 1000;
      }
    });
    // Three lives, each used for at least 55 %.
    expect(requests).toBeLessThanOrEqual(7);
  });

  test("that fails leaves the old token in use to its own end, and asks once per step of the backoff", async () => {
    const sources = Array.from({ length: 4 }, () => startSource());
    const old = valueOf(await (sources[0] as EntraTokenSource).getToken("contoso"));
    service.answer = (response) => void response.writeHead(503).end("<html>");
    skipped += 55 * minute + 30_000;
    const requests = await requestsDuring(async () => {
      for (let n = 0; n < 4 * 60; n++) {
        const tokens = await Promise.all(sources.map((source) => source.getToken("contoso")));
        expect(new Set(tokens.map(valueOf))).toEqual(new Set([old]));
        skipped += 1_000;
      }
    });
    // 2, 4, 8, 16, 32, 60 s and so on: at most nine steps fit into four minutes.
    expect(requests).toBeGreaterThan(3);
    expect(requests).toBeLessThanOrEqual(10);
    skipped += minute;
    const error = await failureOf((sources[1] as EntraTokenSource).getToken("contoso"));
    expect(error.failure).toMatchObject({ code: "ENTRA_UNAVAILABLE", scope: "tenant", facts: { httpStatus: 503 } });
    service.answer = grant(contoso());
    skipped += minute;
    expect(valueOf(await (sources[2] as EntraTokenSource).getToken("contoso"))).not.toBe(old);
  });
});

describe("a token that the mail server refused", () => {
  test("is replaced by one request for the whole fleet, and not given again", async () => {
    const sources = [startSource(), startSource()] as const;
    const [old] = await Promise.all(sources.map((source) => source.getToken("contoso")));
    const rejected = old as AccessToken;
    let tokens: AccessToken[] = [];
    const requests = await requestsDuring(async () => {
      tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => sources[n % 2 === 0 ? 0 : 1].getToken("contoso", { rejected })));
    });
    expect(requests).toBe(1);
    expect(new Set(tokens.map(valueOf)).size).toBe(1);
    expect(valueOf(tokens[0] as AccessToken)).not.toBe(valueOf(rejected));
    expect(valueOf(await sources[0].getToken("contoso"))).toBe(valueOf(tokens[0] as AccessToken));
  });

  test("is not given again when it can't be replaced", async () => {
    const source = startSource();
    const rejected = await source.getToken("contoso");
    service.answer = json(503, {});
    expect((await failureOf(source.getToken("contoso", { rejected }))).failure.code).toBe("ENTRA_UNAVAILABLE");
    expect((await failureOf(source.getToken("contoso"))).failure.code).toBe("ENTRA_UNAVAILABLE");
  });

  test("right after it was renewed for that reason is not renewed again for every mailbox, and others keep it", async () => {
    const source = startSource();
    let rejected = await source.getToken("contoso");
    rejected = await source.getToken("contoso", { rejected });
    const requests = await requestsDuring(async () => {
      for (let n = 0; n < 20; n++) {
        const error = await failureOf(source.getToken("contoso", { rejected }));
        expect(error.failure).toMatchObject({ code: "TOKEN_REJECTED", scope: "mailbox" });
      }
    });
    expect(requests).toBe(0);
    expect(valueOf(await source.getToken("contoso"))).toBe(valueOf(rejected));
    skipped += minute;
    expect(valueOf(await source.getToken("contoso", { rejected }))).not.toBe(valueOf(rejected));
  });

  test("and comes back from the login service unchanged is not given either", async () => {
    const same = tokenFor(contoso());
    service.answer = json(200, { token_type: "Bearer", expires_in: 3599, access_token: same });
    const source = startSource();
    const rejected = await source.getToken("contoso");
    expect((await failureOf(source.getToken("contoso", { rejected }))).failure.code).toBe("TOKEN_REJECTED");
  });
});

describe("a failure", () => {
  test("that only a person can end is asked about once for the fleet, and again after ten minutes", async () => {
    service.answer = refuse(401, "invalid_client", 7000222);
    const sources = [startSource(), startSource(), startSource()];
    const requests = await requestsDuring(async () => {
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
    skipped += 11 * minute;
    service.answer = grant(contoso());
    expect(await requestsDuring(() => (sources[2] as EntraTokenSource).getToken("contoso"))).toBe(1);
    expect(await requestsDuring(() => (sources[0] as EntraTokenSource).getToken("contoso"))).toBe(0);
  });

  test("of one credential does not stop the next one", async () => {
    service.answer = (response, form, request) =>
      (form.get("client_secret") === "new" ? grant(contoso()) : refuse(401, "invalid_client", 7000222))(response, form, request);
    const source = startSource();
    await failureOf(source.getToken("contoso"));
    tenants.set("contoso", contoso({ credential: { kind: "secret", secret: new Secret("new") } }));
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("by too many requests holds as long as the service says, for all", async () => {
    service.answer = json(429, {}, { "retry-after": "300" });
    const sources = [startSource(), startSource()] as const;
    const first = await failureOf(sources[0].getToken("contoso"));
    expect(first.failure).toMatchObject({ code: "ENTRA_THROTTLED" });
    expect(first.failure.facts.hintMs).toBeGreaterThan(290_000);
    service.answer = grant(contoso());
    skipped += 290_000;
    expect(await requestsDuring(async () => void (await failureOf(sources[1].getToken("contoso"))))).toBe(0);
    skipped += 50_000;
    expect(valueOf(await sources[1].getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("of one tenant leaves another alone", async () => {
    const otherId = "44444444-4444-4444-4444-444444444444";
    tenants.set("fabrikam", contoso({ alias: "fabrikam", tenantId: otherId }));
    // The service gives contoso's token to everybody.
    const source = startSource();
    expect((await failureOf(source.getToken("fabrikam"))).failure).toMatchObject({
      code: "ENTRA_TOKEN_MISMATCH",
      message: expect.stringMatching(/fabrikam.*1111.*4444/),
    });
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("names the missing role and what to do", async () => {
    service.answer = grant(contoso(), { claims: { roles: ["POP.AccessAsApp"] } });
    const { failure } = await failureOf(startSource().getToken("contoso"));
    expect(failure.code).toBe("ENTRA_CONSENT_MISSING");
    expect(failure.message).toBe(
      "Tenant contoso: the token has only POP.AccessAsApp, it needs IMAP.AccessAsApp. mailfleet asks again in 10 min. " +
        "Add the application permission IMAP.AccessAsApp or POP.AccessAsApp of Office 365 Exchange Online and give admin consent.",
    );
  });

  test("of the shared cache itself is told without its client's error, and a valid token stays in use", async () => {
    const source = startSource({
      cache: { ...cache, read: () => (isDown ? Promise.reject(new Error(`AUTH ${canary}`)) : cache.read("a".repeat(64))) },
    });
    let isDown = false;
    await source.getToken("contoso");
    isDown = true;
    skipped += 56 * minute;
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
    skipped += 5 * minute;
    const { failure } = await failureOf(source.getToken("contoso"));
    expect(failure.code).toBe("REDIS_UNAVAILABLE");
    expect(JSON.stringify(failure)).not.toContain(canary);
  });
});

test("no secret and no token is in any error, log line or stored failure, though the service echoes the form", async () => {
  const failures: string[] = [];
  const watched: SharedTokenCache = {
    ...cache,
    putFailure: (identity, failure, ttlMs) => {
      failures.push(failure);
      return cache.putFailure(identity, failure, ttlMs);
    },
  };
  const echoed = tokenFor(contoso());
  service.answer = (response, form, request) =>
    refuse(401, "invalid_request", 424242, `${form.toString()} ${echoed}`)(response, form, request);
  const source = startSource({ cache: watched });
  const error = await failureOf(source.getToken("contoso"));
  const shown = JSON.stringify([error.message, error.stack, error.failure, log.records, failures, source.stats()]);
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
