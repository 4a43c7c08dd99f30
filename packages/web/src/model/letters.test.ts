import { expect, test } from "vitest";
import { areOtherLetters } from "./letters.ts";

test.each([
  ["nothing of letters", {}, false],
  ["the same", { deadLetters: 2, newestLetterAt: 5 }, false],
  ["more", { deadLetters: 3 }, true],
  ["as many, of which the newest is another one", { newestLetterAt: 6 }, true],
])("a page of two letters that is told %s is loaded anew where it shows others", (_, told, isAnew) => {
  expect(areOtherLetters({ letters: 2, newestLetterAt: 5 }, told)).toBe(isAnew);
});
