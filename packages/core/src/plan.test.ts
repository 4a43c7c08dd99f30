import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startCheckpoint } from "./checkpoint.ts";
import { planBatches, planFolder } from "./plan.ts";

const status = { messages: 3, uidNext: 100, uidValidity: "14" };
const stored = startCheckpoint(status, 2, false);
const now = 1_000_000;

describe("the plan of a folder", () => {
  test("begins at first sight: what exists is history, what comes is fresh", () => {
    expect(planFolder("INBOX", status, undefined, now)).toEqual({
      kind: "start",
      checkpoint: expect.objectContaining({ generation: 1, uidNext: 100, backfillBelow: 100, isResync: false }),
    });
  });

  test("is nothing when nothing moved", () => {
    expect(planFolder("INBOX", status, stored, now)).toEqual({ kind: "skip" });
    expect(planFolder("INBOX", { ...status, messages: 2 }, stored, now)).toEqual({ kind: "skip" });
  });

  test("takes new mail from the first UID not yet dealt", () => {
    expect(planFolder("INBOX", { ...status, uidNext: 101 }, stored, now)).toEqual({ kind: "fresh", from: 100 });
  });

  test("asks again for what the server owes, once it is time", () => {
    const owing = { ...stored, retry: [{ uid: 7, tries: 1, notBefore: now }] };
    expect(planFolder("INBOX", status, owing, now)).toEqual({ kind: "fresh", from: 100 });
    expect(planFolder("INBOX", status, owing, now - 1)).toEqual({ kind: "skip" });
  });

  test("lists again what a listing left out, once it is time", () => {
    const gappy = { ...stored, recheck: { low: 90, high: 99, tries: 0, notBefore: now } };
    expect(planFolder("INBOX", status, gappy, now)).toEqual({ kind: "fresh", from: 100 });
    expect(planFolder("INBOX", status, gappy, now - 1)).toEqual({ kind: "skip" });
  });

  test.each([
    ["uidvalidity", { ...status, uidValidity: "15" }],
    ["uidvalidity", { ...status, uidValidity: "13", uidNext: 200 }],
    ["uidnext", { ...status, uidNext: 99 }],
  ])("begins again under a new generation when the server deals its UIDs anew: %s", (cause, moved) => {
    expect(planFolder("INBOX", moved, stored, now)).toEqual({
      kind: "reset",
      cause,
      checkpoint: expect.objectContaining({ generation: 3, uidValidity: moved.uidValidity, uidNext: moved.uidNext, isResync: true }),
    });
  });

  test("begins when a rule that left the folder out is gone", () => {
    expect(planFolder("INBOX", status, { ...stored, isExcluded: true }, now)).toMatchObject({
      kind: "start",
      checkpoint: { backfillBelow: 100 },
    });
  });
});

test("batches hold every message once, in order, within both bounds", () => {
  const metas = fc.array(fc.record({ uid: fc.nat(), size: fc.nat(200) }), { maxLength: 60 });
  fc.assert(
    fc.property(metas, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 300 }), (list, count, bytes) => {
      const batches = planBatches(list, count, bytes);
      expect(batches.flat()).toEqual(list);
      for (const batch of batches) {
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(count);
        if (batch.length > 1) expect(batch.reduce((sum, meta) => sum + meta.size, 0)).toBeLessThanOrEqual(bytes);
      }
    }),
  );
});
