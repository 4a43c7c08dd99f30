import { expect, test } from "vitest";
import { toAscii } from "./ascii-only.mjs";

const mixed =
  "const { ä = 1, a = '\u00e9 \u2013 \u{1f600}', b = `${ä}\u2192\u2028`, c = /[\u2013\u2014\u{1f600}]/u, d = { é: 2 } } = {}; // ü\nexport default [ä, a, b, c.source, '\u2014x\u{1f600}'.replace(c, '-'), d];";

test("what is written as escapes is ASCII, and means the same in names, strings, templates and patterns", async () => {
  const ascii = toAscii(mixed, "one.mjs");
  expect(ascii).toMatch(/^[\0-\x7f]+$/);
  const read = async (code) => (await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`)).default;
  const [before, after] = [await read(mixed), await read(ascii)];
  // A pattern's own text is as it was written, and is read by patterns alone.
  expect(after.toSpliced(3, 1)).toEqual(before.toSpliced(3, 1));
  expect(after[1]).toBe("\u00e9 \u2013 \u{1f600}");
});

test("ASCII stays as it is", () => expect(toAscii("const a = '\\u2013';", "one.mjs")).toBe("const a = '\\u2013';"));

test.each([
  ["tag`\u2013`", "one.mjs: a tagged template is not ASCII"],
  ["const a = '\\\u2013';", "one.mjs: a backslash stands before a character that is to be escaped"],
])("%s, which an escape would change, ends the build", (code, why) => expect(() => toAscii(code, "one.mjs")).toThrow(why));
