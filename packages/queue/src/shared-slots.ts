/** How many mailboxes a worker has in work at once in one lane, over all shards. First come, first served. */
export interface SharedSlots {
  readonly size: number;
  /** True where one was free. */
  tryTake(): boolean;
  /** Resolves with false when the signal aborts before there is one. */
  take(signal: AbortSignal): Promise<boolean>;
  giveBack(): void;
  /** Somebody waits. */
  isWanted(): boolean;
  /** One more until it is given back; at most as many again as `size`: then it is undefined. */
  lend(): (() => void) | undefined;
}

export function createSharedSlots(size: number): SharedSlots {
  let free = size;
  let lent = 0;
  const waiting: (() => void)[] = [];
  const add = (): void => {
    free++;
    // Below none where a lent one was taken back while it was in use.
    if (free > 0) waiting.shift()?.();
  };
  const tryTake = (): boolean => {
    if (free < 1) return false;
    free--;
    return true;
  };
  return {
    size,
    tryTake,
    take(signal) {
      if (signal.aborted) return Promise.resolve(false);
      if (waiting.length === 0 && tryTake()) return Promise.resolve(true);
      return new Promise((resolve) => {
        const give = (): void => {
          signal.removeEventListener("abort", leave);
          free--;
          resolve(true);
        };
        const leave = (): void => {
          waiting.splice(waiting.indexOf(give), 1);
          resolve(false);
        };
        waiting.push(give);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
    giveBack: add,
    isWanted: () => waiting.length > 0,
    lend() {
      if (lent >= size) return undefined;
      lent++;
      add();
      let isBack = false;
      return () => {
        if (isBack) return;
        isBack = true;
        lent--;
        free--;
      };
    },
  };
}
