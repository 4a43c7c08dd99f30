import { type Clock, stateWords } from "@mailfleet/core";
import type { RolePanel } from "@mailfleet/role";
import { judgeHealth, showFleet } from "@mailfleet/telemetry";
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

export function showProducer({ metrics, judgeBy }: RolePanel, clock: Clock, sources: FactsSources): ProducerSigns {
  let [roundAt, redisAt] = [clock.monotonic(), clock.monotonic()];
  let isDraining = false;
  const problems = new Map<number, readonly string[]>();
  let readAt = -Infinity;
  metrics?.onScrape(async () => {
    metrics.set("lastSign", {}, (clock.monotonic() - roundAt) / 1_000);
    if (clock.monotonic() - readAt < believedMs) return;
    showFleet(metrics, await readFleetFacts(sources), stateWords);
    readAt = clock.monotonic();
  });
  judgeBy(() =>
    judgeHealth({
      sinceRoundMs: clock.monotonic() - roundAt,
      sinceRedisMs: clock.monotonic() - redisAt,
      isDraining,
      holds: [...new Set([...problems.values()].flat())],
    }),
  );
  return {
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
}
