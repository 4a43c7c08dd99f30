import { systemClock } from "@mailfleet/runtime";
import { createDueIndex } from "@mailfleet/store";
import { afterEach, expect, test, vi } from "vitest";
import { startTenantFleet, type TenantFleet } from "./tenant-fleet.ts";

let fleet: TenantFleet;
afterEach(() => fleet.close());

const until = (look: () => Promise<void> | void, timeout = 20_000): Promise<void> => vi.waitFor(look, { timeout, interval: 100 });
const recordsOf = async (tenant: string) => (await fleet.reader.mailboxes()).filter((one) => one.tenant === tenant);
const told = async (type: string): Promise<readonly string[]> =>
  (await fleet.events()).filter((event) => event.type === type).map(({ mailbox }) => mailbox);
const ages = async (tenant: string): Promise<number[]> => {
  const now = await fleet.reader.now();
  return (await recordsOf(tenant)).map(({ checkedAt = 0 }) => now - checkedAt);
};
const allChecked = async (tenant: string, since: number): Promise<void> => {
  for (const { checkedAt = 0, cause } of await recordsOf(tenant)) {
    expect(cause).toBeUndefined();
    expect(checkedAt).toBeGreaterThan(since);
  }
};
const lookNow = async (tenant: string): Promise<void> =>
  createDueIndex(fleet.redis, fleet.keys).poke(
    tenant,
    (await recordsOf(tenant)).map(({ id }) => id),
  );
/** As a restart: no worker remembers a token, and the fleet has none. */
async function forgetTokens(workers: readonly { stop(): Promise<void> }[]): Promise<void> {
  for (const worker of workers) await worker.stop();
  const names = await fleet.redis.keys(`${fleet.keys.token("")}*`);
  if (names.length > 0) await fleet.redis.del(...names);
}

test("a dead secret parks one tenant at once, costs nothing until it is mended, and the others do not notice", async () => {
  fleet = await startTenantFleet(["contoso", "fabrikam", "northwind"], 5);
  const first = [await fleet.startWorker(), await fleet.startWorker()];
  for (const tenant of ["contoso", "fabrikam", "northwind"]) await until(() => allChecked(tenant, 0));

  fleet.sandbox.endSecret("fabrikam", new Date(Date.now() - 1_000));
  await forgetTokens(first);
  const asked = fleet.sandbox.counters.tokenRequests.get("fabrikam") ?? 0;
  const loginsBefore = fleet.logins("fabrikam");
  await fleet.startWorker();
  await fleet.startWorker();
  await until(async () => expect((await fleet.holds.held()).get("fabrikam")?.cause.state).toBe("parked"));
  await until(async () => expect(await told("mailbox.parked")).toHaveLength(5));
  expect((await recordsOf("fabrikam")).map(({ cause }) => cause?.code)).toEqual(Array(5).fill("ENTRA_CREDENTIAL_EXPIRED"));
  expect(fleet.sandbox.counters.tokenRequests.get("fabrikam")).toBe(asked + 1);

  // Some polls of the others later nothing more was asked, and they are as fresh as ever.
  for (let i = 0; i < 5; i++) {
    const now = await fleet.reader.now();
    await until(() => Promise.all([allChecked("contoso", now), allChecked("northwind", now)]).then(() => undefined));
  }
  expect(Math.max(...(await ages("contoso")), ...(await ages("northwind")))).toBeLessThan(10_000);
  expect(fleet.sandbox.counters.tokenRequests.get("fabrikam")).toBe(asked + 1);
  expect(fleet.logins("fabrikam")).toBe(loginsBefore);
  expect(await told("mailbox.parked")).toHaveLength(5);

  fleet.sandbox.rotateSecret("fabrikam", "a-new-secret");
  fleet.secrets.set("fabrikam", "a-new-secret");
  const mendedAt = await fleet.reader.now();
  await until(() => allChecked("fabrikam", mendedAt));
  expect((await fleet.holds.held()).size).toBe(0);
  const addresses = (await recordsOf("fabrikam")).map(({ address }) => address).sort();
  await until(async () => expect([...(await told("mailbox.resumed"))].sort()).toEqual(addresses));
  expect([...(await told("mailbox.parked"))].sort()).toEqual(addresses);
}, 90_000);

