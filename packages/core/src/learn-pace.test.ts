import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answer, answered, batchAt, beginPace, dutyAt, paceToKeep, pauseAt, type PaceState, refused } from "./learn-pace.ts";
import { limits } from "./limits.ts";
import { type BucketSpec, type PaceRun, runAgainst } from "./pace-world.fixture.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 27);

/** 0 <= x < 1, from a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** So many servers of all kinds, each with its own mailbox for so long. */
function runMany(count: number, forMs: number, change: (spec: BucketSpec) => BucketSpec): (PaceRun & { good: number; share: number })[] {
  const random = randomOf(3);
  const between = (low: number, high: number): number => low + (high - low) * random();
  return Array.from({ length: count }, (_, i) => {
    const burstMs = between(10_000, 60_000);
    const spec: BucketSpec = {
      burstMs,
      refillMs: between(60, 500),
      commandMs: between(5, 25),
      messageMs: between(10, 50),
      zone: Math.min(burstMs / 2, between(3_000, 10_000)) / burstMs,
      delay: { by: "command", most: between(1_000, 5_000) },
      hintMs: between(5_000, 300_000),
      noise: between(0, 0.3),
    };
    const run = runAgainst(change(spec), forMs, randomOf(i));
    return { ...run, good: run.messages / run.best, share: run.refused / run.commands };
  });
}

const shareOf = <T>(all: readonly T[], holds: (one: T) => boolean): number => all.filter(holds).length / all.length;

describe("a mailbox whose server counts its time", () => {
  test("gets 90 % of what is granted, and is hardly ever refused, where answers slow before", () => {
    const runs = runMany(300, 10 * minute, (spec) => spec);
    expect(shareOf(runs, ({ good }) => good >= 0.9)).toBeGreaterThan(0.9);
    expect(shareOf(runs, ({ refused: count }) => count === 0)).toBeGreaterThan(0.95);
    expect(Math.max(...runs.map(({ share }) => share))).toBeLessThan(0.02);
    expect(Math.min(...runs.map(({ good }) => good))).toBeGreaterThan(0.6);
  });

  test("gets nearly as much where all of a command slows, not only its beginning", () => {
    const runs = runMany(200, 10 * minute, (spec) => ({ ...spec, delay: { by: "work", most: 8 } }));
    expect(shareOf(runs, ({ good }) => good >= 0.9)).toBeGreaterThan(0.9);
    expect(Math.max(...runs.map(({ share }) => share))).toBeLessThan(0.02);
  });

  test("learns from refusals where nothing slows before them", () => {
    const runs = runMany(100, 60 * minute, (spec) => ({ ...spec, zone: 0, hintMs: Math.min(spec.hintMs, 90_000) }));
    expect(shareOf(runs, ({ good }) => good >= 0.8)).toBeGreaterThan(0.9);
    expect(shareOf(runs, ({ share }) => share < 0.02)).toBeGreaterThan(0.95);
  });
});

const answer = (over: Partial<Answer> = {}): Answer => ({ kind: "fetch", firstMs: 40, restMs: 720, messages: 25, at: start, ...over });
const fed = (answers: readonly Answer[], state: PaceState = beginPace(undefined, start)): PaceState => answers.reduce(answered, state);

