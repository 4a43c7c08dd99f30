import type { Clock } from "@mailfleet/core";

export interface RightOfWayPorts {
  readonly clock: Clock;
  /** Whether this process has hardly any time left: else nobody is in anybody's way. */
  readonly isBusy: () => boolean;
}

export type GiveWay = (signal: AbortSignal) => Promise<void>;

/** Who goes first in one process: new mail while any is in hand. */
export interface RightOfWay {
  /** New mail is in hand until the answer is called. */
  enter(): () => void;
  /** History that begins now gives way by calling the answer, which waits while it is in the way of new mail, never for long, and never rejects. */
  begin(): GiveWay;
}

/** History waits for at most this share of its time, so that it gets on however much new mail there is. */
const mostShare = 0.5;
/** And for so long at once, ms: a session of new mail that takes longer waits for its server, and needs nothing of this process meanwhile. */
const mostAtOnceMs = 250;

export function createRightOfWay({ clock, isBusy }: RightOfWayPorts): RightOfWay {
  let inHand = 0;
  const waiting = new Set<AbortController>();
  return {
    enter() {
      inHand++;
      let isLeft = false;
      return () => {
        if (isLeft) return;
        isLeft = true;
        inHand--;
        if (inHand === 0) for (const one of waiting) one.abort();
      };
    },
    begin() {
      const begunAt = clock.monotonic();
      let waitedMs = 0;
      return async (signal) => {
        if (inHand === 0) return;
        const from = clock.monotonic();
        const ms = Math.min(mostAtOnceMs, (from - begunAt) * mostShare - waitedMs);
        if (ms <= 0 || !isBusy()) return;
        const free = new AbortController();
        waiting.add(free);
        await clock.sleep(ms, AbortSignal.any([signal, free.signal])).catch(() => undefined);
        waiting.delete(free);
        waitedMs += clock.monotonic() - from;
      };
    },
  };
}
