import { type CredentialNotes, createScrubber, Secret } from "@mailfleet/core";
import { createMemoryCredentialNotes, seededChance } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createCredentialDesk, type CredentialDesk, endStep } from "./credential-desk.ts";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { grant, refuse } from "./login-service.fixture.ts";
import { openTokenFleet, type TokenFleet } from "./token-fleet.fixture.ts";

const dayMs = 86_400_000;
let fleet: TokenFleet;
let notes: CredentialNotes;
let seed = 100;
const desks: CredentialDesk[] = [];

beforeAll(async () => {
  fleet = await openTokenFleet();
});
beforeEach(() => {
  fleet.reset();
  notes = createMemoryCredentialNotes();
});
afterEach(() => Promise.all(desks.splice(0).map((one) => one.stop())));
afterAll(() => fleet.service.stop());

const secret = (value: string, endsInMs?: number): EntraCredential => ({
  kind: "secret",
  secret: new Secret(value),
  ...(endsInMs !== undefined && { expiresAt: fleet.clock.now() + endsInMs }),
});

/** One process of the fleet. */
function desk(tenant: () => EntraTenant): CredentialDesk {
  const book = {
    tenant,
    tenants: () => [tenant()],
    requireAll: () => undefined,
    caPem: () => undefined,
    look: async () => undefined,
    problems: () => [],
  };
  const { cache, clock, log } = fleet;
  const made = createCredentialDesk({
    keys: { look: async () => undefined },
    book,
    cache,
    notes,
    clock,
    chance: seededChance(seed++),
    log,
    scrub: createScrubber([]),
  });
  desks.push(made);
  return made;
}

async function rounds(...some: readonly CredentialDesk[]): Promise<void> {
  await Promise.all(some.map((one) => one.round()));
}

describe("a next credential", () => {
  test("is tried once for the fleet, then once a day, and again when it changes", async () => {
    let next = secret("next-one");
    const tenant = (): EntraTenant => fleet.contoso({ nextCredential: next });
    const [a, b] = [desk(tenant), desk(tenant)];
    expect(await fleet.requestsDuring(() => rounds(a, b, desk(tenant)))).toBe(1);
    expect(await notes.read()).toMatchObject([{ tenant: "contoso", role: "next", ok: true }]);
    expect(await fleet.requestsDuring(() => rounds(a, b, desk(tenant)))).toBe(0);
    fleet.skippedMs += dayMs + 1;
    expect(await fleet.requestsDuring(() => rounds(a, b))).toBe(1);
    next = secret("another-one");
    expect(await fleet.requestsDuring(() => rounds(a, b))).toBe(1);
  });

  test("that is refused is told once a try, with what to do, and tried again after ten minutes", async () => {
    const next = secret("next-one");
    const tenant = (): EntraTenant => fleet.contoso({ nextCredential: next });
    fleet.service.answer = refuse(401, "invalid_client", 7000215);
    const [a, b] = [desk(tenant), desk(tenant)];
    await rounds(a, b);
    expect(await notes.read()).toMatchObject([
      { ok: false, code: "ENTRA_CREDENTIAL_INVALID", text: expect.stringContaining("Value, not its ID") },
    ]);
    expect(fleet.log.messages("warn")).toEqual(["the next credential does not work yet"]);
    fleet.service.answer = grant(fleet.contoso());
    fleet.skippedMs += 9 * 60_000;
    expect(await fleet.requestsDuring(() => rounds(a, b))).toBe(0);
    fleet.skippedMs += 61_000;
    expect(await fleet.requestsDuring(() => rounds(a, b))).toBe(1);
    expect(await notes.read()).toMatchObject([{ ok: true }]);
  });

  test("is tried past all caches, and the token in use stays", async () => {
    const source = fleet.start();
    const token = await source.getToken("contoso");
    const next = secret("next-one");
    await rounds(desk(() => fleet.contoso({ nextCredential: next })));
    expect((await source.getToken("contoso")).value.reveal()).toBe(token.value.reveal());
  });
});

describe("an end that comes near", () => {
  test.each([
    [61, undefined],
    [59.9, 60],
    [30, 30],
    [29, 30],
    [6.5, 7],
    [0, 0],
    [-3, 0],
  ])("%d days before is step %s", (days, step) => {
    expect(endStep(days * dayMs, 0)).toBe(step);
  });

  test("is told once for each step by one process of the fleet", async () => {
    // Not whole days: the rounds begin in the same millisecond as this, or in a later one.
    const current = secret("current-one", 65 * dayMs - 3_600_000);
    const tenant = (): EntraTenant => fleet.contoso({ credential: current });
    const [a, b] = [desk(tenant), desk(tenant)];
    const told: number[] = [];
    for (let day = 0; day <= 70; day++) {
      await rounds(a, b);
      told.push(fleet.log.messages("warn").length);
      fleet.skippedMs += dayMs;
    }
    expect([told[4], told[5], told[34], told[35], told[57], told[58], told[64], told[65], told[70]]).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4]);
    await rounds(desk(tenant));
    expect(fleet.log.messages("warn")).toHaveLength(4);
    expect(fleet.log.records.find(({ level }) => level === "warn")?.fields).toMatchObject({
      tenant: "contoso",
      which: "current",
      days: 59,
    });
  });
});

test("a desk that is stopped ends at once, in the middle of a request too", async () => {
  const next = secret("next-one");
  const busy = desk(() => fleet.contoso({ nextCredential: next }));
  const asked = new Promise<void>((resolve) => {
    fleet.service.answer = () => resolve();
  });
  busy.start();
  await asked;
  await busy.stop();
  expect(await notes.read()).toEqual([]);
});
