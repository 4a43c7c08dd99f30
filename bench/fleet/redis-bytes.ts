import { redisKeys } from "@mailfleet/core";
import type { BenchFleet } from "../kit/bench-fleet.ts";
import { round } from "../kit/statistics.ts";
import { idsOf } from "./first-pass.ts";

/** Where a mailbox's bytes in Redis are, by MEMORY USAGE. */
export interface RedisBytes {
  /** Of samples: the mean. */
  readonly mailbox: number;
  readonly checkpoints: number;
  /** Whole keys over the mailboxes that share them. */
  readonly due: number;
  readonly registry: number;
  /** Everything else of mailfleet and BullMQ, whatever the number of mailboxes. */
  readonly rest: number;
}

const samples = 500;
const keys = redisKeys();

export async function usedMemory({ redis }: BenchFleet): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1] ?? Number.NaN);
}

export async function splitBytes(fleet: BenchFleet): Promise<RedisBytes> {
  const ids = idsOf(fleet);
  const each = Math.max(1, Math.floor(ids.length / samples));
  const sampled = ids.filter((_, i) => i % each === 0);
  const usage = async (names: readonly string[]): Promise<number> => {
    const pipeline = fleet.redis.pipeline();
    for (const name of names) pipeline.call("MEMORY", "USAGE", name, "SAMPLES", "0");
    return ((await pipeline.exec()) ?? []).reduce((sum, [, bytes]) => sum + Number(bytes ?? 0), 0);
  };
  const aliases = fleet.sandbox.tenants.map(({ alias }) => alias);
  const perMailbox = (kind: "mailbox" | "checkpoints"): Promise<number> =>
    usage(sampled.map((id) => keys[kind](id))).then((sum) => sum / sampled.length);
  const due = aliases.flatMap((alias) => [keys.due("fresh", alias), keys.due("backfill", alias)]);
  const [mailbox, checkpoints, dueBytes, registry] = [
    await perMailbox("mailbox"),
    await perMailbox("checkpoints"),
    await usage(due),
    await usage([keys.mailboxes]),
  ];
  const counted = new Set([...due, keys.mailboxes]);
  const others: string[] = [];
  for await (const names of fleet.redis.scanStream({ count: 1_000 }) as AsyncIterable<string[]>)
    others.push(...names.filter((name) => !counted.has(name) && !/:mf:(?:mailbox|checkpoints):/.test(name)));
  return {
    mailbox: round(mailbox, 0),
    checkpoints: round(checkpoints, 0),
    due: round(dueBytes / ids.length, 0),
    registry: round(registry / ids.length, 0),
    rest: await usage(others),
  };
}
