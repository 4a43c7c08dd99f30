import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "@mailfleet/config";
import { type Chance, type Clock, isSyncError, type Log, redisErrorWord, syncError, type SyncError } from "@mailfleet/core";
import {
  checkShards,
  claimShards,
  closeShards,
  type FleetTarget,
  inspectShards,
  type OpenShard,
  openShards,
  readPrivateRedis,
} from "@mailfleet/store";

export interface AwaitRedisOptions {
  readonly config: Config;
  /** True: the first start writes down how many shards the fleet has. False: it only looks, as the console does. */
  readonly marksShards: boolean;
  readonly clock: Clock;
  readonly chance: Pick<Chance, "random">;
  readonly log: Log;
  /** Told before each pause: what is waited for, a sentence. */
  readonly onAway: (what: string) => void;
}

/** A fleet's Redis that may be used. */
export interface OpenRedis {
  readonly shards: readonly OpenShard[];
  readonly version: string;
}

/** The first pause is short: in a start of everything at once Redis comes a moment later. */
const firstPauseMs = 250;
/** The last one is how long a fleet stands still behind a Redis that is back. */
const lastPauseMs = 5_000;

/**
 * Refusals that no waiting ends: a wrong password, a missing right, a server that is no Redis or no cluster, a certificate that is not believed.
 * Whatever else comes, such as the word of a proxy or of the sentinels, may end by itself.
 */
const forGood = /^(WRONGPASS|NOAUTH|NOPERM|NOPROTO|ERR|NO_CLUSTER|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EACCES)/;

/**
 * Connects to all of a fleet's servers, waiting for those that are away, load their data, or are replicas until a failover ends. There is no
 * limit: mail waits at the server meanwhile, and ending would only have somebody start the role again.
 * @throws SyncError CONFIG_INVALID where a server may not be used as it is set up, or none is named; REDIS_UNAVAILABLE where it refuses for good
 */
export async function awaitRedis(options: AwaitRedisOptions): Promise<OpenRedis> {
  const { clock, chance, log, onAway } = options;
  const since = clock.monotonic();
  for (let tries = 0; ; tries++) {
    try {
      const open = await openOnce(options);
      if (tries > 0) log.info({ waitedMs: Math.round(clock.monotonic() - since) }, "Redis answers, the start goes on");
      return open;
    } catch (error) {
      const away = asAway(error);
      if (away === undefined) throw error;
      const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(tries, 10), lastPauseMs) * (0.5 + chance.random() / 2);
      const what = `${away.message} The start waits for it, and goes on when it does.`;
      onAway(what);
      log.warn({ code: away.failure.facts.code, inMs: Math.round(pauseMs) }, what);
      await clock.sleep(pauseMs);
    }
  }
}

/** The failure that may end by itself, else undefined. */
function asAway(error: unknown): SyncError | undefined {
  const known = isSyncError(error) ? error : replyOf(error);
  if (known?.failure.code !== "REDIS_UNAVAILABLE") return undefined;
  return forGood.test(known.failure.facts.code ?? "") ? undefined : known;
}

/** What a server answered in place of what was asked, such as READONLY or CLUSTERDOWN; a fault of our own has no such word. */
function replyOf(error: unknown): SyncError | undefined {
  const code = redisErrorWord(error);
  if (!(error instanceof Error) || error.name !== "ReplyError") return undefined;
  return syncError("REDIS_UNAVAILABLE", `Redis answers, and can't be used now (${code}).`, { layer: "redis", code });
}

async function openOnce({ config, marksShards, log }: AwaitRedisOptions): Promise<OpenRedis> {
  const ca = config.redis?.caFile === undefined ? undefined : await readFile(config.redis.caFile, "utf8");
  // Looked up each time: a private Redis that `up` starts anew may have another port.
  const target: FleetTarget | undefined = config.redis ?? readPrivateRedis(join(config.dataDir, "redis"));
  if (target === undefined) {
    throw invalid("No Redis is configured and no private one runs. Set redis.url in the configuration, or start with: mailfleet up");
  }
  const shards = await openShards(config, target, log, ca);
  try {
    const { problems, version } = await inspectShards(shards);
    if (problems.length > 0) throw invalid(`${problems.join("\n")}\nNothing was started.`);
    await (marksShards ? claimShards : checkShards)(config.name, shards);
    return { shards, version };
  } catch (error) {
    closeShards(shards);
    throw error;
  }
}

function invalid(message: string): SyncError {
  return syncError("CONFIG_INVALID", message, { layer: "redis" });
}
