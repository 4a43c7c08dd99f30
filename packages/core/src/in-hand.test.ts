import fc from "fast-check";
import { expect, test } from "vitest";
import { findSuspect, type InHand, packInHand, packSuspects, type Suspect, suspectsAfter, unpackHandNote } from "./in-hand.ts";
import { limits } from "./limits.ts";
import { uidSetOf } from "./uid-set.ts";

const hand = (uids: readonly number[], step: InHand["step"], folder = "INBOX"): InHand => ({
  folder,
  generation: 1,
  uids: uidSetOf(uids),
  step,
});
const deathsOf = (suspects: readonly Suspect[], uid: number): number | undefined => findSuspect(suspects, "INBOX", 1, uid)?.deaths;

test("a message that kills each time is known at the third death, its neighbours are not", () => {
  let suspects = suspectsAfter(hand([5, 6, 7], "together"), []);
  expect([5, 6, 7].map((uid) => deathsOf(suspects, uid))).toEqual([1, 1, 1]);
  suspects = suspectsAfter(hand([7], "parsing"), suspects);
  suspects = suspectsAfter(hand([7], "parsing"), suspects);
  expect(deathsOf(suspects, 7)).toBe(limits.killedWorkers);
  expect(deathsOf(suspects, 6)).toBe(1);
});

test("deaths with a batch in hand never add up, and those while fetching hardly do", () => {
  let suspects: readonly Suspect[] = [];
  for (let death = 0; death < 100; death++) suspects = suspectsAfter(hand([5, 6], "together"), suspects);
  expect(deathsOf(suspects, 5)).toBe(1);
  for (let death = 0; death < 4; death++) suspects = suspectsAfter(hand([5], "fetching"), suspects);
  expect(deathsOf(suspects, 5)).toBe(2);
});

test("the same UID in another folder or generation is another message", () => {
  const suspects = suspectsAfter({ ...hand([5], "together"), generation: 2 }, suspectsAfter(hand([5], "together", "Sent"), []));
  expect(deathsOf(suspects, 5)).toBeUndefined();
});

test("what is stored reads back the same, and what cannot be read is nothing", () => {
  const uids = fc.uniqueArray(fc.integer({ min: 1, max: 4_294_967_295 }), { minLength: 1, maxLength: 50 });
  const step = fc.constantFrom("together", "fetching", "parsing" as const);
  fc.assert(
    fc.property(fc.string(), fc.nat(), uids, step, (folder, generation, list, one) => {
      const inHand = { folder, generation, uids: uidSetOf(list), step: one };
      const suspects = suspectsAfter(inHand, []);
      expect(unpackHandNote(packInHand(inHand), packSuspects(suspects))).toEqual({ inHand, suspects });
    }),
  );
  for (const text of [undefined, "", "{", "[]", '["INBOX",1,"x","parsing"]', '["INBOX",1,"1","sleeping"]', "null", "[[1]]"]) {
    expect(unpackHandNote(text, text)).toEqual({ suspects: [] });
  }
});
