import type { Clock, Log } from "@mailfleet/core";

const quietMs = 60_000;

/** Logs one line a minute per cause, with how many were left out: what fails on every call must not flood. */
export class QuietLog {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #log: Log;
  readonly #causes = new Map<string, { at: number; left: number }>();

  constructor(log: Log, clock: Pick<Clock, "monotonic">) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(cause: string, fields: object, message: string): void {
    const now = this.#clock.monotonic();
    const seen = this.#causes.get(cause);
    if (seen && now - seen.at < quietMs) {
      seen.left++;
      return;
    }
    this.#causes.set(cause, { at: now, left: 0 });
    this.#log.warn({ ...fields, ...(seen && seen.left > 0 && { repeated: seen.left }) }, message);
  }
}
