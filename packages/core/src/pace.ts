/**
 * How fast a mailbox's server lets it be read, as far as it showed. Nothing of it is stored for a server that never slowed.
 *
 * Exchange counts server time: a burst, then what is refilled by the second. So what is kept is a share
 * of the wall clock that the server may spend on the mailbox, not a number of messages.
 */
export interface Pace {
  /** Share of the wall clock, above 0 and at most 1. */
  readonly duty: number;
  /** The share that was too much when the server last showed it. */
  readonly ceiling: number;
  /** Epoch ms from when the speed grows again: of that, or the end of the wait that was asked for. */
  readonly since: number;
  /** How it showed: answers got slow, perhaps until a refusal; or a command was refused with a wait hint and nothing before. */
  readonly sign: "slow" | "hint";
  /** Server ms spent since the server last began to show it. */
  readonly spentMs: number;
  /** Epoch ms of that. */
  readonly countedFrom: number;
  /** What undelayed answers take, ms; 0 where not known. A STATUS, the first message of a FETCH, each further one. */
  readonly lookMs: number;
  readonly firstMs: number;
  readonly messageMs: number;
}

const version = 1;

/** As it is kept with the mailbox: less than 100 bytes. */
export function packPace(pace: Pace): string {
  const short = (value: number): number => Number(value.toPrecision(4));
  const { duty, ceiling, since, countedFrom, sign, spentMs, lookMs, firstMs, messageMs } = pace;
  const times = [spentMs, lookMs, firstMs, messageMs].map(short);
  return JSON.stringify([
    version,
    short(duty),
    short(ceiling),
    Math.round(since),
    Math.round(countedFrom),
    sign === "hint" ? 1 : 0,
    ...times,
  ]);
}

/** Undefined for what cannot be read: it is learned anew. */
export function unpackPace(text: string | undefined): Pace | undefined {
  const row = text === undefined ? undefined : readRow(text);
  if (row?.[0] !== version) return undefined;
  const [, duty = 0, ceiling = 0, since = 0, countedFrom = 0, sign = 0, spentMs = 0, lookMs = 0, firstMs = 0, messageMs = 0] = row;
  if (!(duty > 0 && duty <= 1 && ceiling > 0 && ceiling <= 1)) return undefined;
  return { duty, ceiling, since, sign: sign === 1 ? "hint" : "slow", spentMs, countedFrom, lookMs, firstMs, messageMs };
}

function readRow(text: string): readonly number[] | undefined {
  try {
    const row: unknown = JSON.parse(text);
    const isRow =
      Array.isArray(row) && row.length === 10 && row.every((one) => typeof one === "number" && Number.isFinite(one) && one >= 0);
    return isRow ? (row as number[]) : undefined;
  } catch {
    return undefined;
  }
}
