/** How long the same warning stays quiet, ms (T59). */
const quietMs = 60_000;
/** Above this many different warnings the oldest are forgotten: a flood of odd ones must not fill the memory. */
const maxKeys = 10_000;

/** Lets the same warning through once a minute, with the number of those kept back. Pure but for its memory. */
export class RepeatLimiter {
  readonly #seen = new Map<string, { at: number; held: number }>();

  /** @param now monotonic ms @returns how many were kept back since the last one, or undefined when this one is to be kept back too */
  admit(key: string, now: number): number | undefined {
    const before = this.#seen.get(key);
    if (before && now - before.at < quietMs) {
      before.held++;
      return undefined;
    }
    this.#seen.delete(key);
    this.#seen.set(key, { at: now, held: 0 });
    if (this.#seen.size > maxKeys) this.#seen.delete(this.#seen.keys().next().value as string);
    return before?.held ?? 0;
  }
}
