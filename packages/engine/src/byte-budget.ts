const mb = 1024 * 1024;
/** Code, heap and buffers of a worker that has no mail in flight, and of each thread that parses: measured, rounded up. */
const ownMb = { process: 300, thread: 100 };
/** What a raw byte in flight costs at its worst: itself, its copy in a thread, what is decoded from it and not written yet. */
const costOfRawByte = 3;
/** Less would stop the worker: one batch has to fit, and one more to be fetched meanwhile. */
const leastMb = 16;

/** Raw bytes that may be in flight in a process that may take `memoryMb`. */
export function bytesInFlight(memoryMb: number, parseThreads: number): number {
  return Math.max(leastMb, Math.floor((memoryMb - ownMb.process - ownMb.thread * parseThreads) / costOfRawByte)) * mb;
}

/** Raw bytes in flight in this process, whatever the number of sessions (G4, T26). First come, first served. */
export interface ByteBudget {
  /** Waits for room; a request above the whole budget waits until it is alone. Rejects with `signal.reason`. */
  take(bytes: number, signal: AbortSignal): Promise<() => void>;
}

interface Waiter {
  readonly bytes: number;
  readonly grant: () => void;
}

export function createByteBudget(totalBytes: number): ByteBudget {
  let used = 0;
  const queue: Waiter[] = [];
  const admit = (): void => {
    for (let next = queue[0]; next && (used === 0 || used + next.bytes <= totalBytes); next = queue[0]) {
      queue.shift();
      used += next.bytes;
      next.grant();
    }
  };
  return {
    async take(bytes, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter: Waiter = { bytes, grant: resolve };
      const onAbort = (): void => {
        const at = queue.indexOf(waiter);
        if (at < 0) return;
        queue.splice(at, 1);
        reject(signal.reason as Error);
        admit();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      queue.push(waiter);
      admit();
      try {
        await promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
      let isGivenBack = false;
      return () => {
        if (isGivenBack) return;
        isGivenBack = true;
        used -= bytes;
        admit();
      };
    },
  };
}
