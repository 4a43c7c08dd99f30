import fc from "fast-check";
import { expect, test } from "vitest";
import { odataString, psString } from "./quote.ts";
import { tokenize } from "./powershell-tokens.ts";

const quoteMarks = ["'", "\u2018", "\u2019", "\u201a", "\u201b"];

test.each([
  ["o'brien", "'o''brien'"],
  ["x\u2019; Remove-Mailbox y #@", "'x\u2019\u2019; Remove-Mailbox y #@'"],
  ["$(Remove-Mailbox y)", "'$(Remove-Mailbox y)'"],
  ["", "''"],
])("%j goes into a script as %s", (text, quoted) => {
  expect(psString(text)).toBe(quoted);
});

test.each(["a\nb", "a\rb", "a\u0000b", "a\u2028b", "a\u202eb", "\ud800", "a\u0085b"])("%j is refused: no name needs it", (text) => {
  expect(() => psString(text)).toThrow(RangeError);
});

test("whatever a name is, PowerShell's rules read it back as one string with that value", () => {
  const nasty = fc.constantFrom(
    ...quoteMarks,
    '"',
    "\u201c",
    "$",
    "`",
    "#",
    ";",
    "}",
    ")",
    "@",
    "\\",
    "<#",
    "#>",
    "'@",
    " ",
    "-",
    "a",
    "\u4e2d",
  );
  const name = fc.array(fc.oneof(nasty, fc.string({ unit: "grapheme", maxLength: 3 })), { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(name, (text) => {
      fc.pre(!/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text));
      const tokens = tokenize(`$x = ${psString(text)}\n$y = 1`);
      expect(tokens.map(({ kind }) => kind)).toEqual(["variable", "mark", "string", "newline", "variable", "mark", "number", "end"]);
      expect(tokens[2]?.text).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test("a filter has quotes of its own, inside those of PowerShell", () => {
  expect(psString(`displayName eq ${odataString("o'brien")}`)).toBe("'displayName eq ''o''''brien'''");
});
