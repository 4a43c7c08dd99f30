import { performance } from "node:perf_hooks";
import { mailboxId, redisKeys } from "@mailfleet/core";
import type { BenchFleet } from "../kit/bench-fleet.ts";
import { pause } from "../kit/until.ts";

/** How far the first pass is: a mailbox is passed once it was checked, its history is complete, and nothing of it is to do. */
export interface FirstPass {
  readonly seconds: number;
  /** Seconds since the start, mailboxes that were looked at by then, and passed ones among them. */
  readonly progress: readonly (readonly [seconds: number, checked: number, passed: number])[];
  /** Mailboxes that were not passed in time. */
  readonly left: number;
}

/** Asking for ten thousand is work that the machine has to do besides. */
const lookMs = { many: 3_000, few: 500 };
const many = 1_000;
const sayEveryMs = 10_000;
const keys = redisKeys();
const chunk = 1_000;

/**
 * Until all are passed, or for so long.
 * @param startedAt of `performance.now()`
 */
export async function watchFirstPass(
  fleet: BenchFleet,
  startedAt: number,
  withinMs: number,
  say: (line: string) => void,
  isWanted: (alias: string) => boolean = () => true,
): Promise<FirstPass> {
  let left = idsOf(fleet, isWanted);
  const all = left.length;
  const progress: [number, number, number][] = [[0, 0, 0]];
  let saidAt = startedAt;
  for (;;) {
    const still = await stillToPass(fleet, left);
    left = still.left;
    const now = performance.now();
    const seconds = (now - startedAt) / 1_000;
    progress.push([seconds, all - still.unchecked, all - left.length]);
    if (left.length === 0 || now - startedAt > withinMs) return { seconds, progress, left: left.length };
    if (now - saidAt > sayEveryMs) {
      saidAt = now;
      say(`${Math.round(seconds)} s: ${all - still.unchecked} of ${all} mailboxes looked at, ${all - left.length} passed`);
    }
    await pause(left.length > many ? lookMs.many : lookMs.few);
  }
}

/** @throws Error when not all are passed in time */
export async function untilPassed(...args: Parameters<typeof watchFirstPass>): Promise<FirstPass> {
  const pass = await watchFirstPass(...args);
  const [fleet] = args;
  if (pass.left > 0)
    throw new Error(`${pass.left} mailboxes not passed after ${Math.round(pass.seconds)} s\n${fleet.output().slice(-3_000)}`);
  return pass;
}

export function idsOf({ sandbox }: BenchFleet, isWanted: (alias: string) => boolean = () => true): readonly string[] {
  return sandbox.tenants
    .filter(({ alias }) => isWanted(alias))
    .flatMap(({ alias, addresses }) => addresses.map((address) => mailboxId({ tenant: alias, address })));
}

interface Still {
  readonly left: readonly string[];
  /** Of them, those that nobody looked at yet. */
  readonly unchecked: number;
}

async function stillToPass({ redis }: BenchFleet, ids: readonly string[]): Promise<Still> {
  const left: string[] = [];
  let unchecked = 0;
  for (let i = 0; i < ids.length; i += chunk) {
    const some = ids.slice(i, i + chunk);
    const pipeline = redis.pipeline();
    for (const id of some) pipeline.hmget(keys.mailbox(id), "checkedAt", "history", "t");
    for (const [j, [error, values]] of ((await pipeline.exec()) ?? []).entries()) {
      if (error) throw error;
      const [checkedAt, history, toDo] = values as (string | null)[];
      if (!checkedAt) unchecked++;
      if (!checkedAt || history !== "0" || Number(toDo ?? 0) !== 0) left.push(some[j] as string);
    }
  }
  return { left, unchecked };
}
