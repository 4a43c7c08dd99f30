import type { Queue } from "bullmq";
import type { Sandbox } from "@mailfleet/sandbox";

/** What became of a message, as its event says. */
export interface Outcome {
  readonly type: "message.added" | "message.quarantined";
  readonly code: string | undefined;
  /** Epoch ms at which it was committed. */
  readonly at: number;
}

export const placeOf = (address: string, uid: number): string => `${address} ${uid}`;

/** Outcomes of INBOX messages by {@link placeOf}; a key that is there twice is counted. */
export async function readOutcomes(queue: Queue): Promise<{ readonly outcomes: ReadonlyMap<string, Outcome>; readonly twice: number }> {
  const outcomes = new Map<string, Outcome>();
  let twice = 0;
  for (const job of await queue.getJobs(["waiting"], 0, -1, true)) {
    const event = job.data as { type: string; mailbox: string; uid?: number; folder?: { path: string }; quarantine?: { code: string } };
    if (event.uid === undefined || event.folder?.path !== "INBOX") continue;
    if (event.type !== "message.added" && event.type !== "message.quarantined") continue;
    const place = placeOf(event.mailbox, event.uid);
    if (outcomes.has(place)) twice++;
    outcomes.set(place, { type: event.type, code: event.quarantine?.code, at: job.timestamp });
  }
  return { outcomes, twice };
}

/** Ordinary mail that arrives all the time, at mailboxes in turn, and when each arrived. */
export interface Arrivals {
  readonly at: ReadonlyMap<string, number>;
  stop(): void;
}

export function startArrivals(sandbox: Sandbox, addresses: readonly string[], everyMs: number): Arrivals {
  const at = new Map<string, number>();
  let count = 0;
  const timer = setInterval(() => {
    const address = addresses[count++ % addresses.length] as string;
    const uid = sandbox.deliver(
      address,
      "INBOX",
      Buffer.from(`From: Ann <ann@contoso.example>\r\nSubject: ordinary ${count}\r\n\r\nhello\r\n`),
    );
    at.set(placeOf(address, uid), Date.now());
  }, everyMs);
  return { at, stop: () => clearInterval(timer) };
}

export interface Latency {
  readonly messages: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** From arrival to commit; those that have no outcome yet are left out, and counted by the caller. */
export function latencyOf(arrivals: ReadonlyMap<string, number>, outcomes: ReadonlyMap<string, Outcome>): Latency {
  const waits = [...arrivals].flatMap(([place, at]) => {
    const outcome = outcomes.get(place);
    return outcome ? [outcome.at - at] : [];
  });
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  return { messages: waits.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}
