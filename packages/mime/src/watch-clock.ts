/** Aborts `ms` after the thread began, however long it waited to begin. */
export function watchClock(startedAt: BigInt64Array, ms: number): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let isStopped = false;
  let timer = setTimeout(check, ms);
  function check(): void {
    const start = Atomics.load(startedAt, 0);
    const left = start === 0n ? ms : ms - Number(process.hrtime.bigint() - start) / 1e6;
    if (left > 0) timer = setTimeout(check, left);
    // an answer may already lie in the queue of an event loop that was busy: let it in first
    else setImmediate(() => void (isStopped || controller.abort()));
  }
  return {
    signal: controller.signal,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
