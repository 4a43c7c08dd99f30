import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stateWords } from "../words/states.ts";
import { hourMs, packHours, type RecordedHours, stripHours, stripUpTo, unpackHours, withHour, worseState } from "./state-strip.ts";

const of = (word: (typeof stateWords)[number]): number => stateWords.indexOf(word);
const fresh = of("fresh");
const behind = of("behind");

const hours = fc.record({
  lastHour: fc.integer({ min: 400_000, max: 900_000 }),
  states: fc.array(fc.option(fc.integer({ min: 0, max: stateWords.length - 1 })), { minLength: 1, maxLength: stripHours }),
});

describe("recorded hours", () => {
  test("are read as they were written, in at most a byte an hour", () => {
    fc.assert(
      fc.property(hours, (recorded) => {
        const text = packHours(recorded);
        expect(unpackHours(text)).toEqual(recorded);
        expect(text.length).toBeLessThanOrEqual(stripHours + 5);
      }),
    );
  });

  test("of a quiet fortnight are ten bytes", () => {
    expect(packHours({ lastHour: 497_000, states: Array.from({ length: stripHours }, () => fresh) })).toBe(
      "anhk:h336".replace("anhk", (497_000).toString(36)),
    );
  });

  test.each(["", "x", "abc:", "abc:z3", "abc:h9999", "abc:h337", "abc:h200h200", "abc:h0", "ABC:h1"])(
    "that nobody wrote are none: %j",
    (text) => {
      expect(unpackHours(text)).toBeUndefined();
    },
  );

  test("keep the worst of an hour, whichever came first", () => {
    const one: RecordedHours = { lastHour: 10, states: [fresh] };
    expect(withHour(one, 10, behind).states).toEqual([behind]);
    expect(withHour({ lastHour: 10, states: [behind] }, 10, fresh).states).toEqual([behind]);
    expect(worseState(of("parked"), of("behind"))).toBe(of("parked"));
    expect(worseState(fresh, of("syncing"))).toBe(of("syncing"));
  });

  test("have gaps for what was missed, forget what is older than their days, and are not changed by an hour before their last", () => {
    expect(withHour({ lastHour: 10, states: [fresh] }, 13, behind)).toEqual({ lastHour: 13, states: [fresh, null, null, behind] });
    expect(withHour({ lastHour: 10, states: [fresh] }, 9, behind)).toEqual({ lastHour: 10, states: [fresh] });
    expect(withHour({ lastHour: 10, states: [fresh] }, 10 + stripHours, behind)).toEqual({ lastHour: 10 + stripHours, states: [behind] });
    const full = { lastHour: stripHours, states: Array.from({ length: stripHours }, () => fresh) };
    expect(withHour(full, stripHours + 1, behind).states).toHaveLength(stripHours);
  });

  test("become a strip that ends with this hour", () => {
    const strip = stripUpTo({ lastHour: 998, states: [behind, fresh] }, 1_000 * hourMs + 5);
    expect(strip.from).toBe((1_000 - stripHours + 1) * hourMs);
    expect(strip.hours).toHaveLength(stripHours);
    expect(strip.hours.slice(-5)).toEqual([null, behind, fresh, null, null]);
    expect(stripUpTo(undefined, 0).hours.every((one) => one === null)).toBe(true);
  });
});
