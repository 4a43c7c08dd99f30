import { type DownstreamLoad, type DownstreamMarks, type Intake } from "./intake.ts";

/** The marks of one shard, so that all shards together stay below the fleet's. */
export function shareOfMarks({ highWater, highWaterBytes, deadLetters }: DownstreamMarks, shards: number): DownstreamMarks {
  const share = (mark: number): number => Math.ceil(mark / shards);
  return { highWater: share(highWater), highWaterBytes: share(highWaterBytes), deadLetters: share(deadLetters) };
}

/** What waits in all shards. @param loads at least one */
export function sumLoads(loads: readonly DownstreamLoad[]): DownstreamLoad {
  return loads.reduce((sum, one) => {
    const oldest = [sum.oldestAt, one.oldestAt].filter((at) => at !== undefined);
    return {
      waiting: sum.waiting + one.waiting,
      active: sum.active + one.active,
      delayed: sum.delayed + one.delayed,
      failed: sum.failed + one.failed,
      bytes: sum.bytes + one.bytes,
      ...(oldest.length > 0 && { oldestAt: Math.min(...oldest) }),
      memoryShare: Math.max(sum.memoryShare, one.memoryShare),
      problems: [...new Set([...sum.problems, ...one.problems])],
    };
  });
}

/** The shard that is held back most, and among those of one state the fullest. @param intakes at least one */
export function fullest<T extends Intake>(intakes: readonly T[]): T {
  return intakes.reduce((a, b) => (rank(b) > rank(a) || (rank(b) === rank(a) && b.fill > a.fill) ? b : a));
}

function rank({ lanes }: Intake): number {
  const states = { open: 0, slow: 1, closed: 2 } as const;
  return 3 * states[lanes.fresh.state] + states[lanes.backfill.state];
}
