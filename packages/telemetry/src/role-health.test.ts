import { expect, test } from "vitest";
import { type HealthFacts, judgeHealth } from "./role-health.ts";

const well: HealthFacts = { sinceRoundMs: 5_000, sinceRedisMs: 5_000, isDraining: false, holds: [] };

test("a role that works is alive and ready and says nothing", () => {
  expect(judgeHealth(well)).toEqual({ isAlive: true, isReady: true, problems: [] });
});

const rows: readonly (readonly [string, Partial<HealthFacts>, { isAlive: boolean; isReady: boolean }, string])[] = [
  ["a role whose rounds do not end is to be restarted", { sinceRoundMs: 121_000 }, { isAlive: false, isReady: false }, "121 s"],
  [
    "a Redis that is away is no reason to restart anybody",
    { sinceRedisMs: 31_000 },
    { isAlive: true, isReady: false },
    "Redis did not answer",
  ],
  ["a role that drains takes no work", { isDraining: true }, { isAlive: true, isReady: false }, "It stops"],
  ["a full disk is waited for", { holds: ["The disk is full."] }, { isAlive: true, isReady: false }, "The disk is full."],
  [
    "sessions of which none ends are stuck",
    { sessions: { active: 2, sinceEndMs: 1_801_000 } },
    { isAlive: false, isReady: false },
    "2 sessions",
  ],
  ["a long slice of history is not", { sessions: { active: 1, sinceEndMs: 1_000_000 } }, { isAlive: true, isReady: true }, ""],
  ["nobody at work is not", { sessions: { active: 0, sinceEndMs: 9_999_999 } }, { isAlive: true, isReady: true }, ""],
];
test.each(rows)("%s", (_name, change, verdict, words) => {
  const health = judgeHealth({ ...well, ...change });
  expect(health).toMatchObject(verdict);
  expect(health.problems.join("\n")).toContain(words);
});
