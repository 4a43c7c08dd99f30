import { limits } from "../limits.ts";
import { formatBytes, formatCounted } from "../words/numbers.ts";
import { describeLane } from "../words/lane-words.ts";
import { formatDuration } from "../words/times.ts";
import { isDiskLow } from "../words/process-troubles.ts";
import { bucketVerdict, bucketWords } from "./bucket.ts";
import { failed, look, passed, skipped, type StepVerdict } from "./finding.ts";
import { clockFix } from "./fixes.ts";
import type { ConfigurationLook, MachineLook, RedisLook } from "./observations.ts";

/** Lowest Node that runs the sources as they are, and for which the packages are tested. */
const nodeFloor = [24, 14, 1] as const;
/** A clock that is further off makes tokens, assertions and certificates look wrong (F25). */
const clockFailsMs = 60_000;

export function configurationStep({ tenants, mailboxes, warnings, exposed }: ConfigurationLook): StepVerdict {
  const counts = `${formatCounted(tenants, "tenant")}, ${formatCounted(mailboxes, "mailbox", "mailboxes")}`;
  // mailfleet starts all the same, so it must not hide what stops the mail.
  if (exposed.length > 0) {
    const commands = exposed.flatMap(({ command }) => command ?? []);
    const more = warnings.length === 0 ? "" : ` And ${formatCounted(warnings.length, "more warning")}.`;
    const note = `SECRET_EXPOSED: everybody on this machine can read ${exposed.map(({ what }) => what).join(", ")}. Who reads it can read every mailbox that was granted to the app; make a new secret if others may have.${more}`;
    return look("configuration", counts, note, commands);
  }
  const [first, ...more] = warnings;
  if (first === undefined) return passed("configuration", `${counts}, no unknown keys`);
  return look("configuration", counts, more.length === 0 ? first : `${first}; and ${formatCounted(more.length, "more warning")}`);
}

export function machineStep(machine: MachineLook): StepVerdict {
  const { node, disk, clockAheadMs, bucket } = machine;
  const parts = [`Node ${node}`];
  const off = clockAheadMs === undefined ? undefined : Math.abs(clockAheadMs);
  parts.push(off === undefined ? "clock not compared" : `clock ${clockWords(off)} off`);
  if (disk) parts.push(`${formatBytes(disk.free)} free`);
  if (bucket?.kind === "ready") parts.push(bucketWords(bucket));
  const text = parts.join(", ");
  if (isOlder(node)) {
    return failed("this machine", {
      code: "NODE_TOO_OLD",
      certainty: "certain",
      happened: `runs Node ${node}; mailfleet needs ${nodeFloor.join(".")} or newer.`,
      cause: "This Node cannot run mailfleet's sources as they are.",
      conclusion: "Node is too old",
      fixes: [{ who: "In the checkout, which brings a Node of its own:", commands: ["npm start -- --help"] }],
    });
  }
  if (off !== undefined && off > clockFailsMs) {
    const way = (clockAheadMs ?? 0) > 0 ? "ahead of" : "behind";
    return failed("this machine", {
      code: "ENTRA_CLOCK_WRONG",
      certainty: "certain",
      happened: `has its clock ${formatDuration(off)} ${way} the login service.`,
      cause: "The clock of this machine is wrong. Signed assertions and certificates then look expired or not yet valid.",
      conclusion: "the clock is wrong",
      fixes: [clockFix],
    });
  }
  if (isDiskLow({ clockAheadMs: 0, ...(disk && { disk }) }) && disk) {
    return failed("this machine", {
      code: "BLOB_STORE_FULL",
      certainty: "certain",
      happened: `has ${formatBytes(disk.free)} of ${formatBytes(disk.total)} left where the blobs lie.`,
      cause: "The disk is nearly full. Workers take no mail until there is room; mail waits on the server.",
      conclusion: "the disk is nearly full",
    });
  }
  const refused = bucket && bucketVerdict(bucket);
  if (refused) return refused;
  if (off !== undefined && off > limits.clockSkewMs)
    return look("this machine", text, "The clock drifts: start a time service before it is a minute off.");
  return passed("this machine", text);
}

