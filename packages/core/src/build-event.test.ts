import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildQuarantinedEvent, writeMessageEvent } from "./build-event.ts";
import type { MessageEventInput } from "./build-event.ts";
import type { BlobPointer, MailAddress, MessageAdded, MessageContent } from "./event.ts";
import { joinJson } from "./json-pieces.ts";
import { limits } from "./limits.ts";
import type { ParsedMessage } from "./ports.ts";
import { utf8Length } from "./utf8.ts";
import { writeMessage } from "./written-message.ts";

const blank: ParsedMessage = {
  references: [],
  from: [{ name: "Ann", address: "ann@a.example" }],
  to: [],
  cc: [],
  bcc: [],
  replyTo: [],
  sender: [],
  headers: [["Subject", "Hello"]],
  attachments: [],
  defects: [],
};

const pointer: BlobPointer = { ref: "pack/1/2", sha256: "0".repeat(64), size: 1 };

function build(message: Partial<ParsedMessage>, facts: Partial<MessageEventInput> = {}) {
  const blobs = new Map<string, { kind: string; bytes: Uint8Array }>();
  const written = writeMessageEvent({
    mailbox: { tenant: "contoso", address: "box@contoso.example", protocol: "imap" },
    folder: { path: "INBOX", role: "inbox" },
    uid: 7,
    uidValidity: "4294967295",
    key: "contoso/box@contoso.example/INBOX/1.4294967295/7",
    lane: "fresh",
    at: Date.UTC(2026, 0, 2),
    flags: ["\\Seen"],
    internalDate: Date.UTC(2026, 0, 1),
    isResync: false,
    parser: { name: "mailparser", version: "1" },
    raw: pointer,
    message: writeMessage({ ...blank, ...message }),
    putBlob: (kind, bytes) => {
      const ref = `blob/${blobs.size}`;
      blobs.set(ref, { kind, bytes });
      return { ref, sha256: "f".repeat(64), size: bytes.byteLength };
    },
    ...facts,
  });
  const textOf = (at: BlobPointer | undefined): string => new TextDecoder().decode(blobs.get(at?.ref ?? "")?.bytes);
  const json = joinJson(written.json);
  return {
    get event() {
      return JSON.parse(json) as MessageAdded;
    },
    blobs,
    textOf,
    json,
  };
}

describe("the event of a message", () => {
  test("says what was read, and where the bytes are", () => {
    const content = new Uint8Array([1, 2, 3]);
    const { event, blobs } = build({
      subject: "Hello",
      text: "hi",
      attachments: [{ filename: "a.bin", contentType: "x/y", content }],
      defects: ["no-date"],
    });
    expect(event).toEqual({
      schema: "mailfleet.event/1",
      type: "message.added",
      key: "contoso/box@contoso.example/INBOX/1.4294967295/7",
      tenant: "contoso",
      mailbox: "box@contoso.example",
      protocol: "imap",
      at: "2026-01-02T00:00:00.000Z",
      lane: "fresh",
      folder: { path: "INBOX", role: "inbox" },
      uid: 7,
      uidValidity: "4294967295",
      flags: ["\\Seen"],
      internalDate: "2026-01-01T00:00:00.000Z",
      raw: pointer,
      message: {
        ...blank,
        subject: "Hello",
        text: "hi",
        attachments: [{ filename: "a.bin", contentType: "x/y", ref: "blob/0", sha256: "f".repeat(64), size: 3 }],
        defects: ["no-date"],
      },
      parser: { name: "mailparser", version: "1" },
    });
    expect(blobs.get("blob/0")).toEqual({ kind: "attachment", bytes: content });
  });

  test("marks a resync, and leaves out a date that no calendar has", () => {
    const { event } = build({}, { isResync: true, internalDate: 1e300 });
    expect([event.resync, "internalDate" in event]).toEqual([true, false]);
  });

  test.each([
    ["a".repeat(limits.inlineBodyBytes), true],
    ["a".repeat(limits.inlineBodyBytes + 1), false],
    ["ä".repeat(limits.inlineBodyBytes / 2), true],
    [`${"ä".repeat(limits.inlineBodyBytes / 2)}a`, false],
  ])("a body of %.3s... stays inline up to 64 KB of UTF-8: %s", (body, isInline) => {
    const { event, blobs, textOf } = build({ text: body, html: body });
    const { text, html, textRef, htmlRef } = event.message;
    expect([text, html]).toEqual(isInline ? [body, body] : [undefined, undefined]);
    if (!isInline) expect([textOf(textRef), textOf(htmlRef)]).toEqual([body, body]);
    expect([...blobs.values()].map((blob) => blob.kind)).toEqual(isInline ? [] : ["text", "html"]);
  });
});

