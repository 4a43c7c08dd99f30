import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Chance, Clock } from "@mailfleet/core";

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal && { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};

/** The machine's randomness. */
export const systemChance: Chance = { random: Math.random, uuid: randomUUID };
