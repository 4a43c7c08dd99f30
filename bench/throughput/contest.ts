import { figuresOf, type Figures, ratioOf, type Result } from "./report.ts";
import { runMailfleet } from "./run-mailfleet.ts";
import { runMbsync, runObviousLoop } from "./run-others.ts";
import { pythonVersion, runPoplib } from "./run-poplib.ts";
import type { World } from "./world.ts";

export interface ContestOptions {
  readonly runs: number;
  /** Parser threads of mailfleet's worker. */
  readonly threads: number;
  /** Folder of mailfleet's built programs. */
  readonly programs: string;
  readonly say: (line: string) => void;
}

export interface Contest {
  /** mailfleet's first. */
  readonly rows: readonly [Figures, ...Figures[]];
  /** By the name of whom mailfleet is compared with. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** mailfleet and the others over the same mailboxes, in turns within each run, so that a drift of the machine hits all of them. */
export async function holdContest(world: World, { runs, threads, programs, say }: ContestOptions): Promise<Contest> {
  const own = () => runMailfleet(world, { parseThreads: threads, programs });
  const others = othersFor(world);
  const runners = [own, ...others];
  const results: Result[][] = runners.map(() => []);
  // Dovecot builds its index at the first look, which would be the first contestant's loss.
  await (world.protocol === "imap" ? runObviousLoop(world) : (others.at(-1) ?? own)());
  for (let run = 1; run <= runs; run++) {
    for (let i = 0; i < runners.length; i++) {
      const turn = (i + run) % runners.length;
      const result = await runners[turn]?.();
      if (!result) continue;
      results[turn]?.push(result);
      say(`run ${run}: ${result.name} ${Math.round(result.messages / result.seconds)} messages/s, ${Math.round(result.peakRssMb)} MB`);
    }
  }
  const [ours = [], ...theirs] = results.filter((some) => some.length > 0);
  return {
    rows: [figuresOf(ours), ...theirs.map(figuresOf)],
    ratios: Object.fromEntries(theirs.map((some) => [some[0]?.name ?? "", ratioOf(ours, some)])),
  };
}

const poplibProcesses = [1, 4];

/** Without Python there is nobody to compare POP3 with, and mailfleet's own figures are worth having all the same. */
function othersFor(world: World): readonly (() => Promise<Result | undefined>)[] {
  if (world.protocol === "imap") return [() => runObviousLoop(world), () => runMbsync(world)];
  if (pythonVersion() !== "") return poplibProcesses.map((count) => () => runPoplib(world, count));
  process.stderr.write("no python3 on this machine: poplib is left out, and there are no ratios\n");
  return [];
}
