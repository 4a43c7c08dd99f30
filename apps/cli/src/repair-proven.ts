import { type Fleet, openStore, type Prover, type ProvenOrNot } from "@mailfleet/checks";
import { formatCount, formatCounted, type HandOff, mailboxId, uidsOfProof } from "@mailfleet/core";
import { type FolderGap, repairUntilProven } from "@mailfleet/engine";
import { createHandOff, shardedHandOff } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import type { ProgressLine } from "./progress-line.ts";
import { eachShard } from "./wire.ts";

/** One mailbox after the other: each waits for the workers anyway. */
export async function repairAll(
  fleet: Fleet,
  prover: Prover,
  found: readonly ProvenOrNot[],
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<readonly ProvenOrNot[]> {
  const { parts, close } = await eachShard(fleet, ({ keys }, queue) => createHandOff({ queue, keys, clock: systemClock }));
  const handOff = shardedHandOff(parts);
  try {
    const results: ProvenOrNot[] = [];
    for (const proven of found) results.push(await repairOne(fleet, prover, proven, { progress, handOff, signal }));
    return results;
  } finally {
    await close();
  }
}

async function repairOne(
  fleet: Fleet,
  prover: Prover,
  found: ProvenOrNot,
  { progress, handOff, signal }: { readonly progress: ProgressLine; readonly handOff: HandOff; readonly signal: AbortSignal },
): Promise<ProvenOrNot> {
  const { mailbox } = found;
  const ports = {
    clock: systemClock,
    chance: systemChance,
    store: openStore(fleet),
    handOff,
    poke: () => fleet.due.poke(mailbox.tenant, [mailboxId(mailbox)]),
    isAnyoneWorking: async () => (await fleet.reader.processes()).some(({ role }) => role === "worker"),
  };
  const onProgress = (left: number, all: number): void =>
    progress.update(`${mailbox.address}: ${formatCount(all - left)} of ${formatCounted(all, "missing message")} fetched`);
  const prove = (): Promise<ProvenOrNot> => prover.proveOne(mailbox);
  const { proven, outcome, putBack } = await repairUntilProven(ports, { mailbox, onProgress }, found, prove, gapsOf, signal);
  return "failure" in proven || outcome === undefined ? proven : { ...proven, repair: { ending: outcome, putBack } };
}

function gapsOf(proven: ProvenOrNot): FolderGap[] {
  if ("failure" in proven) return [];
  return proven.proof.folders.flatMap(({ path: name, counts, uids, checkpoint }) => {
    const gaps = counts.gaps > 0 && uids !== undefined ? uidsOfProof(uids.gaps) : undefined;
    return gaps === undefined ? [] : [{ path: name, generation: checkpoint.generation, uids: gaps }];
  });
}
