import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFolderName, encodeFolderName, hasControls, swapDelimiter } from "./folder-name.ts";

test.each([
  ["INBOX", "INBOX"],
  ["Tom & Jerry", "Tom &- Jerry"],
  ["Entwürfe", "Entw&APw-rfe"],
  ["台北/日本語", "&U,BTFw-/&ZeVnLIqe-"],
  ["😀", "&2D3eAA-"],
  ["a&b&c", "a&-b&-c"],
])("%s is %s on the wire", (text, wire) => {
  expect(encodeFolderName(text)).toBe(wire);
  expect(decodeFolderName(wire)).toBe(text);
});

test("what is not modified UTF-7 stays as the server wrote it", () => {
  expect(decodeFolderName("R&D")).toBe("R&D");
  expect(decodeFolderName("a&A-b")).toBe("a&A-b");
  expect(decodeFolderName("half &2D0- pair")).toBe("half &2D0- pair");
});

test("every name comes back, through any delimiter, and its wire form is printable ASCII", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom("/", ".", "\\", "|", undefined), (text, delimiter) => {
      const wire = encodeFolderName(swapDelimiter(text, delimiter));
      expect(wire).toMatch(/^[\x20-\x7e]*$/);
      expect(swapDelimiter(decodeFolderName(wire), delimiter)).toBe(text);
    }),
  );
});

test("a name that could break a line or a terminal is known", () => {
  for (const name of ["a\r\nb", "a\tb", "\u0000", "\u001b[2J", "\u007f", "\u0085", "\u2028", "\ud800"])
    expect(hasControls(name)).toBe(true);
  for (const name of ["Überblick", "a b", "日本語", "😀"]) expect(hasControls(name)).toBe(false);
});