describe("an event that would be too large", () => {
  const many = Array.from({ length: 10_000 }, (_, i): MailAddress => ({ name: `Person ${i}`, address: `p${i}@a.example` }));
  const attachment = { filename: "a.bin", contentType: "x/y", content: new Uint8Array(0) };
  const fat: [string, Partial<ParsedMessage>, readonly string[]][] = [
    [
      "60,000 recipients",
      { to: many, cc: many, bcc: many, from: many, replyTo: many, sender: many },
      ["from", "to", "cc", "bcc", "replyTo", "sender"],
    ],
    ["10,000 attachments", { attachments: Array.from({ length: 10_000 }, () => attachment) }, ["attachments"]],
    [
      "a header of 600 kB",
      {
        headers: [
          ["A", "x".repeat(600_000)],
          ["B", "y"],
        ],
      },
      ["headers"],
    ],
    ["100,000 references", { references: Array.from({ length: 100_000 }, (_, i) => `<${i}@a.example>`) }, ["references"]],
    ["a subject of 900 kB", { subject: "ä".repeat(450_000) }, ["subject"]],
    ["ids of 900 kB", { messageId: "a".repeat(450_000), inReplyTo: "b".repeat(450_000) }, ["messageId", "inReplyTo"]],
  ];

  test.each(fat)("with %s keeps the whole content behind its overflow and the text inline", (_, message, fields) => {
    const { event, json, textOf } = build({ ...message, text: "hello" });
    expect(utf8Length(json)).toBeLessThanOrEqual(limits.eventBytes);
    expect(event.message.overflow?.fields).toEqual(fields);
    expect(event.message.text).toBe("hello");
    const whole = JSON.parse(textOf(event.message.overflow)) as MessageContent;
    for (const field of fields) {
      const full = whole[field as keyof MessageContent] as unknown[] | string;
      expect(full).toHaveLength(((message as Record<string, unknown>)[field] as unknown[] | string).length);
    }
  });

  test("keeps the first members of a list that is cut, and shortens a long one instead of dropping what follows", () => {
    const { event } = build({
      to: many,
      headers: [
        ["A", "x".repeat(600_000)],
        ["B", "y"],
      ],
    });
    expect(event.message.to.slice(0, 2)).toEqual(many.slice(0, 2));
    expect(event.message.to.length).toBeGreaterThan(100);
    expect(event.message.headers[1]).toEqual(["B", "y"]);
  });

  test("needs no overflow when bodies of control characters are all that is too large", () => {
    const body = "\u0001".repeat(limits.inlineBodyBytes);
    const { event, json, textOf } = build({ text: body, html: body });
    expect(utf8Length(json)).toBeLessThanOrEqual(limits.eventBytes);
    expect(event.message.overflow).toBeUndefined();
    expect([textOf(event.message.textRef), textOf(event.message.htmlRef)]).toEqual([body, body]);
  });

  test("hands out both bodies by reference when the lists need the room, the HTML first", () => {
    const body = "a".repeat(limits.inlineBodyBytes);
    const heads: (readonly [string, string])[] = Array.from({ length: 3_000 }, (_, i) => [`X-${i}`, "v".repeat(200)]);
    const attachments = Array.from({ length: 2_000 }, () => attachment);
    const some = build({ text: body, html: body, to: many, headers: heads, attachments });
    expect(utf8Length(some.json)).toBeLessThanOrEqual(limits.eventBytes);
    expect([some.event.message.text === body, some.event.message.html === body]).toEqual([true, true]);
    const all = build({ text: body, html: body, to: many, cc: many, from: many, bcc: many, replyTo: many, headers: heads, attachments });
    expect(utf8Length(all.json)).toBeLessThanOrEqual(limits.eventBytes);
    expect([all.event.message.text === body, all.textOf(all.event.message.htmlRef)]).toEqual([true, body]);
  });

  test("fits with the flags of a server that has no measure", () => {
    const { json } = build({}, { flags: Array.from({ length: 50_000 }, () => "k".repeat(500)) });
    expect(utf8Length(json)).toBeLessThanOrEqual(limits.eventBytes);
  });
});

