import { describe, expect, test } from "vitest";
import { listProblem, Pop3Capabilities, readListRow, readStat, readStatusLine, readUidlRow, responseCodeOf } from "./answers.ts";

describe("status lines", () => {
  test.each([
    ["+OK", { status: "ok", text: "" }],
    ["+OK 2 320", { status: "ok", text: "2 320" }],
    ["-ERR", { status: "refused", text: "" }],
    ["-ERR no such message", { status: "refused", text: "no such message" }],
    ["-ERR [IN-USE] locked", { status: "refused", text: "[IN-USE] locked" }],
    ["-ERR [sys/temp] later", { status: "refused", text: "[sys/temp] later" }],
    ["-ERR [] x", { status: "refused", text: "[] x" }],
    [`-ERR [${"A".repeat(41)}] x`, { status: "refused", text: `[${"A".repeat(41)}] x` }],
    ["+", { status: "challenge" }],
    ["+ eyJzdGF0dXMi", { status: "challenge" }],
    ["+OKAY", undefined],
    ["+ok", undefined],
    ["-ERRor", undefined],
    ["* OK", undefined],
    ["", undefined],
    ["Connection is closed. 21", undefined],
  ])("%j", (line, read) => {
    expect(readStatusLine(Buffer.from(line))).toEqual(read);
  });

  test("bytes that are no text do not stop them", () => {
    expect(readStatusLine(Buffer.from("-ERR \xff\0\n", "latin1"))).toEqual({
      status: "refused",
      text: "\ufffd\0\n",
      responseCode: undefined,
    });
  });
});

test.each([
  ["[IN-USE] locked", "IN-USE"],
  ["[sys/temp] later", "SYS/TEMP"],
  ["[SYS/PERM]", "SYS/PERM"],
  ["[] x", undefined],
  [" [IN-USE] x", undefined],
  ["locked [IN-USE]", undefined],
  ["[IN USE] x", undefined],
  [`[${"A".repeat(41)}] x`, undefined],
])("the response code of %j is %s", (text, code) => {
  expect(responseCodeOf(text)).toBe(code);
});

describe("numbers and ids", () => {
  test.each([
    ["2 320", { messages: 2, octets: 320 }],
    ["0 0", { messages: 0, octets: 0 }],
    ["2 320 more", { messages: 2, octets: 320 }],
    ["2", undefined],
    ["2  320", undefined],
    ["-2 320", undefined],
    ["2 3x", undefined],
    ["2147483648 1", undefined],
    ["99999999999 1", undefined],
    ["1 9999999999999999", undefined],
    ["", undefined],
  ])("STAT %j", (text, read) => {
    expect(readStat(text)).toEqual(read);
  });

  test.each([
    ["1 whqtswO00WBw418f9t5JxYwZ", { number: 1, uidl: "whqtswO00WBw418f9t5JxYwZ" }],
    [`1 ${"~".repeat(70)}`, { number: 1, uidl: "~".repeat(70) }],
    [`1 ${"~".repeat(71)}`, undefined],
    ["1 a b", undefined],
    ["1 a ", undefined],
    ["1 ", undefined],
    ["1", undefined],
    ["0 a", undefined],
    ["01 a", undefined],
    ["1 \x7f", undefined],
    ["1 é", undefined],
    ["1 a\0", undefined],
    ["4294967297 a", undefined],
  ])("UIDL %j", (line, read) => {
    expect(readUidlRow(line)).toEqual(read);
  });

  test.each([
    ["1 120", { number: 1, octets: 120 }],
    ["1 120 more", { number: 1, octets: 120 }],
    ["1 x", undefined],
    ["1 -1", undefined],
    ["0 120", undefined],
    ["x 120", undefined],
  ])("LIST %j", (line, read) => {
    expect(readListRow(line)).toEqual(read);
  });
});

test.each([
  ["an empty list", [], 0, undefined],
  ["rising numbers", [{ number: 1 }, { number: 2 }], 2, undefined],
  ["with holes, where STAT was not asked", [{ number: 2 }, { number: 9 }], undefined, undefined],
  ["falling numbers", [{ number: 2 }, { number: 1 }], 2, "list-numbers"],
  ["a number twice", [{ number: 1 }, { number: 1 }], 2, "list-numbers"],
  ["a number that STAT did not count", [{ number: 3 }], 2, "list-numbers"],
  ["fewer than STAT", [{ number: 1 }], 2, undefined],
  [
    "an id twice",
    [
      { number: 1, uidl: "a" },
      { number: 2, uidl: "a" },
    ],
    2,
    "list-twice",
  ],
])("a list: %s", (_name, rows, count, problem) => {
  expect(listProblem(rows, count)).toBe(problem);
});

test("capabilities are read by name, and lines that are none are passed over", () => {
  const offered = new Pop3Capabilities(["TOP", "sasl  plain xoauth2 ", "", " ", "EXPIRE 60 USER", "\xff 1", "pipelining"]);
  expect(offered.has("top")).toBe(true);
  expect(offered.has("STLS")).toBe(false);
  expect(offered.sasl).toEqual(["PLAIN", "XOAUTH2"]);
  expect(offered.parameters("EXPIRE")).toEqual(["60", "USER"]);
  expect(offered.pipelining).toBe(true);
  expect(new Pop3Capabilities([]).sasl).toEqual([]);
});