test("F22 a token service that is down makes the tenant wait, asked by one caller, and everything goes on when it is back", async () => {
  fleet = await startTenantFleet(["contoso"], 6);
  const first = [await fleet.startWorker()];
  await until(() => allChecked("contoso", 0));
  const outage = fleet.sandbox.faults.add({ name: "token-5xx", tenant: "contoso" });
  // The token is good for an hour, so nobody notices.
  const quietAt = await fleet.reader.now();
  await until(() => allChecked("contoso", quietAt));
  await forgetTokens(first);
  const asked = fleet.sandbox.counters.tokenRequests.get("contoso") ?? 0;
  const startedAt = systemClock.monotonic();
  await Promise.all(Array.from({ length: 8 }, () => fleet.startWorker()));
  await until(async () => {
    const cause = (await fleet.holds.held()).get("contoso")?.cause;
    expect(cause?.code).toBe("ENTRA_UNAVAILABLE");
    expect(cause?.tries).toBeGreaterThanOrEqual(2);
  });
  const requests = (fleet.sandbox.counters.tokenRequests.get("contoso") ?? 0) - asked;
  // Steps of 2 s and more, each half of it at least.
  expect(requests).toBeLessThanOrEqual(2 + (systemClock.monotonic() - startedAt) / 1_000);
  expect((await recordsOf("contoso")).map(({ cause }) => cause?.state)).toEqual(Array(6).fill("waiting"));
  fleet.sandbox.faults.remove(outage);
  const backAt = await fleet.reader.now();
  await until(() => allChecked("contoso", backAt), 60_000);
  expect([await told("mailbox.parked"), await told("mailbox.resumed")]).toEqual([[], []]);
}, 120_000);

test("an incident at Microsoft makes all tenants wait and parks nobody, and all come back by themselves", async () => {
  const aliases = ["contoso", "fabrikam", "northwind"];
  fleet = await startTenantFleet(aliases, 4);
  await fleet.startWorker();
  for (const tenant of aliases) await until(() => allChecked(tenant, 0));
  for (const tenant of aliases) fleet.sandbox.faults.add({ name: "auth-no", tenant });
  for (const tenant of aliases)
    await until(async () => expect((await recordsOf(tenant)).map(({ cause }) => cause?.code)).toEqual(Array(4).fill("TOKEN_REJECTED")));
  // Twenty seconds later, when they are asked again.
  for (const tenant of aliases) {
    await fleet.redis.hincrby(fleet.keys.opened(tenant), "since", -20_000);
    await lookNow(tenant);
  }
  await until(async () =>
    expect([...(await fleet.holds.held()).values()].map(({ cause }) => `${cause.code} ${cause.state}`)).toEqual(
      Array(3).fill("SERVICE_INCIDENT waiting"),
    ),
  );
  fleet.sandbox.faults.clear();
  const overAt = await fleet.reader.now();
  // One of them is looked at now; that it is well brings the others.
  await fleet.redis.hset(fleet.keys.hold("contoso"), "nextAt", 1);
  for (const tenant of aliases) {
    await until(async () => expect((await fleet.holds.held()).has(tenant)).toBe(false), 30_000);
    await lookNow(tenant);
    await until(() => allChecked(tenant, overAt));
  }
  expect((await fleet.holds.held()).size).toBe(0);
  expect([await told("mailbox.parked"), await told("mailbox.resumed")]).toEqual([[], []]);
}, 90_000);

test("F30 a wait hint keeps all of eight workers off the mailbox until its end, and nobody else", async () => {
  fleet = await startTenantFleet(["contoso"], 4);
  await Promise.all(Array.from({ length: 8 }, () => fleet.startWorker()));
  await until(() => allChecked("contoso", 0));
  const [address = ""] = fleet.sandbox.tenants[0]?.addresses ?? [];
  const countsOf = () => {
    const { accepted = 0, refused = 0, logins = 0 } = fleet.sandbox.counters.mailboxes.get(address) ?? {};
    return { accepted, refused, logins };
  };
  const hintMs = 6_000;
  const refusedBefore = countsOf().refused;
  const throttledAt = systemClock.monotonic();
  fleet.sandbox.faults.add({ name: "throttle", mailbox: address, params: { hintMs, countsDown: true }, forMs: hintMs });
  await until(() => expect(countsOf().refused).toBe(refusedBefore + 1));
  const throttled = async () => (await recordsOf("contoso")).find((one) => one.address === address);
  await until(async () => expect((await throttled())?.cause?.code).toBe("SERVER_THROTTLED"));
  const quiet = countsOf();
  const others = (await recordsOf("contoso")).filter((one) => one.address !== address).map(({ checkedAt = 0 }) => checkedAt);
  // Whoever asks first does so after the hint's end: an earlier one would also be refused, and counted.
  await until(() => expect(countsOf()).not.toEqual(quiet));
  expect(systemClock.monotonic() - throttledAt).toBeGreaterThanOrEqual(hintMs);
  for (const [i, { checkedAt = 0 }] of (await recordsOf("contoso")).filter((one) => one.address !== address).entries())
    expect(checkedAt).toBeGreaterThan((others[i] ?? 0) + 2_000);
  await until(async () => expect((await throttled())?.cause).toBeUndefined());
  expect(countsOf().refused).toBe(refusedBefore + 1);
}, 60_000);
