import type { Config } from "@mailfleet/config";
import { type Clock, type Log, stateWords } from "@mailfleet/core";
import { programVersion } from "@mailfleet/runtime";
import { createRoleMetrics, judgeHealth, type RoleServer, showFleet, startRoleServer } from "@mailfleet/telemetry";
import { type FactsSources, readFleetFacts } from "./fleet-facts.ts";

/** What a running producer tells about itself. Times are monotonic ms. */
export interface ProducerSigns {
  /** A round ended, with Redis' answers or without. */
  roundEnded(redisAnswered: boolean): void;
  drains(): void;
  /** Why a shard's Redis may not be used as it is set up now. */
  noteProblems(shard: number, problems: readonly string[]): void;
}

/** Two scrapers, or an impatient one, read the fleet once. */
const believedMs = 5_000;

export interface ShownProducer {
  readonly signs: ProducerSigns;
  close(): void;
}

/** @throws SyncError CONFIG_INVALID when the address of `metrics.listen` cannot be had */
export async function showProducer(config: Config, clock: Clock, log: Log, sources: FactsSources): Promise<ShownProducer> {
  let [roundAt, redisAt] = [clock.monotonic(), clock.monotonic()];
  let isDraining = false;
  const problems = new Map<number, readonly string[]>();
  const signs: ProducerSigns = {
    roundEnded(redisAnswered) {
      roundAt = clock.monotonic();
      if (redisAnswered) redisAt = roundAt;
    },
    drains() {
      isDraining = true;
    },
    noteProblems(shard, found) {
      problems.set(shard, found);
    },
  };
  if (!config.metrics) return { signs, close: () => undefined };
  const metrics = createRoleMetrics({ role: "producer", version: programVersion(new URL("../package.json", import.meta.url)) });
  let readAt = -Infinity;
  metrics.onScrape(async () => {
    metrics.set("lastSign", {}, (clock.monotonic() - roundAt) / 1_000);
    if (clock.monotonic() - readAt < believedMs) return;
    showFleet(metrics, await readFleetFacts(sources), stateWords);
    readAt = clock.monotonic();
  });
  const server: RoleServer = await startRoleServer({
    listen: config.metrics.listen,
    metrics,
    log,
    health: () =>
      judgeHealth({
        sinceRoundMs: clock.monotonic() - roundAt,
        sinceRedisMs: clock.monotonic() - redisAt,
        isDraining,
        holds: [...new Set([...problems.values()].flat())],
      }),
  });
  log.info({ port: server.port }, "metrics and health are shown");
  return { signs, close: () => server.close() };
}
