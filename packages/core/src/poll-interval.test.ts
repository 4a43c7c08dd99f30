import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  learnRhythm,
  type MailRhythm,
  nextPollMs,
  packRhythm,
  phaseOf,
  pollBounds,
  type PollQuestion,
  unpackRhythm,
} from "./poll-interval.ts";

const minute = 60_000;
const now = Date.UTC(2026, 10, 27, 12);
const settings = { pollMs: 5 * minute, freshWithinMs: 10 * minute };
const ask = (over: Partial<PollQuestion> & { quietMs?: number; gapMs?: number } = {}): number =>
  nextPollMs({
    settings,
    rhythm: { mailAt: now - (over.quietMs ?? 0), gapMs: over.gapMs ?? 20 * minute },
    ...{ isPushed: false, lateMs: 0, now, phase: 0.5, random: 0.5 },
    ...over,
  });

const share = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000);
const question: fc.Arbitrary<PollQuestion> = fc.record({
  settings: fc
    .record({
      pollMs: fc.integer({ min: 1_000, max: 86_400_000 }),
      times: fc.integer({ min: 300, max: 5_000 }).map((thousandths) => thousandths / 1_000),
    })
    .map(({ pollMs, times }) => ({ pollMs, freshWithinMs: pollMs * times })),
  rhythm: fc.record({ mailAt: fc.integer({ min: now - 90 * 86_400_000, max: now + 1_000 }), gapMs: fc.integer({ min: 0, max: 1e9 }) }),
  isPushed: fc.boolean(),
  lateMs: fc.oneof(fc.integer({ min: 0, max: 7_200_000 }), fc.constant(Number.POSITIVE_INFINITY)),
  now: fc.constant(now),
  phase: share,
  random: share,
});

describe("the next poll", () => {
  test("of a mailbox that gets a message now and then is the configured interval away", () => {
    expect(ask()).toBe(5 * minute);
  });

  test.each([
    ["of a busy mailbox", { gapMs: minute }, 75_000],
    ["of one that gets a message in ten minutes", { gapMs: 10 * minute }, 150_000],
    ["of one without mail for half an hour", { quietMs: 30 * minute }, 420_000],
    ["of a dead one", { quietMs: 30 * 86_400_000 }, 420_000],
    ["of a dead one that just had mail", { quietMs: 0 }, 300_000],
    ["of a busy one that is pushed", { gapMs: minute, isPushed: true }, 300_000],
    ["of a dead one that is pushed", { quietMs: 86_400_000, isPushed: true }, 420_000],
    ["of a busy one while the fleet is behind", { gapMs: minute, lateMs: minute }, 300_000],
  ])("%s", (_, over, ms) => {
    expect(ask(over)).toBeCloseTo(ms);
  });

  test("is never so late that the promise breaks, nor so soon that a server minds, whatever is configured", () => {
    fc.assert(
      fc.property(question, (one) => {
        const ms = nextPollMs(one);
        const least = Math.min(one.settings.pollMs, 10_000);
        expect(ms).toBeLessThanOrEqual(Math.max(0.85 * one.settings.freshWithinMs, 1.21 * least));
        expect(ms).toBeLessThanOrEqual(2.41 * one.settings.pollMs);
        expect(ms).toBeGreaterThanOrEqual(0.89 * pollBounds(one.settings).shortest);
        expect(ms).toBeGreaterThanOrEqual(0.89 * Math.min(least, pollBounds(one.settings).longest));
      }),
    );
  });

  test("is no sooner the longer no mail came, nor the longer that usually takes", () => {
    // Doubles are mostly tiny ones: where the interval grows, from four to eight polls without mail, few would be.
    const polls = fc.integer({ min: 0, max: 8_000 }).map((thousandths) => thousandths / 1_000);
    fc.assert(
      fc.property(question, polls, polls, fc.integer({ min: 0, max: 1e9 }), (asked, quiet, longer, rarer) => {
        const { pollMs } = asked.settings;
        const { gapMs } = asked.rhythm;
        const one = { ...asked, rhythm: { mailAt: now - quiet * pollMs, gapMs } };
        const other = { ...asked, rhythm: { mailAt: now - (quiet + longer) * pollMs, gapMs: gapMs + rarer } };
        expect(nextPollMs(other)).toBeGreaterThanOrEqual(nextPollMs(one) - 1e-6);
      }),
      { numRuns: 1_000 },
    );
  });

  test("of two mailboxes with one history differs, and so do two polls of one mailbox", () => {
    expect(ask({ phase: phaseOf("contoso/a@contoso.example") })).not.toBe(ask({ phase: phaseOf("contoso/b@contoso.example") }));
    expect(ask({ random: 0.1 })).not.toBe(ask({ random: 0.2 }));
  });
});

describe("the rhythm", () => {
  test("begins as that of a mailbox that gets mail now and then", () => {
    expect(ask({ rhythm: learnRhythm(undefined, 0, settings.pollMs, now) })).toBe(5 * minute);
  });

  test("follows a conversation within a few messages, and forgets it when it is over", () => {
    let rhythm: MailRhythm = { mailAt: now - 30 * 86_400_000, gapMs: 20 * minute };
    const intervals: number[] = [];
    let at = now;
    for (let i = 0; i < 4; i++, at += 2 * minute) {
      rhythm = learnRhythm(rhythm, 1, settings.pollMs, at);
      intervals.push(Math.round(ask({ rhythm, now: at }) / 1_000));
    }
    expect(intervals).toEqual([300, 165, 98, 75]);
    expect(learnRhythm(rhythm, 0, settings.pollMs, at)).toBe(rhythm);
    expect(ask({ rhythm, now: at + 60 * minute })).toBeCloseTo(420_000);
  });

  test("counts what came together: six messages in an hour are one in ten minutes", () => {
    const rhythm = { mailAt: now - 60 * minute, gapMs: 10 * minute };
    expect(learnRhythm(rhythm, 6, settings.pollMs, now)).toEqual({ mailAt: now, gapMs: 10 * minute });
  });

  test("begins anew where the clock was set back", () => {
    expect(learnRhythm({ mailAt: now + 3_600_000, gapMs: 1 }, 0, settings.pollMs, now)).toEqual({ mailAt: now, gapMs: 20 * minute });
  });

  test("is kept in fifteen bytes, and what cannot be read is none", () => {
    const rhythm = { mailAt: now, gapMs: 1_200_000 };
    expect(packRhythm(rhythm)).toHaveLength(15);
    expect(unpackRhythm(packRhythm(rhythm))).toEqual(rhythm);
    for (const text of [undefined, "", "1", "a b", "-1 5", "1 2 3", "1e9 5"]) expect(unpackRhythm(text)).toBeUndefined();
  });
});

describe("the phases of 10,000 mailboxes", () => {
  test("are even: no tenth of the interval has more than a fifth too many", () => {
    const tenths = Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const tenth = Math.floor(phaseOf(`contoso/user${i}@contoso.example`) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(800);
    expect(Math.max(...tenths)).toBeLessThan(1_200);
  });
});
