import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { environmentLeaves, environmentName } from "./environment.ts";
import { nearestName } from "./nearest.ts";
import { configJsonSchema, fileSchema } from "./schema.ts";

test("the published JSON Schema is up to date (node packages/config/scripts/write-schema.ts)", () => {
  const published = readFileSync(new URL("../schema/mailfleet.config.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(published)).toEqual(configJsonSchema());
});

test("the names of the environment are derived from the schema, and no two are the same", () => {
  const names = environmentLeaves(fileSchema).map((leaf) => leaf.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining([
      "MAILFLEET_SYNC_POLL_SECONDS",
      "MAILFLEET_REDIS_URL",
      "MAILFLEET_DATA_DIR",
      "MAILFLEET_BLOBS_DIR",
      "MAILFLEET_TOKEN_CACHE_KEY_FILE",
    ]),
  );
  expect(names.filter((name) => name.startsWith("MAILFLEET_TENANTS"))).toEqual([]);
  expect(environmentName(["sync", "freshWithinSeconds"])).toBe("MAILFLEET_SYNC_FRESH_WITHIN_SECONDS");
});

test.each([
  ["pollSecond", "pollSeconds"],
  ["poll_seconds", "pollSeconds"],
  ["Backfil", "backfill"],
  ["whatever", undefined],
])("%s most likely means %s", (name, meant) => {
  expect(nearestName(name, ["pollSeconds", "backfill", "folders"])).toBe(meant);
});
