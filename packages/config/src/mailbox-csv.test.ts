import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressProblem } from "./addresses.ts";
import { parseMailboxCsv } from "./mailbox-csv.ts";

describe("CSV as spreadsheets and PowerShell write it", () => {
  test.each<[string, string, string[]]>([
    ["a bare list", "a@x.example\nb@x.example\n", ["1 a@x.example", "2 b@x.example"]],
    ["a header in another order, CRLF and byte order mark", "\ufeffProtocol,Address\r\npop3,A@x.example\r\n", ["2 a@x.example pop3"]],
    ["quotes, comments and empty lines", '# all\n"address","protocol"\n\n"a@x.example" , "imap"\n', ["4 a@x.example imap"]],
    ["semicolons", "address;protocol\na@x.example;pop3", ["2 a@x.example pop3"]],
    ["Exchange's export", '#TYPE Selected\n"Name","PrimarySmtpAddress"\n"Box, One","a@x.example"', ["3 a@x.example"]],
    ["old line ends", "a@x.example\rb@x.example", ["1 a@x.example", "2 b@x.example"]],
    ["an empty file", "", []],
  ])("%s", (_, text, expected) => {
    const { rows, problems, rowCount } = parseMailboxCsv(text);
    expect(problems).toEqual([]);
    expect(rows.map(({ line, address, protocol }) => [line, address, protocol].filter((part) => part !== undefined).join(" "))).toEqual(
      expected,
    );
    expect(rowCount).toBe(expected.length);
  });

  test("columns that are not looked at are named, and one that is misspelt says what it means", () => {
    expect(parseMailboxCsv("Name;Adress\nBox;a@x.example").columns).toEqual([
      { line: 1, name: '"Name"' },
      { line: 1, name: '"Adress"', meant: "address" },
    ]);
    expect(parseMailboxCsv("a@x.example,imap").columns).toEqual([]);
  });

  test("every bad row is told with its line, and the good ones stay", () => {
    const text = [
      "address,protocol",
      "sales @x.example",
      "a@x.example",
      "A@x.example",
      "b@x.example,smtp",
      '"c@x.example',
      "d@@x",
      "=HYPERLINK()@x.example",
      "e@x.example\u202e",
      "f@x.example,POP",
    ].join("\n");
    const { rows, problems, rowCount } = parseMailboxCsv(text);
    expect(rows.map((row) => row.line)).toEqual([3]);
    expect(rowCount).toBe(9);
    expect(problems).toEqual([
      { line: 2, value: '"sales @x.example"', text: "a space in the address" },
      { line: 4, value: '"A@x.example"', text: "same as line 3" },
      { line: 5, value: '"b@x.example"', text: "a protocol other than imap or pop3" },
      { line: 6, value: "(not shown)", text: "a quote that does not end" },
      { line: 7, value: '"d@@x"', text: "more than one @ in the address" },
      { line: 8, value: '"=HYPERLINK()@x.example"', text: "a character that no mailbox address has" },
      { line: 9, value: '"e@x.example\\u202e"', text: "a control character in the address" },
      { line: 10, value: '"f@x.example"', text: "a protocol other than imap or pop3; did you mean pop3?" },
    ]);
  });

  test("no text makes it throw, and every row is either good or told", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a@.,;"\n\r# x\u0000'.split("")), maxLength: 80 }), (text) => {
        const { rows, problems, rowCount } = parseMailboxCsv(text);
        expect(rows.length + problems.length).toBe(rowCount);
        for (const { address } of rows) expect(addressProblem(address)).toBeUndefined();
      }),
    );
  });
});

test.each([
  ["a@x.example", undefined],
  ["o'brien@x.example", undefined],
  ["ünï@x.example", undefined],
  ["", "no address"],
  ["a", "no @ in the address"],
  ["@x", "nothing before the @"],
  ["a@", "nothing after the @"],
  ["a\r\nb@x", "a control character in the address"],
  ["a\u0001@x", "a control character in the address"],
  [`${"a".repeat(250)}@x.example`, "longer than 254 bytes"],
])("address %j: %s", (address, problem) => {
  expect(addressProblem(address)).toBe(problem);
});
