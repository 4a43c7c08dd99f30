import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "./limits.ts";
import type { ParsedMessage } from "./ports.ts";
import { asParsed, type MessageToWrite } from "./message-to-write.ts";
import { readMessage, spliceMessage, writeMessage } from "./written-message.ts";

/** Every UTF-16 unit, NUL, lone surrogates, quotes and what looks like an escape. */
const text = fc
  .array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.constantFrom(0, 0xd800, 0xdc00, 0x22, 0x5c, 0x75, 0xfeff)), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
const body = fc.oneof(
  text,
  text.map((one) => `${one}${"é".repeat(limits.inlineBodyBytes / 2)}`),
);
const addresses = fc.array(fc.record({ name: text, address: text, group: text }, { requiredKeys: ["name", "address"] }), { maxLength: 2 });
const pointer = fc.record({ ref: text, sha256: text, size: fc.nat() });
const attachment = fc.record(
  { filename: text, contentType: text, disposition: text, contentId: text, content: fc.oneof(fc.uint8Array({ maxLength: 9 }), pointer) },
  { requiredKeys: ["contentType", "content"] },
);
const lists = { from: addresses, to: addresses, cc: addresses, bcc: addresses, replyTo: addresses, sender: addresses };
const message: fc.Arbitrary<ParsedMessage> = fc.record(
  {
    ...{ messageId: text, inReplyTo: text, subject: text, date: text, text: body, html: body },
    ...lists,
    references: fc.array(text, { maxLength: 3 }),
    headers: fc.array(fc.tuple(text, text), { maxLength: 3 }),
    attachments: fc.array(attachment, { maxLength: 3 }),
    defects: fc.array(text, { maxLength: 2 }),
  },
  { requiredKeys: ["references", "from", "to", "cc", "bcc", "replyTo", "sender", "headers", "attachments", "defects"] },
);

const isLong = (value: string | undefined): boolean =>
  value !== undefined && new TextEncoder().encode(value).length > limits.inlineBodyBytes;

/** What JSON.stringify makes of it, without NUL and lone surrogates (T31). */
function asJson(value: unknown): unknown {
  const clean = (one: string): string => one.toWellFormed().replaceAll("\0", "\uFFFD");
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "string" ? clean(one) : one)));
}

describe("a message that is written where it was parsed", () => {
  test("is, with its gaps filled, what its fields are as JSON", () => {
    fc.assert(
      fc.property(message, text, (one, around) => {
        const kept: [string, Uint8Array][] = [];
        const put = (kind: string, bytes: Uint8Array) => ({ ref: `ref-${around}`, sha256: kind, size: kept.push([kind, bytes]) });
        const json = [`{${JSON.stringify(around)}:`, ...spliceMessage(writeMessage(one), put), ',"end":1}'];

        const stored: [string, Uint8Array][] = [];
        const store = (kind: string, bytes: Uint8Array) => ({ ref: `ref-${around}`, sha256: kind, size: stored.push([kind, bytes]) });
        const { text: plain, html, attachments, defects, ...fields } = one;
        const content = {
          ...fields,
          ...(isLong(plain) ? { textRef: store("text", new TextEncoder().encode(plain)) } : { text: plain }),
          ...(isLong(html) ? { htmlRef: store("html", new TextEncoder().encode(html)) } : { html }),
          attachments: attachments.map(({ content: bytes, ...about }) => ({
            ...about,
            ...(bytes instanceof Uint8Array ? store("attachment", bytes) : bytes),
          })),
          ...(defects.length > 0 && { defects }),
        };
        const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
        const whole = json.map((piece) => (typeof piece === "string" ? piece : strict.decode(piece))).join("");
        const written = JSON.parse(whole) as Record<string, unknown>;
        expect(asJson(written)).toEqual(asJson({ [around]: content, end: 1 }));
        expect(written["end"]).toBe(1);
        expect(kept).toEqual(stored);
      }),
    );
  });

  test("is the same when its texts and headers are JSON already", () => {
    const none = { references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [], attachments: [], defects: [] };
    const written = (one: unknown): Buffer => Buffer.from(JSON.stringify(one));
    const escaped = (one: string) => ({ json: written(one).subarray(1, -1) });
    const sound = text.map((one) => one.toWellFormed().replaceAll("\0", "\uFFFD"));
    const list = fc.array(fc.tuple(sound, sound), { maxLength: 3 });
    fc.assert(
      fc.property(sound, fc.option(sound, { nil: undefined }), list, (plain, html, headers) => {
        const one: MessageToWrite = {
          ...none,
          headers: { json: written(headers) },
          text: escaped(plain),
          ...(html !== undefined && { html: escaped(html) }),
        };
        const same: ParsedMessage = { ...none, headers, text: plain, ...(html !== undefined && { html }) };
        expect(writeMessage(one)).toEqual(writeMessage(same));
        expect(asParsed(one)).toEqual(same);
      }),
    );
  });

  test("can be read again", () => {
    const long = `\uFEFF${"é".repeat(limits.inlineBodyBytes)}`;
    const none = { references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [], headers: [], defects: [] };
    const attachments = [
      { contentType: "a/b", filename: "ä.bin", content: new Uint8Array([1, 2]) },
      { contentType: "c/d", content: { ref: "there", sha256: "0", size: 3 } },
      { contentType: "e/f", content: new Uint8Array(0) },
    ];
    const one: ParsedMessage = { ...none, subject: "ä", text: "short", html: long, attachments };
    expect(readMessage(writeMessage(one))).toEqual(one);
  });
});
