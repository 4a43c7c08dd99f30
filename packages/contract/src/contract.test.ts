import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildQuarantinedEvent, joinJson, writeMessage, writeMessageEvent } from "@mailfleet/core";
import type { MailEvent, MessageEventInput } from "@mailfleet/core";
import { eventContract, eventTypes } from "./event-schema.ts";
import { eventJsonSchema } from "./json-schema.ts";
import type { Agreement } from "./agreement.ts";

const pointer = { ref: "pack/1/2", sha256: "0".repeat(64), size: 1 };
const facts: Omit<MessageEventInput, "message" | "putBlob"> = {
  mailbox: { tenant: "contoso", address: "box@contoso.example", protocol: "imap" },
  folder: { path: "INBOX", role: "inbox" },
  uid: 7,
  uidValidity: "4294967295",
  key: "contoso/box@contoso.example/INBOX/1.1/7",
  lane: "fresh",
  at: Date.UTC(2026, 0, 2),
  flags: ["\\Seen"],
  internalDate: Date.UTC(2026, 0, 1),
  isResync: true,
  parser: { name: "mailparser", version: "1" },
  raw: pointer,
};
const putBlob: MessageEventInput["putBlob"] = (_, bytes) => ({ ...pointer, size: bytes.byteLength });

const text = fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.constant("x".repeat(70_000)));
const addresses = fc.array(fc.record({ name: text, address: text, group: text }, { requiredKeys: ["name", "address"] }), { maxLength: 3 });
const message = fc.record(
  {
    messageId: text,
    inReplyTo: text,
    subject: text,
    date: text,
    text,
    html: text,
    references: fc.array(text, { maxLength: 3 }),
    from: addresses,
    to: addresses,
    cc: addresses,
    bcc: addresses,
    replyTo: addresses,
    sender: addresses,
    headers: fc.array(fc.tuple(text, text), { maxLength: 4 }),
    attachments: fc.array(
      fc.record(
        { filename: text, contentType: text, disposition: text, contentId: text, content: fc.uint8Array({ maxLength: 3 }) },
        { requiredKeys: ["contentType", "content"] },
      ),
      { maxLength: 2 },
    ),
    defects: fc.array(text, { maxLength: 2 }),
  },
  { requiredKeys: ["references", "from", "to", "cc", "bcc", "replyTo", "sender", "headers", "attachments", "defects"] },
);

const scope = {
  schema: "mailfleet.event/1",
  key: "k",
  tenant: "contoso",
  mailbox: "box@contoso.example",
  protocol: "imap",
  at: "2026-01-02T00:00:00.000Z",
  lane: "fresh",
} as const;
const others: MailEvent[] = [
  { ...scope, type: "folder.reset", folder: { path: "INBOX" }, uidValidity: "2", previousUidValidity: "1", generation: 2 },
  { ...scope, type: "mailbox.parked", cause: { code: "MAILBOX_ACCESS_DENIED", reason: "refused" } },
  { ...scope, type: "mailbox.resumed", cause: { code: "MAILBOX_ACCESS_DENIED" } },
  buildQuarantinedEvent({ ...facts, quarantine: { code: "MESSAGE_UNPARSEABLE", reason: "too deep" } }),
];

describe("the contract", () => {
  test("takes every event that the core builds of a message", () => {
    fc.assert(
      fc.property(message, (one) => {
        const { json } = writeMessageEvent({ ...facts, message: writeMessage(one), putBlob });
        const event: unknown = JSON.parse(joinJson(json));
        expect(eventContract().parse(event)).toEqual(event);
      }),
      // Each is up to 256 KB, written, read and compared.
      { numRuns: 40 },
    );
  });

  test.each(others.map((event) => [event.type, event] as const))("takes %s", (_, event) => {
    expect(eventContract().parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test("lets fields through that it does not know, at every depth", () => {
    const event = { ...others[0], new: 1, folder: { path: "INBOX", colour: "red" } };
    expect(eventContract().parse(event)).toEqual(event);
  });

  test.each([
    ["another schema", { ...others[0], schema: "mailfleet.event/2" }],
    ["a type it does not know", { ...others[0], type: "message.sung" }],
    ["no key", { ...others[0], key: undefined }],
    ["a UID of 33 bits", { ...others[3], uid: 2 ** 32 }],
    ["a hash that is none", { ...others[3], raw: { ...pointer, sha256: "x" } }],
  ])("refuses %s", (_, event) => {
    expect(eventContract().safeParse(event).success).toBe(false);
  });

  test("names its types, and they agree with the core's", () => {
    expect(eventContract().options.map((option) => option.shape.type.value)).toEqual([...eventTypes]);
    // checked by the compiler; see agreement.ts
    const agreement: Agreement = [true, true, true, true, true, true, true, true];
    expect(agreement).not.toContain(false);
  });

  test("is published as the JSON Schema file that stands in the repository", () => {
    const file = new URL("../schema/mailfleet.event-1.schema.json", import.meta.url);
    // `npm run schema -w @mailfleet/contract` writes it anew
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(eventJsonSchema())));
  });
});
