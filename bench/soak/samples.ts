import type { ChildProcess } from "node:child_process";
import { type FittedLine, hasSlope, leastSquares, round } from "../kit/statistics.ts";
import type { Probed } from "./probe.ts";

/** Of one process: minutes since the start of the measurement, and what it held then. */
export interface Track {
  readonly name: string;
  readonly rssMb: [minute: number, megabytes: number][];
  readonly heapMb: [minute: number, megabytes: number][];
  /** Whole ones, the first and the last of which are compared. */
  readonly probes: Probed[];
}

/** Growth of the last half, and whether it can be told from none. */
export interface Growth {
  readonly mbPerHour: number;
  readonly standardError: number;
  readonly isGrowing: boolean;
  readonly samples: number;
}

/** On a machine that does much else a whole probe takes its time. */
const probeWithinMs = 120_000;
let serial = 0;

/** Later ones only: in the first half caches fill and code is compiled. */
export function growthOfLastHalf(points: readonly (readonly [minute: number, megabytes: number])[]): Growth {
  const end = points.at(-1)?.[0] ?? 0;
  const half = points.filter(([minute]) => minute >= end / 2).map(([minute, megabytes]) => [minute / 60, megabytes] as const);
  const line: FittedLine = leastSquares(half);
  return {
    mbPerHour: round(line.slope),
    standardError: round(line.slopeError),
    isGrowing: hasSlope(line) && !(line.slope < 0),
    samples: half.length,
  };
}

/** Each kind at the first probe and at the last. */
export function compareProbes(probes: readonly Probed[]): Readonly<Record<string, readonly [first: number, last: number]>> {
  const [first, last] = [probes[0], probes.at(-1)];
  if (!first || !last) return {};
  const flat = ({ objects, resources, heapMb }: Probed): Record<string, number> => ({ heapMb: round(heapMb), ...objects, ...resources });
  const [before, after] = [flat(first), flat(last)];
  return Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(after)])].map((kind) => [kind, [before[kind] ?? 0, after[kind] ?? 0]]),
  );
}

/** Undefined where the process does not answer in time. */
export function askProbe(child: ChildProcess, isWhole: boolean): Promise<Probed | undefined> {
  const id = ++serial;
  return new Promise((resolve) => {
    const done = (probed?: Probed): void => {
      clearTimeout(timer);
      child.off("message", listen);
      resolve(probed);
    };
    const listen = (message: unknown): void => {
      if (typeof message === "object" && message !== null && "probed" in message && "id" in message && message.id === id)
        done(message.probed as Probed);
    };
    const timer = setTimeout(done, probeWithinMs);
    child.on("message", listen);
    child.send({ type: "probe", id, isWhole });
  });
}
