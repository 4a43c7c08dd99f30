import { expect, test } from "vitest";
import { parseSequenceSet, positionsOfNumbers, positionsOfUids } from "./sequence-set.ts";

const uids = [3, 5, 9, 20];

function byUid(text: string): number[] | undefined {
  const set = parseSequenceSet(text);
  return set && positionsOfUids(set, uids).map((at) => uids[at] as number);
}

test.each([
  ["1:*", [3, 5, 9, 20]],
  ["*", [20]],
  ["21:*", [20]],
  ["*:7", [9, 20]],
  ["9:4", [5, 9]],
  ["4", []],
  ["20,3,3:5,5", [3, 5, 20]],
  ["1:4294967295", [3, 5, 9, 20]],
])("UID set %s finds %j", (text, expected) => {
  expect(byUid(text)).toEqual(expected);
});

test.each(["", "0", "1:", "a", "1,,2", "4294967296", "-1"])("%j is no set", (text) => {
  expect(parseSequenceSet(text)).toBeUndefined();
});

test.each([
  ["1:*", [0, 1, 2]],
  ["5:*", [2]],
  ["2", [1]],
  ["3:2", [1, 2]],
  ["4", undefined],
  ["1:4", undefined],
])("of three messages, numbers %s are %j", (text, expected) => {
  const set = parseSequenceSet(text);
  expect(set && positionsOfNumbers(set, 3)).toEqual(expected);
});

test("an empty folder has no numbers and no UIDs", () => {
  const set = parseSequenceSet("1:*") ?? [];
  expect(positionsOfNumbers(set, 0)).toBeUndefined();
  expect(positionsOfUids(set, [])).toEqual([]);
});
