import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dealUidls, type UidlBook } from "./uidl-book.ts";
import { emptyUidSet, uidSetOf } from "./uid-set.ts";
import { witnessLines } from "./witnesses.ts";

const heads = (lines: readonly (readonly number[])[]): readonly number[] => lines.map(([head]) => head as number);

test("of numbers that rise along the list the last known one is asked, and those before it in its place", () => {
  expect(witnessLines([3, 5, 8, 9], uidSetOf([3, 5, 8]), true)).toEqual([[8, 5, 3]]);
  const many = Array.from({ length: 1_000 }, (_, at) => at + 1);
  expect(witnessLines(many, uidSetOf(many), true)[0]).toEqual([1_000, 999, 998, 997, 996, 995, 994, 993, 992, 991]);
});

test("where they do not rise, or were dealt, both ends are asked and the highest number, each once", () => {
  expect(heads(witnessLines([3, 5, 2], uidSetOf([2, 3, 5]), true))).toEqual([2, 3, 5]);
  expect(heads(witnessLines([9, 8, 3], uidSetOf([3, 8]), true))).toEqual([3, 8]);
  expect(heads(witnessLines([1, 2, 5, 4], uidSetOf([1, 2, 4, 5]), false))).toEqual([4, 1, 5]);
  expect(heads(witnessLines([1, 2, 3], uidSetOf([1, 2, 3]), false))).toEqual([3, 1]);
  expect(heads(witnessLines([7], uidSetOf([7]), false))).toEqual([7]);
});

test("where nothing known is listed nobody is asked", () => {
  expect(witnessLines([1, 2], emptyUidSet, false)).toEqual([]);
  expect(witnessLines([], uidSetOf([1]), true)).toEqual([]);
});

/** What happens between two looks at a mailbox of which everything is known after each. */
const happening = fc.oneof(
  fc.record({ do: fc.constant("come" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("go" as const), at: fc.nat(9) }),
  // Away from the list for a while: its number is dealt late.
  fc.record({ do: fc.constant("hide" as const), at: fc.nat(9) }),
  fc.record({ do: fc.constant("show" as const) }),
  fc.record({ do: fc.constant("restore" as const), at: fc.nat(9), count: fc.nat(3) }),
  fc.record({ do: fc.constant("reuse" as const), at: fc.nat(9) }),
  fc.record({ do: fc.constant("look" as const) }),
);

const styles: Readonly<Record<string, (name: number) => string>> = {
  numbers: String,
  words: (name) => `word-${name}`,
};

interface Message {
  readonly serial: number;
  readonly name: number;
  isHidden: boolean;
}

describe.each(Object.keys(styles))("whatever comes, goes, is hidden, restored or named as one that is gone: with %s", (style) => {
  test.each([false, true])("if a known UIDL is another message, one that is asked is (newest first: %s)", (isNewestFirst) => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), (all) => {
        let serial = 0;
        let next = 1;
        let there: Message[] = [];
        let gone: number[] = [];
        let book: UidlBook | undefined;
        /** UID -> the message that was handed off under it. */
        let handedOff = new Map<number, number>();
        const times = new Map<number, number>();
        const come = (name: number): void => {
          times.set(name, (times.get(name) ?? 0) + 1);
          there.push({ serial: ++serial, name, isHidden: false });
        };
        const at = (index: number): Message | undefined => there[index % Math.max(1, there.length)];
        const look = (): void => {
          const shown = there.filter(({ isHidden }) => !isHidden);
          const listed = isNewestFirst ? shown.toReversed() : shown;
          const dealt = dealUidls(
            book,
            listed.map(({ name }) => (styles[style] as (name: number) => string)(name)),
          );
          ({ book } = dealt);
          const serialOf = new Map(dealt.uids.map((uid, index) => [uid, listed[index]?.serial ?? 0]));
          const isAnother = (uid: number): boolean => handedOff.has(uid) && handedOff.get(uid) !== serialOf.get(uid);
          const asked = heads(witnessLines(dealt.uids, uidSetOf(handedOff.keys()), book === undefined));
          expect(asked.length).toBeLessThanOrEqual(3);
          const areOthers = dealt.uids.some(isAnother);
          if (areOthers) found++;
          expect(asked.some(isAnother)).toBe(areOthers);
          // A reset knows nothing under these numbers; else what is new is handed off.
          if (areOthers) handedOff = new Map();
          for (const [uid, message] of serialOf) handedOff.set(uid, message);
        };
        for (const one of all) {
          const message = "at" in one ? at(one.at) : undefined;
          switch (one.do) {
            case "come":
              for (let n = 0; n < one.count; n++) come(next++);
              break;
            case "go":
              if (message) gone.push(message.name);
              there = there.filter((other) => other !== message);
              break;
            case "hide":
              // One that shows late under a name that was another's stands anywhere: it is asked for as one that is back.
              if (message && times.get(message.name) === 1) message.isHidden = true;
              break;
            case "show":
              for (const other of there) other.isHidden = false;
              break;
            case "restore":
              if (message) {
                next = Math.min(next, message.name);
                there = there.filter(({ name }) => name < message.name);
                gone = gone.filter((name) => name < message.name);
                for (let n = 0; n < one.count; n++) come(next++);
              }
              break;
            case "reuse": {
              // Numbers that rise with the list are believed to rise with time.
              if (style === "numbers" && isNewestFirst) break;
              const name = gone.splice(one.at % Math.max(1, gone.length), 1)[0];
              if (name !== undefined) come(name);
              break;
            }
            case "look":
              look();
          }
        }
        look();
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(0);
  });
});
