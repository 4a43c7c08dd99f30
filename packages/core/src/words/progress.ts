import { formatRoughly } from "./times.ts";

/** One look at a counter that only rises. `at` in ms of any clock that does not jump. */
export interface Sample {
  readonly at: number;
  readonly done: number;
}

export interface Progress {
  readonly startedAt: number;
  /** Where the counter stood at the start: a second run does not count what the first one did. */
  readonly startedWith: number;
  /** Not older than the window, the latest last. */
  readonly samples: readonly Sample[];
}

const windowMs = 10_000;
/** Before this an estimate is a guess, and is not shown. */
const minRunMs = 5_000;

export function startProgress(at: number, done: number): Progress {
  return { startedAt: at, startedWith: done, samples: [{ at, done }] };
}

/** Keeps what the moving average needs: the last ten seconds and one look before them. */
export function noteProgress(progress: Progress, at: number, done: number): Progress {
  const samples = [...progress.samples, { at, done }];
  const first = samples.findIndex((sample) => sample.at > at - windowMs);
  return { ...progress, samples: samples.slice(Math.max(0, first - 1)) };
}

/** Per second, over the last ten seconds; 0 before there are two looks. */
export function currentRate(progress: Progress): number {
  const last = progress.samples.at(-1);
  const first = progress.samples[0];
  if (last === undefined || first === undefined || last.at <= first.at) return 0;
  return Math.max(0, ((last.done - first.done) / (last.at - first.at)) * 1_000);
}

/** `about 50 s`, by the average of the whole run; undefined before 5 s, without progress, or when nothing is left. */
export function timeLeft(progress: Progress, total: number): string | undefined {
  const last = progress.samples.at(-1);
  if (last === undefined) return undefined;
  const ranMs = last.at - progress.startedAt;
  const doneNow = last.done - progress.startedWith;
  const left = total - last.done;
  if (ranMs < minRunMs || doneNow <= 0 || left <= 0) return undefined;
  return `about ${formatRoughly((left / doneNow) * ranMs)}`;
}
