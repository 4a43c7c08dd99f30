import {
  type Answer,
  answered,
  batchAt,
  beginPace,
  type Clock,
  type Failure,
  type FetchedMessage,
  limits,
  type MailSession,
  type Pace,
  type PaceState,
  paceToKeep,
  pauseAt,
  refused,
  type Settlement,
  syncError,
} from "@mailfleet/core";
import type { JobSlots } from "./ports.ts";
import type { GiveWay } from "./right-of-way.ts";

export interface PacerPorts {
  readonly clock: Clock;
  readonly slots: JobSlots;
}

/** What a server that throttles without a hint gets, ms: what `decideRetry` waits at first. */
const noHintMs = 5 * 60_000;

/**
 * Measures what each command of a session takes the server, and waits before the next one where the server had shown that it is too much.
 * A server that never did costs two looks at the clock for each command.
 */
export class Pacer {
  readonly #ports: PacerPorts;
  readonly #signal: AbortSignal;
  readonly #giveWay: GiveWay | undefined;
  /** Epoch ms of the monotonic clock's zero: a wall clock that is set must not make a pause. */
  readonly #zero: number;
  #state: PaceState;
  /** Monotonic ms: when the folders may be looked at again in between. */
  #lookAgainAt = 0;

  /** @param giveWay where others of this process go first: its wait is not the server's */
  constructor(ports: PacerPorts, stored: Pace | undefined, signal: AbortSignal, giveWay?: GiveWay) {
    this.#ports = ports;
    this.#signal = signal;
    this.#giveWay = giveWay;
    this.#zero = ports.clock.now() - ports.clock.monotonic();
    this.#state = beginPace(stored, this.#now());
  }

  /** Messages that are fetched together at most. */
  get batchMessages(): number {
    return batchAt(this.#state, this.#now());
  }

  /** Nothing showed yet that the server would be asked too much of. */
  get isFree(): boolean {
    return this.#state.learned === undefined;
  }

  /**
   * The place for pauses: nothing is in hand. A short one is slept, and the slot lent; a longer one ends the session.
   * @param mayEnd the session has got somewhere: the next one goes on behind it
   * @throws SyncError INTERRUPTED with the pause as its hint
   */
  async border(mayEnd: boolean): Promise<void> {
    const pauseMs = pauseAt(this.#state, this.#now());
    if (pauseMs <= 0) return;
    if (mayEnd && pauseMs > limits.paceRestMs) throw pause(pauseMs);
    const takeBack = this.#ports.slots.lend();
    if (mayEnd && !takeBack && pauseMs > limits.paceSlotMs) throw pause(pauseMs);
    try {
      await this.#ports.clock.sleep(Math.min(pauseMs, limits.paceRestMs), this.#signal);
    } finally {
      takeBack?.();
    }
  }

  /** Whether new mail may be looked for in between. A server that slows answers looks as late as anything else, and they bring nothing else on. */
  get mayLook(): boolean {
    return this.#state.learned === undefined || this.#ports.clock.monotonic() >= this.#lookAgainAt;
  }

  /** A look at all folders, which takes its time from what else is to be done. */
  async looking(run: () => Promise<void>): Promise<void> {
    const from = this.#ports.clock.monotonic();
    await run();
    const now = this.#ports.clock.monotonic();
    this.#lookAgainAt = now + (now - from) / limits.paceLookShare;
  }

  /** The session, with every command measured, and as late as the server wants it. */
  paced(session: MailSession): MailSession {
    const other = async <T>(run: () => Promise<T>): Promise<T> => this.#measured("other", run);
    return {
      features: session.features,
      listFolders: () => other(() => session.listFolders()),
      status: (path) => this.#measured("look", () => session.status(path)),
      open: (path) => other(() => session.open(path)),
      listUids: (low, high) => other(() => session.listUids(low, high)),
      describe: (uids) => other(() => session.describe(uids)),
      fetch: (uids) => this.#fetched(session, uids),
      // What its pieces take is mostly the way they come, and the account of it is the server's own.
      fetchStream: (uid) => other(() => session.fetchStream(uid)),
      isLongerThan: (uid, bytes) => other(() => session.isLongerThan(uid, bytes)),
      fetchHead: (uid, bytes) => other(() => session.fetchHead(uid, bytes)),
      fetchFlags: (low, high, since) => other(() => session.fetchFlags(low, high, since)),
      fetchHeaders: (uids) => other(() => session.fetchHeaders(uids)),
      idle: (maxMs, signal) => session.idle(maxMs, signal),
      close: () => session.close(),
    };
  }

  /** The settlement with what was learned; history waits until the pause is over. @param failure what the session ended with */
  settle(settlement: Settlement, failure: Failure | undefined): Settlement {
    const now = this.#now();
    if (failure?.code === "SERVER_THROTTLED") this.#state = refused(this.#state, failure.facts.hintMs ?? noHintMs, now);
    const { backfillDueInMs } = settlement;
    const pace = paceToKeep(this.#state, now);
    const pauseMs = pauseAt(this.#state, now);
    return {
      ...settlement,
      ...(backfillDueInMs !== undefined && { backfillDueInMs: Math.max(backfillDueInMs, pauseMs) }),
      ...(pace && { pace }),
    };
  }

  async #measured<T>(kind: "look" | "other", run: () => Promise<T>): Promise<T> {
    await this.border(false);
    const startedAt = this.#now();
    const result = await run();
    this.#learn({ kind, firstMs: this.#now() - startedAt, restMs: 0, messages: 0 });
    return result;
  }

  /** Only the time in which we wait for the server counts, not that in which it waits for us. */
  async *#fetched(session: MailSession, uids: readonly number[]): AsyncIterable<readonly FetchedMessage[]> {
    await this.border(false);
    const took = { firstMs: 0, restMs: 0, messages: 0 };
    let askedAt = this.#now();
    for await (const messages of session.fetch(uids)) {
      took[took.messages === 0 ? "firstMs" : "restMs"] += this.#now() - askedAt;
      took.messages += messages.length;
      await this.#giveWay?.(this.#signal);
      yield messages;
      askedAt = this.#now();
    }
    took[took.messages === 0 ? "firstMs" : "restMs"] += this.#now() - askedAt;
    this.#learn({ kind: "fetch", ...took });
  }

  #learn(answer: Omit<Answer, "at">): void {
    this.#state = answered(this.#state, { ...answer, at: this.#now() });
  }

  #now(): number {
    return this.#zero + this.#ports.clock.monotonic();
  }
}

function pause(pauseMs: number): Error {
  return syncError("INTERRUPTED", "The server has slowed. The mailbox goes on when it has had its pause.", {
    layer: "engine",
    hintMs: Math.round(pauseMs),
  });
}
