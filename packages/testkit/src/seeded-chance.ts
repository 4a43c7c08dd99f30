import type { Chance } from "@mailfleet/core";

/** Randomness that repeats: the same seed gives the same numbers and ids (mulberry32). */
export function seededChance(seed = 1): Chance {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    random,
    uuid() {
      const hex = Array.from({ length: 8 }, () =>
        Math.trunc(random() * 65_536)
          .toString(16)
          .padStart(4, "0"),
      ).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    },
  };
}
