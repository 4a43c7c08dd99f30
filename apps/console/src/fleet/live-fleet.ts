import { randomBytes } from "node:crypto";
import { type Clock, isSyncError, type Log } from "@mailfleet/core";
import type { Beat, FleetPatch } from "@mailfleet/core/console";
import type { FleetChanges } from "@mailfleet/store";
import { within } from "../within.ts";
import { FleetMemory, type FleetMemoryOptions, type FleetSide } from "./fleet-memory.ts";

/**
 * Between two looks while somebody watches, and while nobody does: then a look only keeps the next page from being old, and gives each
 * 10 s of the charts a sample.
 */
const watchedMs = 1_000;
const unwatchedMs = 9_000;
/** Nobody watches when no page was asked for, and no stream is open, for this long. */
const leftMs = 30_000;
/** Queue, credentials and the like, which have keys of their own. */
const sideMs = 5_000;
/** Facts older than this are not shown as they are: no news is not good news. */
const oldMs = 10_000;
/** An answer of Redis that takes longer is given up; the next look asks anew. */
const patienceMs = 8_000;

export interface LiveFleetOptions extends FleetMemoryOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** One for each shard. */
  readonly changes: readonly FleetChanges[];
  readonly readSide: () => Promise<FleetSide>;
  /** After each look, whatever differs. */
  readonly onLook?: (memory: FleetMemory, at: number) => void;
}

/** The fleet in memory, kept up to date. */
export class LiveFleet {
  readonly memory: FleetMemory;
  /** Names this process to pages. */
  readonly process = randomBytes(6).toString("hex");
  readonly #options: LiveFleetOptions;
  readonly #listeners = new Set<(patch: FleetPatch) => void>();
  readonly #stop = new AbortController();
  #aheadMs = 0;
  #factsAt = 0;
  #trouble: string | undefined = "The console has just started.";
  #roundMs: number;
  #redisMs: number;
  #askedMs = Number.NEGATIVE_INFINITY;
  #sideMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  /** What Redis was asked and has not answered: another look waits for it, and does not ask beside it. */
  #reading: Promise<void> | undefined;

  constructor(options: LiveFleetOptions) {
    this.#options = options;
    this.memory = new FleetMemory(options);
    this.#roundMs = this.#redisMs = options.clock.monotonic();
  }

  /** ms since the last look ended, whatever came of it, and since Redis answered one. */
  get signs(): { readonly sinceRoundMs: number; readonly sinceRedisMs: number } {
    const now = this.#options.clock.monotonic();
    return { sinceRoundMs: now - this.#roundMs, sinceRedisMs: now - this.#redisMs };
  }

  /** Epoch ms by Redis' clock, as well as it is known. */
  now(): number {
    return Math.round(this.#options.clock.now() + this.#aheadMs);
  }

  beat(): Beat {
    const trouble = this.#trouble ?? (this.now() - this.#factsAt > oldMs ? "Redis has not answered for some seconds." : undefined);
    return {
      at: this.now(),
      process: this.process,
      revision: this.memory.revision,
      factsAt: this.#factsAt,
      ...(trouble !== undefined && { trouble }),
    };
  }

  /** False: what is shown is how it was then, and nothing can be done. */
  get isLive(): boolean {
    return this.#factsAt > 0 && this.now() - this.#factsAt <= oldMs;
  }

  /** Somebody looks: facts are kept as fresh as they can be, and what is asked for now waits for a look where the last one is old. */
  async attend(): Promise<void> {
    const { clock } = this.#options;
    const isAwake = clock.monotonic() - this.#askedMs < leftMs || this.#listeners.size > 0;
    this.#askedMs = clock.monotonic();
    if (isAwake && this.isLive) return;
    this.#wake?.();
    await this.#look();
  }

  onPatch(listener: (patch: FleetPatch) => void): () => void {
    this.#listeners.add(listener);
    this.#wake?.();
    return () => this.#listeners.delete(listener);
  }

  /** Looks until it is closed. */
  async run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#look();
      const isWatched = this.#listeners.size > 0 || clock.monotonic() - this.#askedMs < leftMs;
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await clock.sleep(isWatched ? watchedMs : unwatchedMs, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
      this.#wake = undefined;
    }
  }

  close(): void {
    this.#stop.abort(new Error("the console stops"));
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { clock, log, onLook } = this.#options;
    try {
      this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
      await within(clock, patienceMs, this.#reading, () => new Error("TIMEOUT"));
      this.#roundMs = this.#redisMs = clock.monotonic();
    } catch (error) {
      this.#roundMs = clock.monotonic();
      if (this.#stop.signal.aborted) return;
      const code = isSyncError(error) ? error.failure.code : error instanceof Error ? error.message.split(" ", 1)[0] : "UNKNOWN";
      if (this.#trouble === undefined) log.warn({ code }, "the console cannot see the fleet, trying again");
      this.#trouble = "Redis does not answer.";
      return;
    }
    const at = this.now();
    const patch = this.memory.settle(at);
    if (this.#trouble !== undefined) log.info({ mailboxes: this.memory.summary.mailboxes }, "the console sees the fleet");
    this.#trouble = undefined;
    onLook?.(this.memory, at);
    if (patch) for (const listener of this.#listeners) listener(patch);
  }

  async #read(): Promise<void> {
    const { clock, changes, readSide } = this.#options;
    if (clock.monotonic() - this.#sideMs >= sideMs) {
      this.memory.noteSide(await readSide());
      this.#sideMs = clock.monotonic();
    }
    for (const news of await Promise.all(changes.map((one) => one.look()))) {
      this.memory.take(news);
      this.#aheadMs = news.at - clock.now();
      this.#factsAt = news.at;
    }
  }
}
