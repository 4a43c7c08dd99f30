import { expect, test } from "vitest";
import { decideIntake, type DownstreamLoad, type DownstreamMarks } from "../intake.ts";
import { describeIntake, intakeSentence } from "./intake.ts";

const now = Date.UTC(2026, 10, 23, 14, 3, 2);
const marks: DownstreamMarks = { highWater: 50_000, highWaterBytes: 2e9, deadLetters: 10_000 };
const calm: DownstreamLoad = { waiting: 0, active: 0, delayed: 0, failed: 0, bytes: 0, memoryShare: 0, problems: [] };
const wordsOf = (given: Partial<DownstreamLoad>) => {
  const load = { ...calm, ...given };
  return describeIntake(decideIntake(load, marks), load, marks, now);
};

test("nothing is said while everything comes in", () => {
  expect(wordsOf({ waiting: 39_000, active: 8 })).toBeUndefined();
});

test.each<[string, Partial<DownstreamLoad>, string, "you" | "self"]>([
  [
    "Consumers are 4 min behind: 50,212 events in the queue, the limit is 50,000. History waits and new mail comes in slower; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    { waiting: 50_204, active: 8, oldestAt: now - 250_000 },
    "DOWNSTREAM_BACKPRESSURE",
    "self",
  ],
  [
    "No consumer is at work, for 2 h 10 min: 60,000 events in the queue, the limit is 50,000. Nothing comes in; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    { waiting: 60_000, oldestAt: now - 130 * 60_000 },
    "DOWNSTREAM_BACKPRESSURE",
    "you",
  ],
  [
    "Consumers fail: 44,000 events wait for another try, 6,000 are dead letters; 50,010 events in the queue, the limit is 50,000. History waits and new mail comes in slower; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    { active: 10, delayed: 44_000, failed: 6_000 },
    "DOWNSTREAM_BACKPRESSURE",
    "you",
  ],
  [
    "Consumers fail: 10,000 events are dead letters, the limit is 10,000. Nothing comes in; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    { active: 3, failed: 10_000 },
    "DEAD_LETTERS_FULL",
    "you",
  ],
  [
    "Consumers are behind: about 2.1 GB in the queue, the limit is 2 GB. History waits and new mail comes in slower; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    { waiting: 9_000, active: 1, bytes: 2.1e9 },
    "DOWNSTREAM_BACKPRESSURE",
    "self",
  ],
  [
    "Redis is nearly full: 91 % of its maxmemory are in use, 12 events in the queue. History waits and new mail comes in slower; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    { waiting: 12, memoryShare: 0.911 },
    "REDIS_FULL",
    "you",
  ],
  [
    "Redis would forget: appendonly is off. Nothing comes in; goes on by itself when that is mended. Nothing is lost; mail waits on the server.",
    { problems: ["Redis would forget: appendonly is off."] },
    "REDIS_UNSAFE",
    "you",
  ],
])("%s", (sentence, load, code, owner) => {
  const words = wordsOf(load);
  expect(words && intakeSentence(words)).toBe(sentence);
  expect(words).toMatchObject({ code, owner });
  expect(words?.youCan).toMatch(/\.$/);
});
