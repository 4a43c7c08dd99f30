import type { Clock } from "@mailfleet/core";

/** What is waited for, and not for ever; it goes on unheard after that. @param ms of patience @throws what tooLate makes */
export async function within<T>(clock: Clock, ms: number, acting: Promise<T>, tooLate: () => Error): Promise<T> {
  const late = new AbortController();
  const waiting = clock.sleep(ms, late.signal).then(() => {
    throw tooLate();
  });
  try {
    return await Promise.race([acting, waiting]);
  } finally {
    late.abort();
    waiting.catch(() => undefined);
    acting.catch(() => undefined);
  }
}
