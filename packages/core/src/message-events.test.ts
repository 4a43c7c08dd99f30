import fc from "fast-check";
import { expect, test } from "vitest";
import { cleaned } from "./clean-value.ts";
import { eventSchema } from "./event.ts";
import { joinJson } from "./json-pieces.ts";
import { limits } from "./limits.ts";
import { MessageEvents, type OwnFacts, type SharedFacts } from "./message-events.ts";
import type { ParsedMessage } from "./ports.ts";
import { spoolUidValidity } from "./uidl-book.ts";
import { utf8Length } from "./utf8.ts";
import { readMessage, writeMessage } from "./written-message.ts";

/** Everything that JSON spells otherwise, and what may not go out. */
const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("\0", "\ud800", 'a"b', "\\u0000", "ä\u2028"));

const shared: fc.Arbitrary<SharedFacts> = fc.record(
  {
    mailbox: fc.record({ tenant: text, address: text, protocol: fc.constantFrom("imap", "pop3") }),
    folder: fc.record({ path: text, role: fc.constant("inbox" as const) }, { requiredKeys: ["path"] }),
    uidValidity: fc.constantFrom("14", spoolUidValidity.ownNumbers, spoolUidValidity.dealtNumbers),
    uidls: fc.record({ uidls: fc.array(fc.constantFrom("", "1234", 'a"\\b'), { maxLength: 3 }) }),
    lane: fc.constantFrom("fresh", "backfill"),
    isResync: fc.boolean(),
    isReplayed: fc.constant(true as const),
    parser: fc.record({ name: text, version: text }),
  },
  { requiredKeys: ["mailbox", "folder", "uidValidity", "lane", "isResync", "parser"] },
);

const message: ParsedMessage = {
  ...{ references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [], headers: [] },
  ...{ attachments: [{ contentType: "x/y", content: new Uint8Array(2) }], defects: [] },
};

const own: fc.Arbitrary<OwnFacts> = fc.record(
  {
    uid: fc.integer({ min: 1, max: 4 }),
    key: text,
    at: fc.integer({ min: 0, max: 8e15 }),
    flags: fc.array(text, { maxLength: 3 }),
    internalDate: fc.oneof(fc.integer(), fc.constant(1e300)),
    raw: fc.record({ ref: text, sha256: fc.constant("0".repeat(64)), size: fc.nat() }),
    message: fc.constant(writeMessage(message)),
    quarantine: fc.record({ code: fc.constant("MESSAGE_TOO_LARGE" as const), reason: text }),
  },
  { requiredKeys: ["uid", "key", "at", "flags", "raw", "message"] },
);

const pointer = { ref: "ref", sha256: "f".repeat(64), size: 2 };

/** The members of an event in their order. */
function membersOf(all: SharedFacts, one: OwnFacts): object {
  const { uid, internalDate, quarantine } = one;
  const isSpool = all.uidValidity !== "14";
  const uidl = all.uidValidity === spoolUidValidity.ownNumbers ? String(uid) : all.uidls?.uidls[uid - 1];
  const isDate = internalDate !== undefined && internalDate !== 1e300;
  const { defects: _, ...fields } = readMessage(one.message);
  return {
    ...{ schema: eventSchema, type: "message.added", key: one.key },
    ...{ tenant: all.mailbox.tenant, mailbox: all.mailbox.address, protocol: all.mailbox.protocol },
    ...{ at: new Date(one.at).toISOString(), lane: all.lane, folder: all.folder },
    ...(isSpool ? { uidl: uidl === "" ? undefined : uidl } : { uid, uidValidity: "14" }),
    ...{ flags: one.flags, internalDate: isDate ? new Date(internalDate).toISOString() : undefined },
    ...{ resync: all.isResync || undefined, replayed: all.isReplayed, raw: one.raw, parser: all.parser, quarantine },
    message: { ...fields, attachments: [{ contentType: "x/y", ...pointer }] },
  };
}

test("an event has all its members in their order, each time that it is asked for, and none that is not text", () => {
  fc.assert(
    fc.property(shared, fc.array(own, { minLength: 1, maxLength: 3 }), (all, ones) => {
      const keys: string[] = [];
      const events = new MessageEvents(all, (_kind, key) => {
        keys.push(key);
        return pointer;
      });
      const written = ones.map((one) => events.write(one));
      const expected = ones.map((one) => JSON.stringify(cleaned(membersOf(all, one))));
      expect(written.map(({ json }) => joinJson(json))).toEqual(expected);
      expect(written.map(({ json }) => joinJson(json))).toEqual(expected);
      expect(keys).toEqual(ones.map(({ key }) => key));
    }),
  );
});

test("no event is longer than an event may be, whatever stands around its message", () => {
  const folder = { path: "\u0001".repeat(8_000) };
  const parser = { name: "p", version: "1" };
  const all: SharedFacts = {
    ...{ mailbox: { tenant: "t", address: "a", protocol: "imap" }, folder, uidValidity: "14", lane: "fresh" },
    ...{ isResync: false, parser },
  };
  const events = new MessageEvents(all, () => pointer);
  fc.assert(
    fc.property(fc.integer({ min: -70_000, max: 1_000 }), (more) => {
      const subject = "x".repeat(limits.eventBytes + more);
      const raw = { ...pointer, ref: "r" };
      const event = events.write({
        uid: 1,
        key: "k",
        at: 0,
        flags: ["\u0001".repeat(100)],
        raw,
        message: writeMessage({ ...message, subject }),
      });
      expect(utf8Length(joinJson(event.json))).toBeLessThanOrEqual(limits.eventBytes);
    }),
    { numRuns: 30 },
  );
});
