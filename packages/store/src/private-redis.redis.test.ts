import { spawn } from "node:child_process";
import { mkdtemp, readFile, realpath, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "@mailfleet/testkit";
import type { Clock } from "@mailfleet/core";
import { inspectRedis, redisOptions } from "./connection.ts";
import { type PrivateRedis, type PrivateRedisOptions, startPrivateRedis } from "./private-redis.ts";
import { isAlive, readPrivateRedis } from "./redis-files.ts";

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now(), sleep: async (ms) => void (await delay(ms)) };

let dataDir = "";
let started: PrivateRedis[] = [];

async function start(more: Partial<PrivateRedisOptions> = {}): Promise<PrivateRedis> {
  const redis = await startPrivateRedis({
    dir: path.join(dataDir, "redis"),
    clock,
    searchPath: process.env["PATH"] ?? "",
    firstPort: await freePort(),
    ...more,
  });
  started.push(redis);
  return redis;
}

function client(redis: PrivateRedis): Redis {
  const options = redisOptions(redis.target);
  const made = new Redis(options as typeof options & { replyMapping: never });
  made.on("error", () => undefined);
  return made;
}

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "mailfleet private redis-"));
});

afterEach(async () => {
  for (const redis of started) await redis.stop();
  started = [];
  await rm(dataDir, { recursive: true, force: true });
});

test("a private Redis keeps what mailfleet demands of any Redis, on loopback only", async () => {
  const redis = await start();
  const connection = client(redis);
  expect((await inspectRedis(connection)).problems).toEqual([]);
  expect(await connection.config("GET", "bind")).toEqual(["bind", "127.0.0.1"]);
  expect(await connection.config("GET", "hash-max-ziplist-value")).toEqual(["hash-max-ziplist-value", "512"]);
  expect(await connection.config("GET", "slowlog-log-slower-than")).toEqual(["slowlog-log-slower-than", "-1"]);
  expect(await connection.config("GET", "dir")).toEqual(["dir", path.join(await realpath(dataDir), "redis")]);
  connection.disconnect();
  expect(redis.adopted).toBe(false);
});

test("the password is asked for, and stands in no file that others read and in no argument", async () => {
  const redis = await start();
  const stranger = new Redis({ port: redis.port });
  stranger.on("error", () => undefined);
  await expect(stranger.ping()).rejects.toThrow("NOAUTH");
  stranger.disconnect();
  const mode = async (name: string): Promise<number> => (await stat(path.join(dataDir, "redis", name))).mode & 0o777;
  expect([await mode("."), await mode("redis.conf"), await mode("connection.json")]).toEqual([0o700, 0o600, 0o600]);
  const secret = redis.target.password?.reveal() ?? "";
  expect(secret).toHaveLength(43);
  for (const place of ["cmdline", "environ"]) expect(await readFile(`/proc/${redis.pid}/${place}`, "utf8")).not.toContain(secret);
  expect(await readFile(path.join(dataDir, "redis", "redis.log"), "utf8")).not.toContain(secret);
});

test("what was written before a stop is there after the next start, and other processes find the server", async () => {
  const first = await start();
  const writer = client(first);
  await writer.set("kept", "yes");
  writer.disconnect();
  await first.stop();
  expect(() => process.kill(first.pid, 0)).toThrow("ESRCH");
  const second = await start();
  expect(readPrivateRedis(path.join(dataDir, "redis"))?.port).toBe(second.port);
  const reader = client(second);
  expect(await reader.get("kept")).toBe("yes");
  reader.disconnect();
});

test("a server that a killed parent left behind is adopted, with its data, and no second one starts", async () => {
  const script = path.join(import.meta.dirname, "private-redis.ts");
  const program = `
    import { startPrivateRedis } from ${JSON.stringify(script)};
    const clock = { now: Date.now, monotonic: () => performance.now(), sleep: (ms) => new Promise((r) => setTimeout(r, ms)) };
    const redis = await startPrivateRedis({ dir: ${JSON.stringify(path.join(dataDir, "redis"))}, clock, searchPath: process.env.PATH, firstPort: ${await freePort()} });
    console.log(redis.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [pidText] = (await new Promise<Buffer>((resolve) => parent.stdout.once("data", resolve))).toString().split("\n");
  parent.kill("SIGKILL");
  await new Promise((resolve) => parent.once("exit", resolve));
  const redis = await start();
  expect({ pid: redis.pid, adopted: redis.adopted }).toEqual({ pid: Number(pidText), adopted: true });
  await redis.stop();
  expect(() => process.kill(redis.pid, 0)).toThrow("ESRCH");
});

test("a taken port is passed over", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const redis = await start({ firstPort: port });
  expect(redis.port).toBeGreaterThan(port);
  server.close();
});

test("a Redis of somebody else on the remembered port is not adopted", async () => {
  const mine = await start();
  await mine.stop();
  const otherDir = await mkdtemp(path.join(tmpdir(), "mailfleet-other-"));
  const other = await startPrivateRedis({ dir: otherDir, clock, searchPath: process.env["PATH"] ?? "", firstPort: mine.port });
  const again = await start({ firstPort: mine.port });
  expect(again.adopted).toBe(false);
  expect(again.pid).not.toBe(other.pid);
  await other.stop();
  await rm(otherDir, { recursive: true });
});

test("without a redis-server the error says what to install; with a broken one, what it said", async () => {
  await expect(start({ binary: "/nonexistent/redis-server" })).rejects.toThrow(/does not start: .*ENOENT/);
  await expect(start({ binary: "/bin/false" })).rejects.toThrow(/does not start: it wrote no log/);
});

test("a server that died comes back at the same address with the same password, if asked", async () => {
  const first = await start();
  process.kill(first.pid, "SIGKILL");
  while (isAlive(first.pid)) await delay(5);
  const second = await start({ keepAddress: true });
  expect([second.port, second.target.password?.reveal()]).toEqual([first.port, first.target.password?.reveal()]);
  expect(second.adopted).toBe(false);
});
