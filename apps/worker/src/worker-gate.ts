import type { Clock, Lane, SliceGate } from "@mailfleet/core";
import type { IntakeWatch } from "@mailfleet/queue";

export interface WorkerGate extends SliceGate {
  drain(): void;
  /** What the gate asks once the worker runs; before that it lets everything through. */
  use(questions: GateQuestions): void;
  /** Running sessions end at their next batch border while held. */
  hold(isHeld: boolean): void;
}

export interface GateQuestions {
  readonly clock: Clock;
  readonly intake: IntakeWatch;
  /** Mailboxes that wait for a slot of the lane. */
  readonly waiting: (lane: Lane) => Promise<number>;
}

type Border = Parameters<SliceGate["shouldYield"]>[1];

/** How long an answer about waiting jobs is believed, ms. */
const waitingMemoryMs = 250;

/** The worker's gate before it is wired to the queues. */
export function createGate(): WorkerGate {
  let isDraining = false;
  let isHeld = false;
  let questions: GateQuestions | undefined;
  const waiting = { until: 0, isAny: false };

  /** Whether others wait for a slot of the backfill lane. A session of the fresh lane is short: it never yields to others. */
  const isWanted = async ({ clock, waiting: count }: GateQuestions): Promise<boolean> => {
    if (clock.monotonic() < waiting.until) return waiting.isAny;
    waiting.isAny = (await count("backfill")) > 0;
    waiting.until = clock.monotonic() + waitingMemoryMs;
    return waiting.isAny;
  };

  const isClosed = async ({ clock, intake }: GateQuestions, lane: Lane, border: Border): Promise<boolean> => {
    const { state, pauseMs } = (await intake.look()).intake.lanes[lane];
    if (border === "guest") return state !== "open";
    if (state !== "slow" || border === "slice" || pauseMs === 0) return state === "closed";
    await clock.sleep(pauseMs);
    return (await intake.look()).intake.lanes[lane].state === "closed";
  };

  return {
    isDraining: () => isDraining,
    async shouldYield(lane, border) {
      if (isDraining || isHeld) return true;
      if (!questions) return false;
      try {
        if (await isClosed(questions, lane, border)) return true;
        return border === "slice" && lane === "backfill" && (await isWanted(questions));
      } catch {
        // Redis does not say whether there is room: that is no yes.
        return true;
      }
    },
    drain: () => void (isDraining = true),
    hold: (held) => void (isHeld = held),
    use: (ask) => void (questions = ask),
  };
}
