import { dealUidls, type FolderStatus, type SpoolKnown } from "@mailfleet/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SpoolList, statusAsKnown, type SpoolRow } from "./spool-list.ts";

/** As a server numbers what it lists. */
function rowsOf(uidls: readonly string[]): readonly SpoolRow[] {
  return uidls.map((uidl, at) => ({ number: at + 1, uidl }));
}

/** What happens to a mailbox between two sessions: so many come, and those at these places go. */
const change = fc.record({ come: fc.nat({ max: 3 }), go: fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 3 }) });
const styles: Readonly<Record<string, (serial: number) => string>> = {
  numbers: (serial) => String(10_000 + serial),
  "opaque ids": (serial) => `${serial.toString(16).padStart(8, "0")}58f1a2b3`,
};

describe.each(Object.keys(styles))("with %s as UIDLs", (name) => {
  const uidlFor = styles[name] as (serial: number) => string;

  test.each([false, true])(
    "what is known never makes a poll see another mailbox than the list shows (newest first: %s)",
    async (isNewestFirst) => {
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
          let serial = 0;
          let uidls: string[] = [];
          let known: SpoolKnown | undefined;
          for (const { come, go } of changes) {
            uidls = uidls.filter((_, at) => !go.includes(at));
            for (let left = come; left > 0; left--) uidls.push(uidlFor(++serial));
            const shown = isNewestFirst ? uidls.toReversed() : uidls;
            const { status } = new SpoolList(rowsOf(shown), shown.length, known?.uidls);
            let questions = 0;
            const quick = await statusAsKnown(shown.length, known, (number) => {
              questions++;
              return Promise.resolve(shown[number - 1]);
            });
            expect(questions).toBeLessThanOrEqual(2);
            const { order: _listed, ...told } = status;
            if (quick !== undefined) expect(quick).toEqual(told);
            known = { uidls: status.uidls, newest: Math.max(known?.newest ?? 0, status.uidNext - 1), messages: status.messages };
            // And a poll after which nothing happened is never a whole list, unless there is nothing or the newest went.
            const again = await statusAsKnown(shown.length, known, (number) => Promise.resolve(shown[number - 1]));
            if (shown.length > 0 && status.uidNext - 1 === known.newest) expect(again).toEqual(told);
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  test("every message keeps its UID while others come and go, and has the number of this session", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        let serial = 0;
        let uidls: string[] = [];
        let status: FolderStatus | undefined;
        const uidOf = new Map<string, number>();
        for (const { come, go } of changes) {
          uidls = uidls.filter((_, at) => !go.includes(at));
          for (let left = come; left > 0; left--) uidls.push(uidlFor(++serial));
          const list = new SpoolList(rowsOf(uidls), uidls.length, status?.uidls);
          ({ status } = list);
          expect(list.uids).toHaveLength(uidls.length);
          for (const { uid, number } of list.pick(list.uids)) {
            const uidl = uidls[number - 1] ?? "";
            expect(uidOf.get(uidl) ?? uid).toBe(uid);
            uidOf.set(uidl, uid);
            expect(list.uidOf(number)).toBe(uid);
            expect(uid).toBeLessThan(status.uidNext);
          }
        }
        expect(new Set(uidOf.values()).size).toBe(uidOf.size);
      }),
      { numRuns: 300 },
    );
  });
});

test("a list of 100,000 messages is read in a moment, and a poll without news asks two questions", async () => {
  const uidls = Array.from({ length: 100_000 }, (_, at) => String(50_000 + at * 2));
  const began = performance.now();
  const list = new SpoolList(rowsOf(uidls), uidls.length, undefined);
  expect(list.uids.length).toBe(100_000);
  expect(list.numberOf(50_002)).toBe(2);
  expect(performance.now() - began).toBeLessThan(20_000);
  const known = { uidls: undefined, newest: list.status.uidNext - 1, messages: 100_000 };
  const asked: number[] = [];
  const status = await statusAsKnown(100_000, known, (number) => Promise.resolve(uidls[asked.push(number) && number - 1]));
  const { order, ...told } = list.status;
  expect([status, asked]).toEqual([told, [100_000, 1]]);
  expect(order).toEqual(uidls.map(Number));
});

test("a poll of a list that ends with others than the newest asks for these", async () => {
  const uidls = { uidls: ["a", "b", "d", "c"] };
  const known: SpoolKnown = { uidls, newest: 4, messages: 4, ends: [1, 3] };
  const ask = (listed: readonly string[]) => statusAsKnown(listed.length, known, (number) => Promise.resolve(listed[number - 1]));
  expect(await ask(["a", "b", "c", "d"])).toEqual({ messages: 4, uidNext: 5, uidValidity: "dealt", uidls });
  // The last went, and what was away is back in the middle.
  expect(await ask(["a", "b", "e", "c"])).toBeUndefined();
  expect(await ask(["b", "c", "e", "d"])).toBeUndefined();
  expect(await ask(["a", "b", "c", "e"])).toBeUndefined();
});

test("UIDs are picked once each, in the order in which they were asked for, without those that are not listed", () => {
  const list = new SpoolList(rowsOf(["30", "10", "20"]), 3, undefined);
  expect(list.uids).toEqual([10, 20, 30]);
  expect(list.pick([20, 99, 30, 20])).toEqual([
    { uid: 20, number: 3 },
    { uid: 30, number: 1 },
  ]);
  expect(dealUidls(undefined, ["30", "10", "20"]).uids).toEqual([30, 10, 20]);
});
