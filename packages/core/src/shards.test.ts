import fc from "fast-check";
import { expect, test } from "vitest";
import { redisKeys } from "./redis-keys.ts";
import { fleetShards, shardOf, shardPrefixes } from "./shards.ts";

test("which shard a tenant is in never changes", () => {
  // Whoever changes one of these loses the state of fleets that run.
  expect(["contoso", "fabrikam", "a", "", "tailwind-traders"].map((tenant) => shardOf(tenant, 4))).toMatchInlineSnapshot(`
    [
      3,
      2,
      4,
      4,
      2,
    ]
  `);
  expect(["contoso", "fabrikam", "a", "", "tailwind-traders"].map((tenant) => shardOf(tenant, 7))).toMatchInlineSnapshot(`
    [
      2,
      5,
      1,
      5,
      4,
    ]
  `);
});

test("every tenant is in one of the shards, the same each time", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (tenant, shards) => {
      const shard = shardOf(tenant, shards);
      expect(shard).toBe(shardOf(tenant, shards));
      expect(Number.isInteger(shard) && shard >= 1 && shard <= shards).toBe(true);
    }),
  );
});

test("tenants spread evenly, also those that are numbered", () => {
  for (const shards of [2, 4, 8, 13]) {
    const tenants = Array.from({ length: 10_000 }, (_, i) => `tenant-${i}`);
    const counts = [...Map.groupBy(tenants, (tenant) => shardOf(tenant, shards)).values()].map((some) => some.length);
    expect(counts).toHaveLength(shards);
    const fair = 10_000 / shards;
    for (const count of counts) expect(Math.abs(count - fair) / fair).toBeLessThan(0.15);
  }
});

test("the first shard's names are those of a fleet without shards, and all of a shard's names have its tag", () => {
  expect(redisKeys("fleet", 1)).toEqual(expect.objectContaining({ bullPrefix: "{fleet}", fence: "{fleet}:mf:fence" }));
  expect(redisKeys("fleet").bullPrefix).toBe("{fleet}");
  expect(shardPrefixes("fleet", 3)).toEqual(["{fleet}", "{fleet:2}", "{fleet:3}"]);
  const names = Object.values(redisKeys("fleet", 2)).map((name: unknown) =>
    typeof name === "function" ? String(name("a", "b")) : String(name),
  );
  for (const name of names) expect(name).toMatch(/^\{fleet:2\}/);
});

test("shards are dealt to the servers in turn, and each says which slot of a cluster it wants", () => {
  const at = (port: number) => ({ host: "h", port, db: 0, tls: false });
  expect(fleetShards({ name: "f", shards: 3 }, [at(1), at(2)]).map(({ number, target }) => [number, target.port])).toEqual([
    [1, 1],
    [2, 2],
    [3, 1],
  ]);
  const cluster = { ...at(1), cluster: { nodes: [{ host: "h", port: 1 }], slotOf: "{f}" } };
  expect(fleetShards({ name: "f", shards: 2 }, [cluster]).map(({ target }) => target.cluster?.slotOf)).toEqual(["{f}", "{f:2}"]);
});
