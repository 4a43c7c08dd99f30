import { expect, test } from "vitest";
import { type ConfigKey, configKeys } from "./config-keys.ts";
import { load, tenant } from "./load-yaml.testing.ts";

const keys = new Map(configKeys().map((key) => [key.path, key]));
const key = (path: string): ConfigKey => keys.get(path) as ConfigKey;

test("a number has its range, its unit, its default and an example", () => {
  expect(key("sync.pollSeconds")).toMatchObject({
    type: "whole number, 1 to 86400",
    unit: "seconds",
    default: "300",
    example: "300",
    variable: "MAILFLEET_SYNC_POLL_SECONDS",
  });
  expect(key("downstream.highWaterBytes").unit).toBe("bytes");
  expect(key("sync.concurrency").unit).toBeUndefined();
});

test.each([
  ["console.listen", "127.0.0.1:8025"],
  ["dataDir", "./.mailfleet"],
  ["blobs.dir", "./.mailfleet/blobs"],
  ["tenants.ALIAS.cloud", "global"],
  ["sync.push", "none"],
  ["sync.folders.include", '["*"]'],
  ["sync.folders.exclude", undefined],
  ["redis.url", undefined],
])("%s is %s where it is not written", (path, value) => {
  expect(key(path).default).toBe(value);
});

test("what must be there has no default, and a block has neither default nor example", () => {
  expect(key("tenants.ALIAS.tenantId")).toMatchObject({ isRequired: true, type: "text" });
  expect(key("tenants.ALIAS.tenantId").default).toBeUndefined();
  expect(key("sync")).toEqual({ path: "sync", isBlock: true, isRequired: false, type: "block", meaning: "When and what to read." });
});

test("every key says what it means, and every value has an example", () => {
  expect([...keys.values()].filter(({ meaning }) => meaning === "").map(({ path }) => path)).toEqual([]);
  expect([...keys.values()].filter(({ isBlock, example }) => !isBlock && example === undefined).map(({ path }) => path)).toEqual([]);
});

test("the examples of the blocks that every fleet has are taken as they stand", () => {
  const written = (block: string): string =>
    [...keys.values()]
      .filter(({ path, isBlock }) => !isBlock && path.startsWith(`${block}.`) && path.split(".").length === 2)
      .map(({ path, example }) => `  ${path.split(".")[1]}: ${example}\n`)
      .join("");
  const yaml = ["sync", "downstream", "worker"].map((block) => `${block}:\n${written(block)}`).join("");
  expect(load(`${tenant}${yaml}`)).toMatchObject({ ok: true });
});
