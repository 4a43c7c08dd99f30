import type { Clock } from "@mailfleet/core";

export interface FakeClock extends Clock {
  /** Moves both clocks and wakes sleepers in the order of their times; each gets to run before the next wakes. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock only, as NTP or a person does. */
  setWallClock(ms: number): void;
  /** Sleeps that have not ended: a test can wait until the code under test sleeps. */
  readonly sleeping: number;
  /** Resolves when at least `count` sleeps wait. */
  untilSleeping(count?: number): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** @param startMs epoch ms; default 2026-01-01T00:00:00Z */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let wallOffset = startMs;
  let elapsed = 0;
  let sleepers: Sleeper[] = [];
  let watchers: { readonly count: number; resolve(): void }[] = [];
  const notify = (): void => {
    for (const watcher of watchers) if (sleepers.length >= watcher.count) watcher.resolve();
    watchers = watchers.filter((watcher) => sleepers.length < watcher.count);
  };
  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const remove = (): void => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener("abort", onAbort);
        };
        const onAbort = (): void => {
          remove();
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          at: elapsed + Math.max(0, ms),
          wake() {
            remove();
            resolve();
          },
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        sleepers.push(sleeper);
        notify();
      });
    },
    async advance(ms) {
      const target = elapsed + ms;
      for (;;) {
        await settle();
        const next = sleepers.filter((sleeper) => sleeper.at <= target).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        elapsed = Math.max(elapsed, next.at);
        next.wake();
      }
      elapsed = target;
      await settle();
    },
    setWallClock(ms) {
      wallOffset = ms - elapsed;
    },
    get sleeping() {
      return sleepers.length;
    },
    untilSleeping(count = 1) {
      return new Promise((resolve) => {
        watchers.push({ count, resolve });
        notify();
      });
    },
  };
}

/** Lets every promise that can go on do so. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
