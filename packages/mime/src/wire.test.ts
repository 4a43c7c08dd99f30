import fc from "fast-check";
import { expect, test } from "vitest";
import { limits, type MailAddress, type ParsedAttachment, type ParseResult, readMessage } from "@mailfleet/core";
import { BatchWriter, unpackBatch } from "./wire.ts";

const text = fc.string({ unit: "grapheme" }).map((one) => one.replaceAll("\0", "\uFFFD"));
/** A body that goes by reference; a mark in front of it stays where it is. */
const long = (one: string): string => `\uFEFF${one}${"é".repeat(limits.inlineBodyBytes / 2)}`;
const optional = <T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> =>
  fc.oneof(
    fc.constant({}),
    value.map((one) => ({ [key]: one })),
  );
const merged = <T>(...parts: fc.Arbitrary<object>[]): fc.Arbitrary<T> => fc.tuple(...parts).map((all) => Object.assign({}, ...all) as T);

const address = merged<MailAddress>(fc.record({ name: text, address: text }), optional("group", text));
const addresses = fc.array(address, { maxLength: 3 });
const attachment = merged<ParsedAttachment>(
  fc.record({ contentType: text, content: fc.uint8Array({ maxLength: 40 }) }),
  optional("filename", text),
  optional("disposition", text),
  optional("contentId", text),
);
const message = merged<object>(
  fc.record({
    references: fc.array(text),
    from: addresses,
    to: addresses,
    cc: addresses,
    bcc: addresses,
    replyTo: addresses,
    sender: addresses,
    headers: fc.array(fc.tuple(text, text)),
    attachments: fc.array(attachment, { maxLength: 3 }),
    defects: fc.array(text),
  }),
  ...["messageId", "inReplyTo", "subject", "date"].map((key) => optional(key, text)),
  ...["text", "html"].map((key) => optional(key, fc.oneof(text, text.map(long)))),
);
const result = fc.oneof(
  text.map((reason) => ({ ok: false, reason })),
  fc.tuple(message, optional("cut", text)).map(([one, cut]) => ({ ok: true, message: one, ...cut })),
) as fc.Arbitrary<ParseResult>;

test("a batch arrives in the other thread as it was sent", () => {
  fc.assert(
    fc.property(fc.array(result, { maxLength: 4 }), fc.boolean(), fc.nat(64), (results, isReversed, expected) => {
      const writer = new BatchWriter(results.length, expected);
      const entries = [...results.entries()];
      for (const [index, one] of isReversed ? entries.reverse() : entries) writer.add(index, one);
      const batch = writer.end();
      const arrived = unpackBatch(structuredClone(batch, { transfer: [batch.slab] }));
      expect(arrived.map((one) => (one.ok ? { ...one, message: readMessage(one.message) } : one))).toEqual(results);
    }),
  );
});

test("the buffer of a batch goes when nobody reads the last of its messages any more", () => {
  const about = { references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [], headers: [], attachments: [], defects: [] };
  const read: ParseResult = { ok: true, message: about };
  const writer = new BatchWriter(3, 100);
  for (const [index, one] of [read, { ok: false as const, reason: "it was not read" }, read].entries()) writer.add(index, one);
  const arrived = unpackBatch(writer.end());
  const [first, last] = arrived.flatMap((one) => (one.ok ? [one.message] : []));
  first?.letGo?.();
  expect(last?.json.length).toBeGreaterThan(0);
  last?.letGo?.();
  expect(last?.json.length).toBe(0);
});
