import type { Chance } from "@mailfleet/core";
import { type CrashWorld, pastLeaseMs } from "./crash-world.ts";
import type { CrashingWorker } from "./crashing-worker.ts";

interface Ticket {
  readonly worker: number;
  readonly release: () => void;
}

/** How often a worker that has its turn stands still instead, past its lease, and for how many turns of the others. */
const sleepChance = 0.05;
const longestSleep = 40;

/**
 * Lets workers take turns, effect by effect, in an order drawn from a seed. Now and then one stands still for longer than its lease
 * lasts, wherever it is, while the other takes the mailbox over.
 */
export class Interleaving {
  readonly #world: CrashWorld;
  readonly #chance: Chance;
  readonly #waiting: Ticket[] = [];
  #workers: readonly CrashingWorker[] = [];
  #sleeper: { readonly worker: number; turns: number } | undefined;
  turns = 0;
  sleeps = 0;

  constructor(world: CrashWorld, chance: Chance) {
    this.#world = world;
    this.#chance = chance;
  }

  turnOf(worker: number): () => Promise<void> {
    return () => new Promise((release) => this.#waiting.push({ worker, release }));
  }

  /** Runs both until each has ended its sessions. */
  async run(workers: readonly CrashingWorker[], sessions: number): Promise<void> {
    this.#workers = workers;
    const running = new Set(workers);
    const all = workers.map(async (worker) => {
      for (let i = 0; i < sessions; i++) {
        const lane = this.#chance.random() < 0.5 ? "fresh" : "backfill";
        await worker.sync(this.#world.settings, this.#world.mailbox, lane);
        this.#world.runLater();
      }
      running.delete(worker);
    });
    while (running.size > 0) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      await this.#next();
    }
    await Promise.all(all);
  }

  async #next(): Promise<void> {
    const ready = this.#waiting.filter(({ worker }) => worker !== this.#sleeper?.worker);
    if (ready.length === 0 || (this.#sleeper && --this.#sleeper.turns <= 0)) this.#wake();
    const ticket = ready[Math.trunc(this.#chance.random() * ready.length)];
    if (!ticket) return;
    this.turns++;
    if (!this.#sleeper && this.#chance.random() < sleepChance) {
      await this.#sleep(ticket.worker);
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(ticket), 1);
    ticket.release();
  }

  async #sleep(worker: number): Promise<void> {
    const process = this.#workers[worker]?.process;
    if (!process) return;
    this.sleeps++;
    this.#sleeper = { worker, turns: Math.ceil(this.#chance.random() * longestSleep) };
    process.isAsleep = true;
    // The other one's timers run meanwhile: its lease is renewed.
    await this.#world.clock.advance(pastLeaseMs);
  }

  #wake(): void {
    const process = this.#sleeper && this.#workers[this.#sleeper.worker]?.process;
    if (process) process.isAsleep = false;
    this.#sleeper = undefined;
  }
}
