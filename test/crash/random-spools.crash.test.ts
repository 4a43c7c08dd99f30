import fc from "fast-check";
import { expect, test } from "vitest";
import { examples, histories, problemsAfter } from "./random-spools.ts";

test("whatever happens to a spool, and however often it is moved, everything is told once and nothing is lost", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      expect(await problemsAfter(history)).toEqual([]);
    }),
    { numRuns: 150, examples: examples.map((one) => [one]) },
  );
});