/** Every UTF-16 unit, lone surrogates and NUL included. */
const units = fc
  .array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.constantFrom(0, 0xd800, 0xdc00)), { maxLength: 12 })
  .map((all) => String.fromCharCode(...all));
/** Short, or long enough to matter. */
const text = fc.oneof(
  { weight: 5, arbitrary: units },
  { weight: 1, arbitrary: fc.tuple(units, fc.integer({ min: 1, max: 60_000 })).map(([one, times]) => one.repeat(times).slice(0, 300_000)) },
);
const list = <T>(member: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.array(member, { maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(member, fc.nat(3_000))
        .map(([one, times]) => (JSON.stringify(one).length > 500 ? [one] : Array.from({ length: times }, () => one))),
    },
  );
const address = fc.record({ name: text, address: text, group: text }, { requiredKeys: ["name", "address"] });
const anyMessage = fc.record(
  {
    messageId: text,
    inReplyTo: text,
    subject: text,
    date: text,
    text,
    html: text,
    references: list(text),
    from: list(address),
    to: list(address),
    cc: list(address),
    bcc: list(address),
    replyTo: list(address),
    sender: list(address),
    headers: list(fc.tuple(text, text)),
    attachments: list(
      fc.record(
        { filename: text, contentType: text, disposition: text, contentId: text, content: fc.constant(new Uint8Array(3)) },
        { requiredKeys: ["contentType", "content"] },
      ),
    ),
    defects: list(text),
  },
  { requiredKeys: ["references", "from", "to", "cc", "bcc", "replyTo", "sender", "headers", "attachments", "defects"] },
);

test("any content gives an event within 256 KB that is clean JSON", () => {
  fc.assert(
    fc.property(anyMessage, fc.array(text, { maxLength: 3 }), (message, flags) => {
      const { json } = build(message, { flags });
      expect(new TextEncoder().encode(json).length).toBeLessThanOrEqual(limits.eventBytes);
      expect(/\\u0000|\\ud[89a-f]/i.test(json.replaceAll("\\\\", ""))).toBe(false);
    }),
    { numRuns: 60 },
  );
}, 90_000);

test("a quarantined message says why, with or without its bytes", () => {
  const {
    message: _,
    putBlob: __,
    raw,
    ...facts
  } = {
    mailbox: { tenant: "contoso", address: "box@contoso.example", protocol: "pop3" as const },
    folder: { path: "INBOX" },
    uid: 7,
    uidValidity: "1",
    key: "k",
    lane: "backfill" as const,
    at: 0,
    flags: [],
    isResync: true,
    parser: { name: "mailparser", version: "1" },
    raw: pointer,
    message: blank,
    putBlob: () => pointer,
  };
  const quarantine = { code: "MESSAGE_UNPARSEABLE" as const, reason: `no\0${"x".repeat(5_000)}` };
  const event = buildQuarantinedEvent({ ...facts, raw, quarantine });
  expect(event).toMatchObject({ type: "message.quarantined", raw, resync: true, quarantine: { code: "MESSAGE_UNPARSEABLE" } });
  expect(event.quarantine.reason).toBe(`no\uFFFD${"x".repeat(997)}`);
  expect("raw" in buildQuarantinedEvent({ ...facts, quarantine })).toBe(false);
});
