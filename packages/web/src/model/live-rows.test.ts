import { stateWords } from "@mailfleet/core/browser";
import type { FleetPatch, MailboxRow } from "@mailfleet/core/console";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isNext, patchRows, replaceRows } from "./apply-patch.ts";
import { keepOrder, keyOf } from "./frozen-order.ts";
import { now, rowOf } from "./rows.fixture.ts";
import { Chosen } from "./selection.ts";

const patch = (more: Partial<FleetPatch>): FleetPatch => ({
  at: now,
  from: 1,
  revision: 2,
  summary: {},
  rows: [],
  stale: [],
  gone: [],
  isMore: false,
  ...more,
});

describe("news of a second", () => {
  test("change the cells of the rows that are shown, and say which", () => {
    const rows = [rowOf(1), rowOf(2)];
    const patched = patchRows(
      rows,
      patch({ rows: [[2, stateWords.indexOf("behind"), -700_000, 5_000] as const, [9, 0, null, null] as const] }),
    );
    expect([...patched.changed]).toEqual([2]);
    expect(patched.rows.map(({ state }) => state)).toEqual(["fresh", "behind"]);
    expect(patched.rows[1]).toMatchObject({ checkedAt: now - 700_000, nextAt: now + 5_000 });
    expect(patched.rows[0]).toBe(rows[0]);
  });

  test("leave a row that is gone in its place until the list is loaded anew", () => {
    const patched = patchRows([rowOf(1), rowOf(2)], patch({ gone: [1] }));
    expect(patched.rows).toHaveLength(2);
    expect(patched.mayMove).toBe(true);
  });

  test("ask only for stale rows that are shown", () => {
    expect(patchRows([rowOf(1), rowOf(2)], patch({ stale: [2, 7] })).stale).toEqual([2]);
  });

  test("that do not follow on what the page has are not applied", () => {
    expect(isNext({ revision: 1 }, patch({ from: 1 }))).toBe(true);
    expect(isNext({ revision: 0 }, patch({ from: 1 }))).toBe(false);
  });

  test("newer rows go where the old ones were", () => {
    const newer = rowOf(2, { state: "parked" });
    expect(replaceRows([rowOf(1), rowOf(2)], [newer])[1]).toBe(newer);
  });
});

describe("a frozen order", () => {
  const rows = [1, 2, 3, 4, 5].map((number) => rowOf(number));
  const pick = (...numbers: readonly number[]): MailboxRow[] => numbers.map((number) => rowOf(number));

  test.each([
    ["nothing moves where nothing would", [1, 2, 3, 4, 5], 0],
    ["one row that goes to the top is one", [5, 1, 2, 3, 4], 1],
    ["two that change places are one", [2, 1, 3, 4, 5], 1],
    ["one that leaves is one", [1, 2, 4, 5], 1],
    ["one that comes is one", [1, 2, 3, 6, 4, 5], 1],
    ["all the other way round are all but one", [5, 4, 3, 2, 1], 4],
  ] as const)("%s", (_name, sorted, moves) => {
    expect(keepOrder(rows, pick(...sorted)).moves).toBe(moves);
  });

  test("keeps every row in its place, with its newest facts", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7]), fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7]), (before, after) => {
        const shown = before.map((number) => rowOf(number));
        const sorted = after.map((number) => rowOf(number, { state: "behind" }));
        const kept = keepOrder(shown, sorted);
        expect(kept.rows.map(keyOf)).toEqual(shown.map(keyOf));
        for (const row of kept.rows) expect(row.state).toBe(after.includes(row.row) ? "behind" : "fresh");
        expect(kept.moves === 0).toBe(before.join() === after.join());
      }),
    );
  });
});

describe("a selection", () => {
  const rows = [1, 2, 3, 4].map((number) => rowOf(number));
  const [one, two, three, four] = rows as [MailboxRow, MailboxRow, MailboxRow, MailboxRow];

  test("with Shift takes all from the last click on, whichever way", () => {
    const chosen = new Chosen().toggle(rows, three, true, false).toggle(rows, one, true, true);
    expect([...chosen.keys].sort()).toEqual([one, two, three].map(keyOf));
  });

  test("survives a list that moves and rows that leave", () => {
    const chosen = new Chosen().toggle(rows, two, true, false);
    expect(chosen.toggle([four, three], four, true, false).keys).toEqual(new Set([keyOf(two), keyOf(four)]));
  });

  test("of all that are shown leaves the others as they are", () => {
    const chosen = new Chosen(new Set(["a/b"]));
    expect(chosen.toggleAll(rows, true).keys.size).toBe(5);
    expect(chosen.toggleAll(rows, true).toggleAll(rows, false).keys).toEqual(new Set(["a/b"]));
  });
});
