import { limits } from "@mailfleet/core";
import { address, record, sandbox, sync, truth, world } from "./sync-bench.ts";

/* What the suites over a misbehaving server share, for each protocol. */

/** A server that says nothing is left to itself after this; a busy machine takes its time, too. */
export const silenceMs = 2_500;

export type Order = Parameters<typeof sandbox.faults.add>[0];
export const order = (fault: Order): number => sandbox.faults.add({ mailbox: address, ...fault });

/** A message in the middle of the INBOX, so that some come before it and some behind. */
export function middle(): number {
  const inbox = truth("INBOX");
  return inbox[Math.floor(inbox.length / 2)]?.uid ?? 0;
}

/** Syncs until nothing is left to do, as time passes, and gives the last outcome. */
export async function syncToTheEnd() {
  for (let sessions = 0; sessions < 12; sessions++) {
    const outcome = await sync("backfill");
    if (outcome.kind === "done" && !outcome.hasHistory && (await record())?.ledger?.toDo === 0) return outcome;
    world.clockOffset += limits.unfetchableRetryMs + 1;
  }
  return undefined;
}
