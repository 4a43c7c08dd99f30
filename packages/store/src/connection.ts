import type { ConnectionOptions } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import { type Log, type RedisNode, type RedisTarget, syncError } from "@mailfleet/core";
import { isSlotElsewhere, slotConnector } from "./slot-connector.ts";

/** A command that gets no answer for this long means a dead or frozen server (F08). Above every blocking wait of ours. */
const silenceMs = 30_000;
/** A sentinel that does not answer in this time is passed over, ms. */
const sentinelMs = 2_000;

/**
 * Options for any client of ours or BullMQ's: the reconnect backs off to 2 s, a frozen server is noticed.
 * @param caPem certificate authorities for this Redis, instead of the built-in ones
 */
export function redisOptions(target: RedisTarget, caPem?: string): RedisOptions {
  const login = {
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password.reveal() }),
  };
  const tls = target.tls ? { minVersion: "TLSv1.2" as const, ...(caPem !== undefined && { ca: caPem }) } : undefined;
  return {
    ...placeOf(target, login, tls),
    ...login,
    ...(tls && { tls }),
    db: target.db,
    connectTimeout: 10_000,
    socketTimeout: silenceMs,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 6), 2_000),
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    // After a failover the address may lead to the new primary: a new connection finds it, the old one stays at the replica (F11).
    reconnectOnError: (error) => (target.cluster && isSlotElsewhere(error) ? 2 : /^(READONLY|UNBLOCKED)/.test(error.message)),
  };
}

/** Where a connection goes, each time one is made. */
function placeOf(target: RedisTarget, login: { username?: string; password?: string }, tls: ConnectionOptions | undefined): RedisOptions {
  const { sentinels, cluster } = target;
  if (cluster) return { Connector: slotConnector({ cluster, ...login, ...(tls && { tls }) }) };
  if (sentinels) {
    return {
      sentinels: sentinels.nodes.map(({ host, port }) => ({ host, port })),
      name: sentinels.name,
      ...(sentinels.username !== undefined && { sentinelUsername: sentinels.username }),
      ...(sentinels.password !== undefined && { sentinelPassword: sentinels.password.reveal() }),
      ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
      sentinelCommandTimeout: sentinelMs,
      // The old primary may be frozen or cut off, and then says nothing by itself.
      failoverDetector: true,
    };
  }
  return target.path === undefined ? { host: target.host, port: target.port } : { path: target.path };
}

/**
 * Connects, or fails within 10 s with a sentence that names the address but never the password.
 * @throws SyncError REDIS_UNAVAILABLE
 */
export async function connectRedis(target: RedisTarget, log: Log, caPem?: string): Promise<Redis> {
  const clientOptions = redisOptions(target, caPem);
  clientOptions.lazyConnect = true;
  // ioredis' overloads do not type-check under exactOptionalPropertyTypes.
  const redis = new Redis(clientOptions as RedisOptions & { replyMapping: never });
  let lastCode = "";
  redis.on("error", (error: Error & { code?: string }) => {
    const code = error.code ?? error.message.split(" ")[0] ?? error.name;
    if (code !== lastCode) log.warn({ code, at: describeTarget(target) }, "redis connection failed, trying again");
    lastCode = code;
  });
  redis.on("ready", () => {
    if (lastCode !== "") log.info({ at: describeTarget(target) }, "redis connection is back");
    lastCode = "";
  });
  try {
    await withDeadline(
      redis.connect().then(() => redis.ping()),
      10_000,
    );
    return redis;
  } catch (error) {
    redis.disconnect();
    const code = error instanceof Error ? ((error as { code?: string }).code ?? firstWord(error.message)) : "UNKNOWN";
    throw syncError("REDIS_UNAVAILABLE", `Redis at ${describeTarget(target)} does not answer (${lastCode || code}).`, {
      layer: "redis",
      code: lastCode || code,
    });
  }
}

export function describeTarget({ path, host, port, sentinels, cluster }: RedisTarget): string {
  const at = ({ nodes }: { readonly nodes: readonly RedisNode[] }): string => nodes.map((node) => `${node.host}:${node.port}`).join(", ");
  if (cluster) return `the cluster of ${at(cluster)}`;
  if (sentinels) return `${sentinels.name} of the sentinels at ${at(sentinels)}`;
  return path ?? `${host}:${port}`;
}

function firstWord(text: string): string {
  return /^[A-Z]{2,20}/.exec(text)?.[0] ?? "no answer";
}

async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("TIMEOUT")), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What INFO says, as far as mailfleet cares. */
export interface RedisHealth {
  readonly version: string;
  /** Sentences: how it is set up, so that it may not be used; a start is refused for these. */
  readonly problems: readonly string[];
  /** Commands that mend them, where a command can. */
  readonly fixes: readonly string[];
  /** Sentences: what is wrong at the moment and ends by itself or by making room; nothing comes in until then. */
  readonly troubles: readonly string[];
}

/** Reads by INFO, because CONFIG is often forbidden (T15). */
export async function inspectRedis(redis: Redis): Promise<RedisHealth> {
  const info = parseInfo(await redis.info());
  const version = info.get("redis_version") ?? info.get("valkey_version") ?? "unknown";
  const { path, host, port } = addressOf(redis);
  const client = path ? `redis-cli -s ${path}` : `redis-cli -h ${host} -p ${port}`;
  const problems: string[] = [];
  const fixes: string[] = [];
  const policy = info.get("maxmemory_policy");
  if (policy !== "noeviction") {
    fixes.push(`${client} CONFIG SET maxmemory-policy noeviction`);
    problems.push(
      `Redis would throw away mailfleet's state when memory is short: maxmemory-policy is ${policy ?? "unknown"}, it must be noeviction. ` +
        `Set it: ${client} CONFIG SET maxmemory-policy noeviction, and in redis.conf.`,
    );
  }
  if (info.get("aof_enabled") !== "1") {
    fixes.push(`${client} CONFIG SET appendonly yes`);
    problems.push(
      `Redis would forget mailfleet's state at a restart: appendonly is off, it must be on. ` +
        `Set it: ${client} CONFIG SET appendonly yes, and in redis.conf.`,
    );
  }
  if (info.get("cluster_enabled") === "1" && redis.options.Connector === undefined) {
    problems.push(
      `Redis at ${host}:${port} is a node of a cluster, and holds a part of its keys only. Name the cluster in the configuration: redis.cluster: [${host}:${port}], in place of redis.url.`,
    );
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (Number.isFinite(major) && (major < 6 || (major === 6 && minor < 2))) {
    problems.push(`Redis ${version} is too old: mailfleet needs 6.2 or newer.`);
  }
  const isDiskBroken = info.get("aof_last_write_status") === "err";
  const troubles = isDiskBroken
    ? ["Redis cannot write to its disk, which is full or broken, and refuses everything (MISCONF). Make room."]
    : [];
  return { version, problems, fixes, troubles };
}

/** Where the client is connected now: through Sentinels or a cluster that is not where it was told to begin. */
function addressOf(redis: Redis): { path: string | undefined; host: string; port: number } {
  const { path, host, port, sentinels } = redis.options;
  const { remoteAddress, remotePort } = (sentinels ? redis.stream : {}) as { remoteAddress?: string; remotePort?: number };
  return { path: path ?? undefined, host: remoteAddress ?? host ?? "localhost", port: remotePort ?? port ?? 6379 };
}

export function parseInfo(text: string): Map<string, string> {
  const info = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) info.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return info;
}
