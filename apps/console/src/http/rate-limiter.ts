/** So many in so long, for each key; bounded memory, whoever asks. */
export interface RateLimit {
  readonly count: number;
  readonly windowMs: number;
}

/** Sources that are remembered; beyond them the oldest are forgotten. */
const mostKeys = 10_000;

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #times = new Map<string, number[]>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** ms until the next one is taken; 0 where it is taken now. Does not count. @param now monotonic ms */
  waitMs(key: string, now: number): number {
    const times = this.#recent(key, now);
    const [first] = times;
    return first === undefined || times.length < this.#limit.count ? 0 : Math.ceil(first + this.#limit.windowMs - now);
  }

  count(key: string, now: number): void {
    const times = this.#recent(key, now);
    times.push(now);
    this.#times.delete(key);
    this.#times.set(key, times);
    if (this.#times.size > mostKeys) {
      const [oldest] = this.#times.keys();
      if (oldest !== undefined) this.#times.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#times.delete(key);
  }

  #recent(key: string, now: number): number[] {
    return (this.#times.get(key) ?? []).filter((at) => now - at < this.#limit.windowMs).slice(-this.#limit.count);
  }
}
