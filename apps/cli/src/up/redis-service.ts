import path from "node:path";
import { connectFleet, type Fleet, silentLog } from "@mailfleet/checks/fleet";
import type { Config } from "@mailfleet/config";
import { type Clock, isSyncError, type RedisTarget } from "@mailfleet/core";
import { describeTarget, type FleetTarget, inspectShards, type PrivateRedis, startPrivateRedis } from "@mailfleet/store";
import { CliError } from "../cli-error.ts";
import { isProcessAlive } from "./data-lock.ts";

/** The Redis of a fleet: the one that is configured, or a private one that `up` starts and ends. */
export interface RedisService {
  readonly fleet: Fleet;
  readonly target: RedisTarget;
  /** `redis://127.0.0.1:6379`, without password. */
  readonly url: string;
  readonly version: string;
  readonly isPrivate: boolean;
  readonly adopted: boolean;
  /** Starts a private server again that died; says what happened, or undefined when it runs or is not ours. */
  revive(): Promise<string | undefined>;
  /** Closes the connection and ends the private server. */
  stop(): Promise<void>;
}

export interface RedisServiceOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly searchPath: string;
}

/** @throws CliError 2 where Redis cannot keep what mailfleet gives it, 1 where there is none */
export async function startRedisService({ config, clock, searchPath }: RedisServiceOptions): Promise<RedisService> {
  const dir = path.join(config.dataDir, "redis");
  const startOwn = (keepAddress: boolean): Promise<PrivateRedis> =>
    startPrivateRedis({ dir, clock, searchPath, keepAddress }).catch(refuse);
  let own = config.redis === undefined ? await startOwn(false) : undefined;
  const target: FleetTarget | undefined = own?.target ?? config.redis;
  if (target === undefined) throw new TypeError("a Redis is configured or our own");
  const where = describeTarget(target);
  let fleet: Fleet | undefined;
  try {
    fleet = await connectFleet(config, target, silentLog);
    const { problems, version } = await inspectShards(fleet.shards);
    if (problems.length > 0) {
      throw new CliError(2, {
        code: "REDIS_UNSUITABLE",
        what: `The Redis at ${where} cannot keep what mailfleet gives it.`,
        next: "Nothing was started.",
        todo: [...problems],
      });
    }
    return {
      fleet,
      target,
      version,
      url: `${target.tls ? "rediss" : "redis"}://${where}`,
      isPrivate: own !== undefined,
      adopted: own?.adopted === true,
      async revive() {
        if (own === undefined || isProcessAlive(own.pid)) return undefined;
        own = await startOwn(true);
        return own.port === target.port ? "the private Redis ended and was started again; nothing is lost" : undefined;
      },
      async stop() {
        fleet?.close();
        await own?.stop();
      },
    };
  } catch (error) {
    fleet?.close();
    await own?.stop().catch(() => undefined);
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  if (!isSyncError(error)) throw error;
  const { code, message, facts } = error.failure;
  const isUnlike = code === "CONFIG_INVALID";
  const isMissing = facts.code === "NO_BINARY";
  throw new CliError(isUnlike ? 2 : 1, {
    code,
    what: message,
    next: "Nothing was started.",
    todo: isMissing || isUnlike ? [] : ["Start that Redis, or name another one: REDIS_URL=redis://127.0.0.1:6379"],
  });
}
