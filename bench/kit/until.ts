/** Asks until it is so. @throws Error with `explain`'s text after `giveUpMs` */
export async function until(
  what: string,
  isReached: () => Promise<boolean> | boolean,
  { giveUpMs, lookMs, explain }: { readonly giveUpMs: number; readonly lookMs: number; readonly explain: () => string },
): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  while (!(await isReached())) {
    if (performance.now() > deadline) throw new Error(`${what}: not after ${Math.round(giveUpMs / 1_000)} s\n${explain().slice(-4_000)}`);
    await pause(lookMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
