import { hash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Chance, Clock, Digest } from "@mailfleet/core";

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

/** SHA-256, its first 128 bits. */
export const systemDigest: Digest = (text) => hash("sha256", text, "base64url").slice(0, 22);
