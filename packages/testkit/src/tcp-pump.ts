import type { Socket } from "node:net";

/** How fast a pump goes; the owner changes it and says `look`. */
export interface Pace {
  readonly isFrozen: boolean;
  /** Each chunk comes this much later. */
  readonly delayMs: number;
  readonly bytesPerSecond: number;
}

/** One direction of a connection. */
export interface Pump {
  /** The pace has changed. */
  look(): void;
  stop(): void;
}

interface Waiting {
  /** Undefined for the end of the stream. */
  readonly chunk: Buffer | undefined;
  readonly arrivedAt: number;
}

/** So much may wait here before the sender is told to hold on, as the buffers of a network do. */
const bufferBytes = 64 * 1024;

/**
 * Carries bytes from one socket to another at a pace.
 * @param filter sees each chunk as it leaves; undefined when it took care of it itself
 */
export function createPump(from: Socket, to: Socket, pace: Pace, filter: (chunk: Buffer) => Buffer | undefined): Pump {
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  /** When the next chunk may leave, by the rate. */
  let freeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const state = { isStopped: false, isDraining: false };

  const pass = (): void => {
    clearTimeout(timer);
    timer = undefined;
    while (!state.isStopped && !pace.isFrozen && !state.isDraining) {
      const [next] = waiting;
      if (!next) break;
      const now = performance.now();
      const at = Math.max(next.arrivedAt + pace.delayMs, pace.bytesPerSecond === Number.POSITIVE_INFINITY ? 0 : freeAt);
      if (at > now) {
        timer = setTimeout(pass, Math.ceil(at - now));
        break;
      }
      waiting.shift();
      if (!next.chunk) {
        to.end();
        break;
      }
      waitingBytes -= next.chunk.length;
      freeAt = now + (next.chunk.length / pace.bytesPerSecond) * 1_000;
      const out = filter(next.chunk);
      if (out && out.length > 0 && !to.write(out)) {
        state.isDraining = true;
        to.once("drain", () => {
          state.isDraining = false;
          pass();
        });
      }
    }
    if (state.isStopped) return;
    if (waitingBytes > bufferBytes || pace.isFrozen || state.isDraining) from.pause();
    else from.resume();
  };

  from.on("data", (chunk: Buffer) => {
    // Small pieces, so that a rate is smooth and not a long silence with a burst behind it.
    const most = pace.bytesPerSecond === Number.POSITIVE_INFINITY ? chunk.length : Math.max(1, Math.floor(pace.bytesPerSecond / 20));
    for (let at = 0; at < chunk.length; at += most) {
      waiting.push({ chunk: chunk.subarray(at, at + most), arrivedAt: performance.now() });
    }
    waitingBytes += chunk.length;
    pass();
  });
  from.once("end", () => {
    waiting.push({ chunk: undefined, arrivedAt: performance.now() });
    pass();
  });
  return {
    look: pass,
    stop() {
      state.isStopped = true;
      waiting = [];
      clearTimeout(timer);
    },
  };
}
