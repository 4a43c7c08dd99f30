import { type FailureCode, type Lane, type MailboxRef, syncError } from "@mailfleet/core";
import { type EnginePorts, syncMailbox, type SyncOutcome, type SyncSettings } from "@mailfleet/engine";
import type { FleetProcess } from "@mailfleet/testkit";
import type { EffectCall, EffectWatcher } from "./watch-ports.ts";
import { watchPorts } from "./watch-ports.ts";

/** What happens at an effect. */
export const crashModes = [
  /** The process is killed, the effect did not happen. */
  "killed before",
  /** The process is killed, the effect happened. */
  "killed after",
  /** The process lives: the effect did not happen, and it is told so. */
  "refused",
  /** The process lives: the effect happened, and its answer is lost. */
  "unanswered",
  /** The process stands still past its lease, and goes on with the effect when another one has done everything. */
  "asleep before",
] as const;
export type CrashMode = (typeof crashModes)[number];

export interface CrashPlan {
  /** Which effect, from 1. */
  readonly at: number;
  readonly mode: CrashMode;
}

/** Thrown into whatever still runs of a process that is dead. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

export interface WorkerOptions {
  readonly process: FleetProcess;
  readonly ports: Omit<EnginePorts, "store" | "handOff" | "breakers">;
  readonly plan?: CrashPlan | undefined;
  /** Answers come later than the microtask they were asked in. */
  readonly isDeferred?: boolean | undefined;
  /** Awaited before each effect, by its number: a scheduler lets several workers go in turns. */
  readonly turn?: ((effect: number) => Promise<void>) | undefined;
}

/** A worker process that counts its effects and has its accident at one of them. */
export class CrashingWorker implements EffectWatcher {
  /** All effects so far. */
  readonly effects: EffectCall[] = [];
  /** Those that the world answered. */
  readonly done: EffectCall[] = [];
  readonly process: FleetProcess;
  readonly #options: WorkerOptions;
  readonly #ports: EnginePorts;
  readonly #asleep = Promise.withResolvers<void>();
  readonly #awake = Promise.withResolvers<void>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.process = options.process;
    const { store, handOff, breakers } = options.process;
    this.#ports = watchPorts({ ...options.ports, store, handOff, breakers }, this);
  }

  /** Resolves with undefined when the process died in it. What the flow throws that is no failure of its own is a bug, and thrown. */
  async sync(
    settings: SyncSettings,
    mailbox: MailboxRef,
    lane: Lane,
    stop = new AbortController().signal,
  ): Promise<SyncOutcome | undefined> {
    try {
      const outcome = await syncMailbox(this.#ports, settings, mailbox, lane, stop);
      return this.process.isDead ? undefined : outcome;
    } catch (error) {
      if (this.process.isDead) return undefined;
      // As in the worker: Redis did not answer, the job fails, and the lease runs out.
      if (isRedisAway(error)) return undefined;
      throw error;
    }
  }

  /** Resolves when it stands still. */
  get fellAsleep(): Promise<void> {
    return this.#asleep.promise;
  }

  wake(): void {
    this.process.isAsleep = false;
    this.#awake.resolve();
  }

  before(): void {
    if (this.process.isDead) throw new ProcessDied("a dead process does nothing");
  }

  call<R>(effect: EffectCall, run: () => R): R {
    const mode = this.#count(effect);
    if (mode === "killed before") this.#die();
    const result = run();
    this.done.push(effect);
    if (mode === "killed after") this.#die();
    return result;
  }

  async callAsync<R>(effect: EffectCall, run: () => Promise<R>): Promise<R> {
    const mode = this.#count(effect);
    await this.#options.turn?.(this.effects.length);
    await this.#defer();
    this.before();
    if (mode === "killed before") this.#die();
    if (mode === "asleep before") await this.#sleep();
    if (mode === "refused") throw this.#failure(effect);
    const result = await run();
    this.done.push(effect);
    await this.#defer();
    this.before();
    if (mode === "killed after") this.#die();
    if (mode === "unanswered") {
      letGo(result);
      throw this.#failure(effect);
    }
    return result;
  }

  /** What happens at this effect, or undefined for nothing. */
  #count(effect: EffectCall): CrashMode | undefined {
    this.effects.push(effect);
    const { plan } = this.#options;
    return plan?.at === this.effects.length && canHappen(plan.mode, effect) ? plan.mode : undefined;
  }

  #die(): never {
    this.process.isDead = true;
    throw new ProcessDied("killed");
  }

  async #sleep(): Promise<void> {
    this.process.isAsleep = true;
    this.#asleep.resolve();
    await this.#awake.promise;
  }

  #failure({ name, rule, breakOff }: EffectCall): Error {
    const code = ("fails" in rule ? rule.fails : "never") as FailureCode;
    if (code === "SESSION_CLOSED") breakOff();
    const layer = code === "REDIS_UNAVAILABLE" ? "redis" : code === "BLOB_UNAVAILABLE" ? "blobs" : "imap";
    const phase = name === "messages.next" || name === "session.fetchHead" || name === "session.fetchHeaders" ? "fetch" : "command";
    return syncError(code, `${name} was not answered`, { layer, ...(layer === "imap" && { phase }) });
  }

  async #defer(): Promise<void> {
    if (this.#options.isDeferred) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Whether this accident at this effect is one that no other is the same as. */
export function canHappen(mode: CrashMode, { rule }: EffectCall): boolean {
  switch (mode) {
    case "killed before":
      return true;
    case "killed after":
      // After a question nothing is different from before the next effect.
      return rule.is !== "question";
    case "asleep before":
      return rule.is !== "sync-effect";
    case "refused":
      return "fails" in rule && rule.fails !== "never";
    case "unanswered":
      return rule.is === "effect" && rule.fails !== "never";
  }
}

/** What was given out and never received: nobody renews that lease, and that connection is broken. */
function letGo(given: unknown): void {
  if (typeof given !== "object" || given === null) return;
  if ("stop" in given && typeof given.stop === "function") Reflect.apply(given.stop, given, []);
  if ("close" in given && typeof given.close === "function") void Reflect.apply(given.close, given, []);
}

function isRedisAway(error: unknown): boolean {
  return error instanceof Error && "failure" in error && (error.failure as { code: string }).code === "REDIS_UNAVAILABLE";
}
