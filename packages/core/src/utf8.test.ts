import fc from "fast-check";
import { expect, test } from "vitest";
import { cutText, isLongerInUtf8, utf8Length } from "./utf8.ts";

/** Every UTF-16 unit, lone surrogates included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

test("counts what an encoder writes", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const { length } = new TextEncoder().encode(text);
      expect(utf8Length(text)).toBe(length);
      for (const limit of [length - 1, length, length + 1]) expect(isLongerInUtf8(text, limit)).toBe(length > limit);
    }),
  );
});

test("cuts between characters", () => {
  expect([cutText("a🎉b", 4), cutText("a🎉b", 3), cutText("a🎉b", 2), cutText("a🎉b", 0)]).toEqual(["a🎉b", "a🎉", "a", ""]);
});
