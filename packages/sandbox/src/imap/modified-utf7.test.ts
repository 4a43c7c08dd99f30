import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeModifiedUtf7, encodeModifiedUtf7 } from "./modified-utf7.ts";

test.each([
  ["INBOX", "INBOX"],
  ["Büro", "B&APw-ro"],
  ["Verträge & Rechnungen", "Vertr&AOQ-ge &- Rechnungen"],
  ["請求書", "&istsQmb4-"],
  ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"],
])("writes %s as %s", (name, wire) => {
  expect(encodeModifiedUtf7(name)).toBe(wire);
  expect(decodeModifiedUtf7(wire)).toBe(name);
});

test("comes back the same for every name", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (name) => decodeModifiedUtf7(encodeModifiedUtf7(name)) === name));
});

test("tells when a name is not of this kind", () => {
  expect(decodeModifiedUtf7("R&D")).toBeUndefined();
});
