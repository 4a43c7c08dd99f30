import { describe, expect, test } from "vitest";
import { canary, type Given, load, tenant } from "./load-yaml.testing.ts";

function good(redis: string, given?: Given) {
  const result = load(`${tenant}${redis}\n`, given);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problems(redis: string, given?: Given): string[] {
  const result = load(`${tenant}${redis}\n`, given);
  const text = JSON.stringify(result);
  expect(text).not.toContain(canary);
  return result.ok ? [] : result.problems.map(({ path, found, expected }) => `${path} ${found}; ${expected ?? ""}`);
}

describe("where Redis is", () => {
  test("a Redis Cluster is some of its nodes", () => {
    const { redis, shards } = good("redis: { cluster: [127.0.0.1:7001, localhost, 'redis://[::1]:7003'] }\nshards: 4");
    expect(shards).toBe(4);
    expect(redis).toEqual({
      host: "127.0.0.1",
      port: 7001,
      db: 0,
      tls: false,
      cluster: {
        nodes: [
          { host: "127.0.0.1", port: 7001 },
          { host: "localhost", port: 6379 },
          { host: "::1", port: 7003 },
        ],
        slotOf: "{mailfleet}",
      },
    });
  });

  test("sentinels have a name to ask for, and a password of their own if they want one", () => {
    const yaml =
      "redis: { username: app, passwordFile: ./pw, sentinels: { nodes: ['rediss://a.example', 'rediss://b.example:5000'], name: mymaster, username: eye, passwordEnv: EYE, db: 2 } }";
    const { redis } = good(yaml, { files: { "./pw": "one" }, env: { EYE: "two" } });
    expect(redis).toMatchObject({ host: "a.example", tls: true, db: 2, username: "app", sentinels: { name: "mymaster", username: "eye" } });
    expect(redis?.sentinels?.nodes).toEqual([
      { host: "a.example", port: 26_379 },
      { host: "b.example", port: 5_000 },
    ]);
    expect([redis?.password?.reveal(), redis?.sentinels?.password?.reveal()]).toEqual(["one", "two"]);
  });

  test("several servers have a shard each, or more if they are told", () => {
    const urls = "redis: { urls: ['redis://127.0.0.1:1', 'redis://127.0.0.1:2/3', 'unix:///run/redis.sock'] }";
    expect(good(urls)).toMatchObject({
      shards: 3,
      redis: { port: 1, others: [{ port: 2, db: 3 }, { path: "/run/redis.sock" }] },
    });
    expect(good(`${urls}\nshards: 7`).shards).toBe(7);
    expect(good("redis: { url: 'redis://127.0.0.1' }").shards).toBe(1);
    expect(good("").shards).toBe(1);
  });

  test("the environment gives lists separated by commas", () => {
    const env = { MAILFLEET_REDIS_CLUSTER: "127.0.0.1:1, 127.0.0.1:2", MAILFLEET_SHARDS: "3", REDIS_URL: "redis://127.0.0.1:9" };
    expect(good("", { env })).toMatchObject({ shards: 3, redis: { port: 1, cluster: { nodes: [{ port: 1 }, { port: 2 }] } } });
    const sentinels = { MAILFLEET_REDIS_SENTINELS_NODES: "127.0.0.1:1,127.0.0.1:2", MAILFLEET_REDIS_SENTINELS_NAME: "m" };
    expect(good("", { env: sentinels }).redis?.sentinels?.nodes).toHaveLength(2);
    const urls = { MAILFLEET_REDIS_URLS: `rediss://:${canary}@a.example,redis://127.0.0.1:2` };
    expect(good("", { env: urls }).redis?.others).toHaveLength(1);
  });

  test("REDIS_URL, which many machines have, gives way to what the file says", () => {
    const env = { REDIS_URL: "redis://127.0.0.1:9" };
    expect(good("redis: { cluster: [127.0.0.1:7001] }", { env }).redis?.port).toBe(7001);
  });

  test.each([
    ["two forms at once", "redis: { url: 'redis://127.0.0.1', cluster: [127.0.0.1:1] }", /redis has url and cluster; expected one of them/],
    ["none at all", "redis: { username: app }", /redis\.url is missing/],
    ["a user beside a URL", "redis: { url: 'redis://127.0.0.1', username: a }", /username stands beside url/],
    ["a database in a cluster", "redis: { cluster: ['redis://127.0.0.1:1/2'] }", /cluster\[0\] is no address of Redis .*without database/],
    ["a node that is no address", "redis: { cluster: ['http://x'] }", /cluster\[0\] is no address of Redis \(not shown\)/],
    ["nodes of two kinds", "redis: { cluster: ['rediss://127.0.0.1:1', 127.0.0.1:2] }", /cluster has nodes with and without TLS/],
    ["an empty list", "redis: { urls: [] }", /urls is a list; expected a list of addresses/],
    ["a server twice", "redis: { urls: ['redis://127.0.0.1', 'redis://127.0.0.1:6379'] }", /urls\[1\] is in the list before/],
    ["an open cluster elsewhere", "redis: { cluster: [10.0.0.1] }", /cluster\[0\] is another machine, without TLS and without a password/],
    ["open sentinels elsewhere", "redis: { sentinels: { nodes: [10.0.0.1], name: m } }", /nodes\[0\] is another machine/],
    ["sentinels without a name", "redis: { sentinels: { nodes: [127.0.0.1] } }", /sentinels\.name is missing/],
    ["a password in the list", `redis: { urls: ['redis://:${canary}@127.0.0.1'] }`, /urls\[0\] has a password in the file/],
    ["a password in a node", `redis: { cluster: ['redis://:${canary}@127.0.0.1'] }`, /cluster\[0\] has a password in the file/],
    [
      "fewer shards than servers",
      "redis: { urls: ['redis://127.0.0.1:1', 'redis://127.0.0.1:2'] }\nshards: 1",
      /shards is 1, and redis\.urls has 2/,
    ],
    ["no number of shards", "shards: 100", /shards is 100; expected how many from 1 to 64/],
  ])("%s is a problem", (_, yaml, expected) => {
    expect(problems(yaml).join("\n")).toMatch(expected);
  });

  test("all problems are told at once", () => {
    const yaml = `redis: { cluster: ['10.0.0.1', 'http://x', 'redis://:${canary}@127.0.0.1'], passwordEnv: NOWHERE }\nshards: 0`;
    expect(problems(yaml)).toHaveLength(5);
  });
});
