import { spawn } from "node:child_process";
import { readFile, realpath, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { Redis, type RedisOptions } from "ioredis";
import { type Clock, type RedisTarget, syncError } from "@mailfleet/core";
import { parseInfo, redisOptions } from "./connection.ts";
import {
  findRedisServer,
  isAlive,
  livingServer,
  newConnection,
  readConnection,
  redisFiles,
  type RedisConnection,
  type RedisFiles,
  toTarget,
  writeRedisFiles,
} from "./redis-files.ts";

export interface PrivateRedisOptions {
  /** A folder for Redis alone; made with mode 0700. */
  readonly dir: string;
  readonly clock: Clock;
  /** Absent: searched along `searchPath` and where packages put servers. */
  readonly binary?: string;
  /** As in the variable PATH. */
  readonly searchPath?: string;
  /** The first port to try. Default 6379. */
  readonly firstPort?: number;
  /** Start at the address of the last time if that is free: who still holds it, such as a worker, finds Redis there again. */
  readonly keepAddress?: boolean;
}

export interface PrivateRedis {
  readonly target: RedisTarget;
  readonly pid: number;
  readonly port: number;
  /** A server that an earlier, killed `up` left behind was taken over. */
  readonly adopted: boolean;
  readonly version: string;
  /** Flushes the AOF and ends the server. Resolves when its process is gone. Safe to call twice. */
  stop(): Promise<void>;
}

const defaultPort = 6379;
const portsTried = 200;
/** A large AOF takes its time to load: about 1 GB in 10 s. */
const loadMs = 120_000;
const stopMs = 10_000;
const lookMs = 25;

/**
 * A redis-server of our own: loopback, a password, AOF every second, noeviction. It runs in its own process group, so that Ctrl-C in
 * the terminal reaches only us and Redis ends last. Never two servers on one folder: one that still runs there is adopted (F27).
 * @throws SyncError REDIS_UNAVAILABLE with what to install, or with the last lines of Redis' log
 */
export async function startPrivateRedis(options: PrivateRedisOptions): Promise<PrivateRedis> {
  const files = redisFiles(options.dir);
  const running = await adopt(files, options.clock);
  if (running) return running;
  const binary = options.binary ?? (await findRedisServer(options.searchPath ?? ""));
  if (binary === undefined) {
    throw syncError("REDIS_UNAVAILABLE", installSentence, { layer: "redis", code: "NO_BINARY" });
  }
  const first = options.firstPort ?? defaultPort;
  const before = options.keepAddress === true ? readConnection(files) : undefined;
  if (before && (await isFree(before.port))) {
    const started = await launch(files, before, binary, options.clock);
    if (started) return started;
  }
  for (let port = first; port < first + portsTried; port++) {
    if (!(await isFree(port))) continue;
    const started = await launch(files, newConnection(port), binary, options.clock);
    if (started) return started;
  }
  throw syncError("REDIS_UNAVAILABLE", `No port from ${first} to ${first + portsTried - 1} is free for the private Redis.`, {
    layer: "redis",
    code: "EADDRINUSE",
  });
}

const installSentence =
  "There is no redis-server on this machine. Install one: apt-get install redis-server (Debian, Ubuntu), brew install redis (macOS), " +
  "or docker run -d -p 127.0.0.1:6379:6379 redis:7.4 redis-server --appendonly yes --maxmemory-policy noeviction and " +
  "REDIS_URL=redis://127.0.0.1:6379.";

/** The server that still runs on this folder, if any. A server that only sits on the same port is somebody else's. */
async function adopt(files: RedisFiles, clock: Clock): Promise<PrivateRedis | undefined> {
  const connection = readConnection(files);
  const pid = await livingServer(files);
  const facts = connection && (await waitReady(connection, clock, () => pid !== undefined && isAlive(pid)));
  if (connection && facts && (await isSameFolder(facts.dir, files.dir))) return handle(connection, facts, true, clock);
  if (pid !== undefined && isAlive(pid)) {
    throw syncError(
      "REDIS_UNAVAILABLE",
      `A redis-server (process ${pid}) works on ${files.dir}, but does not answer. Two on one folder would destroy it. End it: kill ${pid}`,
      { layer: "redis", code: "BUSY_FOLDER" },
    );
  }
  return undefined;
}

/** Undefined when somebody took the port in between. */
async function launch(files: RedisFiles, connection: RedisConnection, binary: string, clock: Clock): Promise<PrivateRedis | undefined> {
  await writeRedisFiles(files, connection);
  await rm(files.log, { force: true });
  // Its whole configuration is in a file of mode 0600: arguments and environment can be read by others.
  const child = spawn(binary, [files.conf], { cwd: files.dir, stdio: "ignore", detached: true, env: {} });
  const state = { hasEnded: false, error: "" };
  child.once("error", (error) => {
    state.hasEnded = true;
    state.error = error.message;
  });
  child.once("exit", () => {
    state.hasEnded = true;
  });
  child.unref();
  const facts = await waitReady(connection, clock, () => !state.hasEnded);
  if (facts && !state.hasEnded && (await isSameFolder(facts.dir, files.dir))) return handle(connection, facts, false, clock);
  if (!state.hasEnded) child.kill("SIGKILL");
  const tail = state.error === "" ? await logTail(files) : state.error;
  if (/address already in use/i.test(tail)) return undefined;
  throw syncError("REDIS_UNAVAILABLE", `redis-server (${binary}) does not start: ${tail}. Its log: ${files.log}`, {
    layer: "redis",
    code: "START_FAILED",
  });
}

function handle(connection: RedisConnection, facts: ServerFacts, adopted: boolean, clock: Clock): PrivateRedis {
  let stopping: Promise<void> | undefined;
  return {
    target: toTarget(connection),
    pid: facts.pid,
    port: connection.port,
    version: facts.version,
    adopted,
    stop: () => (stopping ??= shutDown(connection, facts.pid, clock)),
  };
}

/** SHUTDOWN and not a signal: it reaches our server and no other, whatever became of the pid. */
async function shutDown(connection: RedisConnection, pid: number, clock: Clock): Promise<void> {
  await withClient(connection, (client) => client.shutdown("NOSAVE")).catch(() => undefined);
  const until = clock.monotonic() + stopMs;
  while (isAlive(pid)) {
    if (clock.monotonic() > until) {
      throw syncError(
        "REDIS_UNAVAILABLE",
        `redis-server (process ${pid}) did not end within ${stopMs / 1_000} s. The next start adopts it.`,
        {
          layer: "redis",
          code: "STOP_TIMEOUT",
        },
      );
    }
    await clock.sleep(lookMs);
  }
}

interface ServerFacts {
  readonly pid: number;
  readonly version: string;
  readonly dir: string;
}

/** Tries while `goesOn`; once in any case. Loading an AOF answers LOADING: only a full answer counts. */
async function waitReady(connection: RedisConnection, clock: Clock, goesOn: () => boolean): Promise<ServerFacts | undefined> {
  const until = clock.monotonic() + loadMs;
  for (;;) {
    try {
      return await withClient(connection, readFacts);
    } catch (error) {
      const isLoading = error instanceof Error && error.message.startsWith("LOADING");
      if ((!isLoading && !goesOn()) || clock.monotonic() > until) return undefined;
      await clock.sleep(lookMs);
    }
  }
}

async function readFacts(client: Redis): Promise<ServerFacts> {
  await client.ping();
  const info = parseInfo(await client.info("server"));
  const dir = (await client.config("GET", "dir")) as unknown as readonly string[];
  return { pid: Number(info.get("process_id")), version: info.get("redis_version") ?? info.get("valkey_version") ?? "", dir: dir[1] ?? "" };
}

async function withClient<T>(connection: RedisConnection, use: (client: Redis) => Promise<T>): Promise<T> {
  const options: RedisOptions = {
    ...redisOptions(toTarget(connection)),
    lazyConnect: true,
    // Loading is told by the command's own answer, a refused connection by connect().
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: 5_000,
  };
  // ioredis' overloads do not type-check under exactOptionalPropertyTypes.
  const client = new Redis(options as RedisOptions & { replyMapping: never });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function isSameFolder(a: string, b: string): Promise<boolean> {
  try {
    return (await realpath(a)) === (await realpath(b));
  } catch {
    return false;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function logTail(files: RedisFiles): Promise<string> {
  const lines = (await readFile(files.log, "utf8").catch(() => "")).trim().split("\n").slice(-3);
  return lines.map((line) => line.replace(/^\d+:\w \S+ \S+ \S+ \S+ . /, "").trim()).join(" ") || "it wrote no log";
}
