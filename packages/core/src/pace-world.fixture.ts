import { answered, batchAt, beginPace, pauseAt, type PaceState, refused } from "./learn-pace.ts";

/** A server that counts its time: a burst, a refill, waits that grow as the rest shrinks, then refusals. */
export interface BucketSpec {
  readonly burstMs: number;
  /** Server ms refilled in a second. */
  readonly refillMs: number;
  readonly commandMs: number;
  readonly messageMs: number;
  /** Share of the burst below which answers are delayed; 0 for never. */
  readonly zone: number;
  /** The longest wait: ms by command, or times the work. */
  readonly delay: { readonly by: "command" | "work"; readonly most: number };
  /** Once refused, everything is until this is over. */
  readonly hintMs: number;
  /** Relative noise of each answer, 0 to 1. */
  readonly noise: number;
}

export interface PaceRun {
  readonly messages: number;
  readonly commands: number;
  readonly refused: number;
  /** Messages that the burst and the refill would have paid for, with whole batches. */
  readonly best: number;
}

/** One mailbox with an endless history, for `forMs` of invented time. */
export function runAgainst(spec: BucketSpec, forMs: number, random: () => number): PaceRun {
  let balance = spec.burstMs;
  const time = { now: 0 };
  let [messages, commands, refusals] = [0, 0, 0];
  const rate = spec.refillMs / 1_000;
  let state: PaceState = beginPace(undefined, 0);
  const pass = (ms: number): void => {
    time.now += ms;
    balance = Math.min(spec.burstMs, balance + ms * rate);
  };
  /** @returns ms until the answer, or the hint */
  const ask = (workMs: number): { tookMs: number; waitMs: number } | { hintMs: number } => {
    commands++;
    if (balance <= 0) {
      refusals++;
      return { hintMs: spec.hintMs };
    }
    const zone = spec.zone * spec.burstMs;
    const depth = zone > 0 ? Math.min(1, Math.max(0, 1 - balance / zone)) : 0;
    balance -= workMs;
    const waitMs = depth * spec.delay.most * (spec.delay.by === "work" ? workMs : 1);
    const tookMs = (workMs + waitMs) * (1 + spec.noise * (2 * random() - 1)) + (random() < 0.01 ? 80 * spec.noise : 0);
    return { tookMs, waitMs };
  };
  while (time.now < forMs) {
    pass(pauseAt(state, time.now));
    const count = batchAt(state, time.now);
    const answer = ask(spec.commandMs + count * spec.messageMs);
    if ("hintMs" in answer) {
      state = refused(state, answer.hintMs, time.now);
      pass(answer.hintMs * (1 + 0.1 * random()) + 1_000 * random());
      continue;
    }
    pass(answer.tookMs);
    messages += count;
    // A wait by command comes before the first message, one by work is spread over all.
    const spreadMs = spec.delay.by === "work" ? answer.tookMs : Math.max(0, answer.tookMs - answer.waitMs);
    const restMs = (spreadMs * (count - 1)) / (count + spec.commandMs / spec.messageMs);
    state = answered(state, { kind: "fetch", firstMs: answer.tookMs - restMs, restMs, messages: count, at: time.now });
    // What is stored meanwhile is no work of the server's.
    pass(2 * count);
  }
  const perMessage = spec.messageMs + spec.commandMs / 100;
  const best = Math.min((spec.burstMs + (time.now * spec.refillMs) / 1_000) / perMessage, time.now / (perMessage + 2));
  return { messages, commands, refused: refusals, best };
}
