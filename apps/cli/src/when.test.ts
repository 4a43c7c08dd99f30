import { expect, test } from "vitest";
import { readWhen } from "./when.ts";

const now = Date.UTC(2026, 10, 23, 14, 3);

test.each([
  ["36h", now - 36 * 3_600_000],
  ["7d", now - 7 * 86_400_000],
  ["90m", now - 5_400_000],
  ["2w", now - 14 * 86_400_000],
  ["2026-11-01", Date.UTC(2026, 10, 1)],
  ["2026-11-01T09:00Z", Date.UTC(2026, 10, 1, 9)],
  ["2026-11-01T09:00:30+01:00", Date.UTC(2026, 10, 1, 8, 0, 30)],
  ["yesterday", undefined],
  ["2026-13-01", undefined],
  ["2026-11-01T09:00", undefined],
  ["-3d", undefined],
  ["", undefined],
])("%j is %s", (text, at) => {
  expect(readWhen(text, now)).toBe(at);
});
