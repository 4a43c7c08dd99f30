import { performance } from "node:perf_hooks";
import { mailboxId, redisKeys } from "@mailfleet/core";
import type { BenchFleet } from "../kit/bench-fleet.ts";
import { pause } from "../kit/until.ts";

/** How far the first pass is: a mailbox is passed once it was checked, its history is complete, and nothing of it is to do. */
export interface FirstPass {
  readonly seconds: number;
  /** Seconds since the start, and mailboxes passed by then. */
  readonly progress: readonly (readonly [seconds: number, passed: number])[];
}

const lookMs = 1_000;
const sayEveryMs = 10_000;
const keys = redisKeys();
const chunk = 1_000;

/** @param startedAt of `performance.now()` */
export async function untilPassed(
  fleet: BenchFleet,
  startedAt: number,
  giveUpMs: number,
  say: (line: string) => void,
  isWanted: (alias: string) => boolean = () => true,
): Promise<FirstPass> {
  let left = idsOf(fleet, isWanted);
  const all = left.length;
  const progress: [number, number][] = [[0, 0]];
  let saidAt = startedAt;
  for (;;) {
    left = await stillToPass(fleet, left);
    const now = performance.now();
    const seconds = (now - startedAt) / 1_000;
    progress.push([seconds, all - left.length]);
    if (left.length === 0) return { seconds, progress };
    if (now - startedAt > giveUpMs)
      throw new Error(
        `${left.length} of ${all} mailboxes not passed after ${giveUpMs / 60_000} min, such as ${left[0]}\n${fleet.output().slice(-3_000)}`,
      );
    if (now - saidAt > sayEveryMs) {
      saidAt = now;
      say(`${Math.round(seconds)} s: ${all - left.length} of ${all} mailboxes passed`);
    }
    await pause(lookMs);
  }
}

export function idsOf({ sandbox }: BenchFleet, isWanted: (alias: string) => boolean = () => true): readonly string[] {
  return sandbox.tenants
    .filter(({ alias }) => isWanted(alias))
    .flatMap(({ alias, addresses }) => addresses.map((address) => mailboxId({ tenant: alias, address })));
}

async function stillToPass({ redis }: BenchFleet, ids: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (let i = 0; i < ids.length; i += chunk) {
    const some = ids.slice(i, i + chunk);
    const pipeline = redis.pipeline();
    for (const id of some) pipeline.hmget(keys.mailbox(id), "checkedAt", "history", "t");
    for (const [j, [error, values]] of ((await pipeline.exec()) ?? []).entries()) {
      if (error) throw error;
      const [checkedAt, history, toDo] = values as (string | null)[];
      if (!checkedAt || history !== "0" || Number(toDo ?? 0) !== 0) left.push(some[j] as string);
    }
  }
  return left;
}