describe("a pace", () => {
  test("is none for a server whose answers vary as answers do: no pause, nothing to keep", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 70, max: 190 }), fc.integer({ min: 1, max: 100 })), { maxLength: 60 }), (rows) => {
        let state = beginPace(undefined, start);
        for (const [i, [hundredths, messages]] of rows.entries()) {
          const factor = hundredths / 100;
          const at = start + i * 5_000;
          state = answered(state, { kind: "fetch", firstMs: 40 * factor, restMs: 30 * (messages - 1) * factor, messages, at });
          expect(pauseAt(state, at)).toBe(0);
        }
        expect(paceToKeep(state, start)).toBeUndefined();
        expect(dutyAt(state, start)).toBe(1);
      }),
    );
  });

  test("stays a share of the wall clock, with whole batches and pauses that end, whatever a server does", () => {
    const ms = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 }), fc.double({ min: 0, max: 1e7, noNaN: true }));
    const event = fc.record({
      kind: fc.constantFrom("look", "fetch", "other", "refused"),
      firstMs: ms,
      restMs: ms,
      messages: fc.integer({ min: 0, max: 100 }),
      passMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: -100_000, max: 10_000_000 })),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let state = beginPace(undefined, start);
        let at = start;
        for (const { kind, passMs, ...took } of events) {
          at += passMs;
          state = kind === "refused" ? refused(state, took.firstMs, at) : answered(state, { kind, ...took, at });
          expect(dutyAt(state, at)).toBeGreaterThanOrEqual(0.001);
          expect(dutyAt(state, at)).toBeLessThanOrEqual(1);
          expect(Number.isFinite(pauseAt(state, at))).toBe(true);
          const count = batchAt(state, at);
          expect(Number.isInteger(count) && count >= 1 && count <= limits.batchMessages).toBe(true);
        }
      }),
    );
  });

  test("falls within two slow answers, before any refusal", () => {
    const calm = fed(Array.from({ length: 5 }, (_, i) => answer({ at: start + i * 1_000 })));
    const once = answered(calm, answer({ firstMs: 500, at: start + 6_000 }));
    expect(dutyAt(once, start + 6_000)).toBe(1);
    expect(batchAt(once, start + 6_000)).toBeLessThan(batchAt(calm, start + 5_000) / 3);
    const twice = answered(once, answer({ firstMs: 600, at: start + 7_000 }));
    expect(dutyAt(twice, start + 7_000)).toBeLessThan(0.3);
    expect(pauseAt(twice, start + 7_000)).toBeGreaterThan(0);
  });

  test("takes a server that stays as slow at full speed for what it is", () => {
    let state = fed(Array.from({ length: 5 }, (_, i) => answer({ at: start + i * 1_000 })));
    let at = start + 5_000;
    for (let i = 0; i < 500; i++) {
      at += pauseAt(state, at) + 1_500;
      state = answered(state, answer({ firstMs: 400, restMs: 1_100, at }));
    }
    expect(dutyAt(state, at)).toBe(1);
  });

  test("is halved by a refusal, and back within a quarter of an hour of calm after the wait", () => {
    const calm = fed([answer()]);
    const after = refused(calm, 5 * minute, start);
    expect(dutyAt(after, start)).toBe(0.5);
    expect(dutyAt(after, start + 5 * minute)).toBe(0.5);
    expect(dutyAt(after, start + 9 * minute)).toBeLessThan(0.8);
    expect(dutyAt(after, start + 20 * minute)).toBe(1);
    expect(paceToKeep(after, start + 20 * minute)).toBeUndefined();
  });

  test("is back soon after a refusal of a server that had slowed before it, because it will slow again", () => {
    const calm = fed(Array.from({ length: 5 }, (_, i) => answer({ at: start + i * 1_000 })));
    const after = refused(answered(calm, answer({ firstMs: 900, at: start + 6_000 })), minute, start + 7_000);
    const end = start + 7_000 + minute;
    expect(dutyAt(after, end)).toBeLessThanOrEqual(0.5);
    expect(dutyAt(after, end + minute / 2)).toBeGreaterThan(1.9 * dutyAt(after, end));
  });

  test("is cut the more the longer the waits are at once", () => {
    const calm = fed(Array.from({ length: 5 }, (_, i) => answer({ at: start + i * 1_000 })));
    const cutBy = (delayMs: number): number => {
      const slow = [answer({ firstMs: delayMs, at: start + 7_000 }), answer({ firstMs: delayMs, at: start + 9_000 })];
      return dutyAt(fed(slow, calm), start + 9_000);
    };
    expect(cutBy(1_600)).toBeLessThan(0.6 * cutBy(500));
  });

  test("goes on in the next session where it was, and is forgotten after a day or when another clock wrote it", () => {
    const slow = refused(fed([answer()]), 5 * minute, start);
    const kept = paceToKeep(slow, start);
    expect(kept).toMatchObject({ duty: 0.5, sign: "hint", messageMs: 30.4 });
    expect(dutyAt(beginPace(kept, start + minute), start + minute)).toBe(0.5);
    expect(dutyAt(beginPace(kept, start + 30 * 3_600_000), start + 30 * 3_600_000)).toBe(1);
    expect(dutyAt(beginPace(kept, start - 3 * 3_600_000), start - 3 * 3_600_000)).toBe(1);
  });
});
