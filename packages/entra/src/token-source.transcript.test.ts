import type { AccessToken, SharedTokenCache } from "@mailfleet/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grant } from "./login-service.fixture.ts";
import { createKeyRing } from "./seal-token.ts";
import { failureOf, openTokenFleet, type TokenFleet, until, valueOf } from "./token-fleet.fixture.ts";

const minute = 60_000;
let fleet: TokenFleet;

beforeAll(async () => {
  fleet = await openTokenFleet();
});
beforeEach(() => fleet.reset());
afterEach(() => fleet.closeSources());
afterAll(() => fleet.service.stop());

describe("one token for the fleet", () => {
  test("50 callers in two processes at once cost one request and get the same token", async () => {
    const sources = [fleet.start(), fleet.start()] as const;
    let tokens: AccessToken[] = [];
    const requests = await fleet.requestsDuring(async () => {
      tokens = await Promise.all(Array.from({ length: 50 }, (_, n) => sources[n % 2 === 0 ? 0 : 1].getToken("contoso")));
    });
    expect(requests).toBe(1);
    expect(new Set(tokens.map(valueOf)).size).toBe(1);
  });

  test("a new process takes the stored token, which lies sealed", async () => {
    const token = await fleet.start().getToken("contoso");
    const second = fleet.start();
    expect(await fleet.requestsDuring(async () => expect(valueOf(await second.getToken("contoso"))).toBe(valueOf(token)))).toBe(0);
    expect(second.stats()).toMatchObject({ adopted: 1, requests: 0 });
    expect(fleet.stored.join()).not.toContain(valueOf(token).slice(0, 12));
    expect(fleet.stored[0]?.[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a process that reads ahead asks nobody, and is told what is wrong when it asks", async () => {
    const source = fleet.start({ cache: { ...fleet.cache, read: () => Promise.reject(new Error("away")) } });
    expect(await fleet.requestsDuring(() => Promise.all(["contoso", "nobody"].map((alias) => source.readAhead(alias))))).toBe(0);
    expect((await failureOf(source.getToken("nobody"))).failure.code).toBe("CONFIG_INVALID");
    expect((await failureOf(source.getToken("contoso"))).failure.code).toBe("REDIS_UNAVAILABLE");
  });

  test("a process that died while asking delays the others by its lock only", async () => {
    const source = fleet.start();
    const holding: SharedTokenCache = {
      ...fleet.cache,
      tryLock: async (identity, owner, ttlMs) => {
        const isOurs = await fleet.cache.tryLock(identity, owner, ttlMs);
        if (!isOurs) fleet.skippedMs += 10_000;
        return isOurs;
      },
    };
    const dead = fleet.start({ cache: { ...fleet.cache, unlock: async () => undefined }, requestMs: 50 });
    fleet.service.answer = () => undefined;
    await failureOf(dead.getToken("contoso"));
    fleet.service.answer = grant(fleet.contoso());
    fleet.skippedMs += 3_000;
    const heir = fleet.start({ cache: holding });
    expect(valueOf(await heir.getToken("contoso"))).toMatch(/^eyJ/);
    expect(valueOf(await source.getToken("contoso"))).toMatch(/^eyJ/);
  });

  test("a process that gets the lock just after another one finished takes that one's token", async () => {
    const first = fleet.start();
    const second = fleet.start({
      cache: {
        ...fleet.cache,
        tryLock: async (identity, owner, ttlMs) => {
          await first.getToken("contoso");
          return fleet.cache.tryLock(identity, owner, ttlMs);
        },
      },
    });
    expect(await fleet.requestsDuring(() => second.getToken("contoso"))).toBe(1);
    expect(second.stats().requests).toBe(0);
  });

  test("aliases that swap their directories swap their tokens with them", async () => {
    const otherId = "44444444-4444-4444-4444-444444444444";
    fleet.tenants.set("fabrikam", fleet.contoso({ alias: "fabrikam", tenantId: otherId }));
    fleet.service.answer = (response, form, request) =>
      grant(fleet.contoso({ tenantId: request.url?.split("/")[1] ?? "" }))(response, form, request);
    const source = fleet.start();
    const [a, b] = [valueOf(await source.getToken("contoso")), valueOf(await source.getToken("fabrikam"))];
    fleet.tenants = new Map([
      ["contoso", fleet.contoso({ tenantId: otherId })],
      ["fabrikam", fleet.contoso({ alias: "fabrikam" })],
    ]);
    expect(valueOf(await source.getToken("contoso"))).toBe(b);
    expect(valueOf(await source.getToken("fabrikam"))).toBe(a);
    expect(source.stats().requests).toBe(2);
  });

  test("a caller that gives up leaves the others their request", async () => {
    const source = fleet.start();
    const stop = new AbortController();
    const left = failureOf(source.getToken("contoso", { signal: stop.signal }));
    const stayed = source.getToken("contoso");
    stop.abort();
    expect((await left).failure.code).toBe("INTERRUPTED");
    expect(valueOf(await stayed)).toMatch(/^eyJ/);
  });

  test("closing ends what waits, and nothing is given afterwards", async () => {
    fleet.service.answer = () => undefined;
    const source = fleet.start();
    const before = fleet.service.requests.length;
    const waiting = failureOf(source.getToken("contoso"));
    await until(() => fleet.service.requests.length > before);
    await source.close();
    expect((await waiting).failure.code).toBe("INTERRUPTED");
    expect((await failureOf(source.getToken("contoso"))).failure.code).toBe("INTERRUPTED");
  });

  test("an unknown tenant is a matter of the configuration", async () => {
    expect((await failureOf(fleet.start().getToken("nobody"))).failure.code).toBe("CONFIG_INVALID");
  });
});

describe("a stored token that does not open", () => {
  const spoil = (change: (sealed: string) => string): SharedTokenCache => ({
    ...fleet.cache,
    read: async (identity) => {
      const state = await fleet.cache.read(identity);
      return state.sealed === undefined ? state : { ...state, sealed: change(state.sealed) };
    },
  });

  test("because a bit flipped is a miss: one request, counted, said once", async () => {
    await fleet.start().getToken("contoso");
    const source = fleet.start({
      cache: spoil((sealed) => `${sealed.slice(0, -3)}${sealed.at(-3) === "A" ? "B" : "A"}${sealed.slice(-2)}`),
    });
    expect(await fleet.requestsDuring(() => source.getToken("contoso"))).toBe(1);
    expect(source.stats()).toMatchObject({ broken: 2, stored: 1 });
    expect(fleet.log.messages("warn")).toHaveLength(1);
  });

  test("because its key is another process' is kept from being overwritten", async () => {
    const first = fleet.start();
    const second = fleet.start({ keyRing: createKeyRing([Buffer.alloc(32, 2)]) });
    await first.getToken("contoso");
    const requests = await fleet.requestsDuring(async () => {
      for (let n = 0; n < 5; n++) {
        await second.getToken("contoso");
        await first.getToken("contoso");
        fleet.skippedMs += minute;
      }
    });
    expect(requests).toBe(1);
    expect(second.stats()).toMatchObject({ stored: 0 });
    expect(await fleet.requestsDuring(() => fleet.start().getToken("contoso"))).toBe(0);
  });

  test("because it is past its end and somebody put it back is a miss", async () => {
    await fleet.start().getToken("contoso");
    const [identity, sealed] = fleet.stored.at(-1) ?? [];
    fleet.skippedMs += 61 * minute;
    await fleet.cache.putToken(identity ?? "", sealed ?? "", minute);
    const source = fleet.start();
    expect(await fleet.requestsDuring(() => source.getToken("contoso"))).toBe(1);
    expect(source.stats()).toMatchObject({ adopted: 0, stored: 1 });
    expect(source.stats().expired).toBeGreaterThan(0);
  });
});
