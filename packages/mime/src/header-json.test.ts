import fc from "fast-check";
import { expect, test } from "vitest";
import { scanFields } from "./header-block.ts";
import { writeHeaders } from "./header-json.ts";
import { readRawFields } from "./read-fields.ts";
import { TextRoom } from "./text-room.ts";

const reader = { decodeWords: (text: string) => text, addDefect: () => undefined, maxAddresses: 100, maxFields: 100 };
const name = fc.constantFrom("Subject", "X-A", 'X-"\\"', "x", "Received");
const value = fc
  .array(fc.oneof(fc.constantFrom("\n ", "\r\n\t", "\n\t \n ", '"', "\\", " ", "\t", "\f", "\b", "\v", "\u001b", "\u007f"), fc.string()), {
    maxLength: 8,
  })
  // a line end that folds nothing would begin another field
  .map((pieces) => pieces.join("").replace(/\0|[\r\n]+(?![ \t\n])/g, ""));
const block = fc
  .array(fc.tuple(name, value, fc.constantFrom("\n", "\r\n")), { minLength: 1, maxLength: 5 })
  .map((fields) => fields.map(([key, text, end]) => `${key}:${text}${end}`).join(""));

test("the fields of a head are written as the list of them is", () => {
  let compared = 0;
  fc.assert(
    fc.property(block, (text) => {
      const fields = scanFields(text);
      if (typeof fields === "string") return;
      compared++;
      const expected = JSON.stringify(readRawFields(fields, true, undefined, reader).headers);
      const written = writeHeaders(Buffer.from(text), fields, new TextRoom(0))?.toString();
      expect(written).toBe(expected.includes("\\u00") ? undefined : expected);
    }),
    { numRuns: 3_000 },
  );
  expect(compared).toBeGreaterThan(1_000);
});