/** @param now epoch ms */
export function redisStep(redis: RedisLook, now: number, options?: string): StepVerdict {
  switch (redis.kind) {
    case "not running":
      return skipped("Redis", "not running; none is configured, mailfleet starts its own");
    case "unreachable":
      return failed("Redis", {
        code: "REDIS_UNAVAILABLE",
        certainty: "certain",
        happened: `does not answer at ${redis.where} (${redis.code}).`,
        cause: redisCause(redis.code),
        conclusion: "Redis does not answer",
        fixes: [{ who: "On this machine:", commands: ["redis-cli -u <redis.url of the configuration> PING"] }],
      });
    case "ready":
      return readyRedis(redis, now, options);
  }
}

function readyRedis(redis: Extract<RedisLook, { kind: "ready" }>, now: number, options?: string): StepVerdict {
  const { version, problems, fixes, troubles, writeMs } = redis;
  if (problems.length > 0) {
    return failed("Redis", {
      code: "REDIS_MISCONFIGURED",
      certainty: "certain",
      happened: `is set up so that it may not be used. ${problems.join(" ")}`,
      cause: "mailfleet refuses to start on it, because it could lose what it knows.",
      conclusion: "Redis is not set up for mailfleet",
      fixes: fixes.length === 0 ? [] : [{ who: "On this machine, and the same in redis.conf:", commands: fixes }],
    });
  }
  const [trouble] = troubles;
  if (trouble !== undefined) {
    return failed("Redis", {
      code: "REDIS_UNAVAILABLE",
      certainty: "certain",
      happened: `refuses to write. ${trouble}`,
      cause: "Nothing comes in until it writes again; mail waits on the server.",
      conclusion: "Redis cannot write",
    });
  }
  const text = `${version}, noeviction, AOF on, write ${formatDuration(writeMs)}`;
  const idle = (redis.fleet.unserved ?? []).map((one) => describeLane(one, now, options));
  if (idle.length > 0) {
    const commands = idle.map(({ command }) => command);
    return look("Redis", text, idle.map(({ happened, youCan }) => `${happened} ${youCan}`).join(" "), commands);
  }
  if (writeMs > slowWriteMs) return look("Redis", text, "A write takes long: every commit waits for it.");
  return passed("Redis", text, floorNote(version));
}

/** Above it commits, not servers, set the pace. */
const slowWriteMs = 50;

/** First releases of each line with the fix of CVE-2025-49844 (Lua use after free); distributions back-port without a new number. */
const luaFixed: readonly (readonly [number, number, number])[] = [
  [6, 2, 20],
  [7, 2, 11],
  [7, 4, 6],
  [8, 0, 4],
  [8, 2, 2],
];

function floorNote(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (![major, minor, patch].every(Number.isFinite)) return undefined;
  const line = luaFixed.find(([a, b]) => a === major && b === minor);
  const floor = line ?? luaFixed.find(([a, b]) => a > major || (a === major && b > minor));
  if (!floor || (line && patch >= line[2])) return undefined;
  return `CVE-2025-49844 (Lua) is mended from ${floor.join(".")} on; distributions back-port the fix without a new number, so ask yours.`;
}

function redisCause(code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return "Nothing listens there: Redis is not started, or redis.url names another port.";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "The name in redis.url is not resolved.";
    case "WRONGPASS":
    case "NOAUTH":
      return "The password is wrong or missing: redis.passwordFile or passwordEnv.";
    default:
      return "Redis is not reached, or does not answer in time.";
  }
}

/** `0.2 s`, `3.1 s`, `2 min 3 s`; the Date of HTTP has whole seconds, so nothing finer is said. */
function clockWords(off: number): string {
  return off < 1_000 ? `${(Math.floor(off / 100) / 10).toFixed(1)} s` : formatDuration(off);
}

function isOlder(node: string): boolean {
  const parts = node.split(".").map(Number);
  for (const [at, floor] of nodeFloor.entries()) {
    const part = parts[at] ?? 0;
    // A version that cannot be read is not called old.
    if (!Number.isFinite(part)) return false;
    if (part !== floor) return part < floor;
  }
  return false;
}
