import type { Clock } from "@mailfleet/core";

/**
 * Waits for something that may never come, such as an answer of a frozen server.
 * @returns false when it was not settled after `ms`; a rejection within that time is thrown, a later one is dropped
 */
export async function settlesWithin(clock: Pick<Clock, "sleep">, ms: number, work: Promise<unknown>): Promise<boolean> {
  const enough = new AbortController();
  const late = clock.sleep(ms, enough.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    enough.abort();
  }
}
