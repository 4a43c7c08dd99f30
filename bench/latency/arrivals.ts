import { percentile } from "../kit/statistics.ts";
import type { Delivery, SandboxProcess } from "../kit/sandbox-process.ts";
import { pause } from "../kit/until.ts";
import type { EventTimes } from "./event-times.ts";

/** From delivery to the event's commit, ms. */
export interface Latencies {
  readonly deliveries: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Those that did not come within the time that was given. More than none makes every other figure too good. */
  readonly missing: number;
}

export interface ArrivalOptions {
  readonly sandbox: SandboxProcess;
  readonly addresses: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
}

let serial = 0;

/** One message to one mailbox after the other, gaps half to one and a half times the mean: no mailbox gets two at a time. */
export async function deliver({ sandbox, addresses, perSecond, seconds }: ArrivalOptions): Promise<readonly Delivery[]> {
  if (addresses.length === 0) return [];
  const deliveries: Promise<Delivery>[] = [];
  const endAt = performance.now() + seconds * 1_000;
  while (performance.now() < endAt) {
    const n = serial++;
    const address = addresses[n % addresses.length] as string;
    const head = `From: sender@bench.example\r\nTo: ${address}\r\nSubject: ${n}\r\nMessage-ID: <latency-${n}@bench.example>\r\n`;
    deliveries.push(sandbox.deliver(address, `${head}\r\n${"x".repeat(2_000)}\r\n`));
    await pause((1_000 / perSecond) * (0.5 + Math.random()));
  }
  return Promise.all(deliveries);
}

/** Waits until each has its event, or for so long. */
export async function latenciesOf(times: EventTimes, deliveries: readonly Delivery[], withinMs: number): Promise<readonly number[]> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline && deliveries.some((one) => times.of(one) === undefined)) await pause(lookMs);
  return deliveries.flatMap((one) => {
    const at = times.of(one);
    return at === undefined ? [] : [Math.max(0, at - one.at)];
  });
}

const lookMs = 200;

export function summarise(latencies: readonly number[], deliveries: number): Latencies {
  const rank = (share: number): number => percentile(latencies, share);
  return {
    deliveries,
    p50Ms: rank(0.5),
    p90Ms: rank(0.9),
    p99Ms: rank(0.99),
    maxMs: rank(1),
    missing: deliveries - latencies.length,
  };
}
