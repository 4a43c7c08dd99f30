import { expect, test } from "vitest";
import { flagBits } from "../world/base-folder.ts";
import { CommandReader } from "./command-reader.ts";
import { parseCommand } from "./parse-command.ts";
import { parseDateTime, parseSearch } from "./search-query.ts";
import type { Searchable } from "./search-query.ts";

const day = 86_400_000;
const first = Date.UTC(2026, 1, 1);
const messages = [10, 12, 40].map((uid, position): Searchable => ({
  position,
  uid,
  flags: position === 1 ? flagBits.seen : 0,
  internalDate: first + position * day + 3_600_000,
  size: (position + 1) * 1_000,
  bytes: () =>
    Buffer.from(
      `Message-ID: <m${String(uid)}@x>\r\nSubject: Report\r\n of week ${String(position)}\r\nDate: Sun, 1 Feb 2026 10:00:00 +0000\r\n\r\nBody ${String(uid)}`,
    ),
}));

function search(keys: string): number[] | undefined {
  const [event] = new CommandReader().push(Buffer.from(`a UID SEARCH ${keys}\r\n`));
  if (event?.kind !== "command") throw new Error("no command");
  const outcome = parseCommand(event.command);
  if (!("command" in outcome)) return undefined;
  const matches = parseSearch(outcome.command.args, [10, 12, 40]);
  return matches && messages.filter(matches).map((message) => message.uid);
}

test.each([
  ["ALL", [10, 12, 40]],
  ["UNSEEN", [10, 40]],
  ["SEEN UNDELETED", [12]],
  ["UID 11:*", [12, 40]],
  ["UID 100:*", [40]],
  ["2:*", [12, 40]],
  ["SINCE 2-Feb-2026", [12, 40]],
  ["BEFORE 2-Feb-2026", [10]],
  ["ON 2-Feb-2026", [12]],
  ["NOT UID 10", [12, 40]],
  ["OR UID 10 UID 40", [10, 40]],
  ["(SEEN UID 12)", [12]],
  ["HEADER MESSAGE-ID <m40@x>", [40]],
  ['SUBJECT "report of week 1"', [12]],
  ["TEXT body UID 10,40", [10, 40]],
  ["LARGER 1000 SMALLER 3000", [12]],
  ["SENTSINCE 1-Feb-2026", [10, 12, 40]],
  ["FLAGGED", []],
])("SEARCH %s finds %j", (keys, expected) => {
  expect(search(keys)).toEqual(expected);
});

test.each(["", "NONSENSE", "OR SEEN", "UID x", "SINCE yesterday", "RETURN (MIN)", `${"NOT ".repeat(40)}SEEN`])(
  "SEARCH %j is refused",
  (keys) => {
    expect(search(keys)).toBeUndefined();
  },
);

test("a date-time of APPEND is taken with its zone", () => {
  expect(parseDateTime(" 1-Feb-2026 10:00:00 +0130")).toBe(Date.UTC(2026, 1, 1, 8, 30));
  expect(parseDateTime("2026-02-01")).toBeUndefined();
});
