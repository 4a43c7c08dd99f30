import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { findBinary } from "./find-binary.ts";
import { freePort } from "./free-port.ts";
import { searchFolder } from "./secret-search.ts";
import { startServerProcess } from "./server-process.ts";

export interface RedisOptions {
  /** Where the AOF lies; a new temporary folder, removed by `stop`, when absent. Give it to start again on the same data. */
  readonly dir?: string;
  readonly port?: number;
  readonly password?: string;
  /** Added after ours, so that they win: `["--maxmemory", "64mb"]`. */
  readonly extraArgs?: readonly string[];
  /** The largest file it may write, in blocks of 1 KiB, until `liftFileLimit`: a disk that is full. Needs the local redis-server. */
  readonly fileLimitKb?: number;
  /** False: a server of its own even if TEST_REDIS_URL is set, for tests that stop, fill or misconfigure it. */
  readonly shared?: boolean;
}

export interface RunningRedis {
  readonly url: string;
  readonly port: number;
  /** 0 for a server that is not ours. */
  readonly pid: number;
  readonly dir: string;
  /** SCRIPT FLUSH: what every client must survive. */
  flushScripts(): Promise<void>;
  /** The disk has room again. */
  liftFileLimit(): Promise<void>;
  stop(): Promise<void>;
  /** As a crash; the folder stays, so that a new server can be started on it. */
  kill(): Promise<void>;
}

const startTries = 3;
const readyWithinMs = 30_000;

/**
 * A Redis as mailfleet demands it: AOF every second, noeviction, no RDB. TEST_REDIS_URL if set and nothing special is asked for, else the
 * local redis-server, else a container.
 * @throws Error that says what to install, when there is none of them
 */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const given = process.env["TEST_REDIS_URL"];
  const isSpecial = options.shared === false || Object.keys(options).some((key) => key !== "shared");
  if (given !== undefined && given !== "" && !isSpecial) return attachRedis(given);
  const binary = await findBinary("redis-server");
  if (binary === undefined) return startRedisContainer(options);
  return startLocalRedis(binary, options);
}

/** The same handle for a server that somebody else started and stops. */
export async function attachRedis(url: string): Promise<RunningRedis> {
  await withClient(url, (client) => client.ping());
  return {
    url,
    port: Number(new URL(url).port || 6379),
    pid: 0,
    dir: "",
    flushScripts: () => flushScripts(url),
    liftFileLimit: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    kill: () => Promise.reject(new Error("a Redis that the test did not start cannot be killed by it; ask for one with { shared: false }")),
  };
}

async function startLocalRedis(binary: string, options: RedisOptions): Promise<RunningRedis> {
  const dir = options.dir ?? (await mkdtemp(path.join(tmpdir(), "mailfleet-redis-")));
  await mkdir(dir, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const args = [...redisArgs(port, dir, options.password), ...(options.extraArgs ?? [])];
    const server = await startServerProcess({
      ...(options.fileLimitKb === undefined ? { command: binary, args } : limited(binary, args, options.fileLimitKb)),
      logFile: path.join(dir, "redis.log"),
      ...(options.dir === undefined && { removeOnDeath: dir }),
    });
    const url = `redis://${options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`}127.0.0.1:${port}`;
    if (await isReady(url, () => server.hasExited)) {
      return {
        url,
        port,
        pid: server.pid,
        dir,
        flushScripts: () => flushScripts(url),
        liftFileLimit: () => run("prlimit", ["--pid", String(server.pid), "--fsize=unlimited:unlimited"]),
        async stop() {
          await server.stop();
          await searchFolder(`Redis on port ${port}`, dir);
          if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
        },
        kill: () => server.kill(),
      };
    }
    const tail = await server.logTail();
    await server.kill();
    // The free port may have been taken in between; anything else fails again and is told.
    if (attempt < startTries && options.port === undefined) continue;
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    throw new Error(`redis-server did not start on port ${port}:\n${tail}`);
  }
}

/** As `up` sets its own Redis. */
const durableArgs: readonly string[] = [
  ...["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-min-size", "512mb", "--rdbcompression", "no"],
  ...["--save", "", "--maxmemory-policy", "noeviction"],
];

function redisArgs(port: number, dir: string, password: string | undefined): string[] {
  return [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--daemonize", "no"],
    ...durableArgs,
    ...(password === undefined ? [] : ["--requirepass", password]),
  ];
}

/** The signal that would end it is ignored, so that a write that goes too far fails as one on a full disk does. */
function limited(binary: string, args: readonly string[], fileLimitKb: number): { command: string; args: readonly string[] } {
  return { command: "bash", args: ["-c", `trap "" XFSZ; ulimit -S -f ${fileLimitKb}; exec "$0" "$@"`, binary, ...args] };
}

async function run(command: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(command, args);
}

/** Loading an AOF answers LOADING; only PONG counts. */
async function isReady(url: string, hasExited: () => boolean): Promise<boolean> {
  const until = Date.now() + readyWithinMs;
  while (Date.now() < until && !hasExited()) {
    try {
      await withClient(url, (client) => client.ping());
      return !hasExited();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return false;
}

async function flushScripts(url: string): Promise<void> {
  await withClient(url, (client) => client.script("FLUSH"));
}

async function withClient<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0, connectTimeout: 5_000 });
  // A refused connection rejects connect() too; without a listener ioredis prints it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function startRedisContainer(options: RedisOptions): Promise<RunningRedis> {
  const hint =
    "No Redis for the tests. Set TEST_REDIS_URL, or install redis-server (Debian: apt-get install redis-server; macOS: brew install redis), or start a Docker engine.";
  if (options.dir !== undefined) throw new Error(`${hint} A data folder of its own needs the local redis-server.`);
  if (options.fileLimitKb !== undefined) throw new Error(`${hint} A full disk needs the local redis-server.`);
  try {
    const { GenericContainer } = await import("testcontainers");
    const command = ["redis-server", ...durableArgs];
    if (options.password !== undefined) command.push("--requirepass", options.password);
    const container = await new GenericContainer("redis:7.4-alpine")
      .withCommand([...command, ...(options.extraArgs ?? [])])
      .withExposedPorts(6379)
      .start();
    const port = container.getMappedPort(6379);
    const url = `redis://${options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`}${container.getHost()}:${port}`;
    return {
      url,
      port,
      pid: 0,
      dir: "",
      flushScripts: () => flushScripts(url),
      liftFileLimit: () => Promise.resolve(),
      stop: async () => void (await container.stop()),
      kill: async () => void (await container.stop({ timeout: 0 })),
    };
  } catch (error) {
    throw new Error(hint, { cause: error });
  }
}
