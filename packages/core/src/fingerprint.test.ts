import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprintOf, fingerprintOfValues, type IndexEntry, KnownMessages } from "./fingerprint.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

describe("the fingerprint of a message", () => {
  test("is the same from the whole message and from the header fields that a server picks out", () => {
    const whole =
      "Received: by x\r\nMessage-ID: <a@x>\r\nSubject: hello\r\n world\r\nDate: Mon, 1 Jan 2026 00:00:00 +0000\r\nFrom: A <a@x>\r\nTo: b@x\r\n\r\nbody";
    const picked = "Date:  Mon, 1 Jan 2026 00:00:00 +0000\r\nFrom: A\t<a@x>\r\nMESSAGE-ID:<a@x>\r\nSubject: hello\r\n\tworld\r\n\r\n";
    expect(fingerprintOf(bytes(whole))).toEqual(fingerprintOf(bytes(picked)));
    expect(fingerprintOf(bytes(whole)).messageId).toBe("<a@x>");
  });

  test.each([
    ["the subject", "Message-ID: <a@x>\r\nSubject: one\r\n\r\n", "Message-ID: <a@x>\r\nSubject: two\r\n\r\n"],
    ["the id", "Message-ID: <a@x>\r\n\r\n", "Message-ID: <b@x>\r\n\r\n"],
    ["the sender", "From: a@x\r\n\r\n", "From: b@x\r\n\r\n"],
  ])("tells messages apart by %s", (_, one, other) => {
    expect(fingerprintOf(bytes(one)).text).not.toBe(fingerprintOf(bytes(other)).text);
  });

  test("takes the first of two fields, bare line feeds, and nothing from the body", () => {
    expect(fingerprintOf(bytes("Subject: a\nSubject: b\n\nMessage-ID: <no@x>\n"))).toEqual({ text: "\n\n\na" });
  });

  test("has each run of white space and NUL as one space, and none at the ends", () => {
    const value = fc.string({ unit: fc.constantFrom("a", ":", " ", "\t", "\r", "\n", "\v", "\0", "\u0085", "\u00a0", "\u00ff") });
    fc.assert(
      fc.property(value, value, (id, subject) => {
        const folded = (one: string): string => one.replace(/[\s\0]+/g, " ").trim();
        const messageId = folded(id);
        const expected = { ...(messageId !== "" && { messageId }), text: `${messageId}\n\n\n${folded(subject)}` };
        expect(fingerprintOfValues([id, undefined, undefined, subject])).toEqual(expected);
      }),
    );
  });

  test("never fails, and never grows with the message", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (raw) => {
        const { text } = fingerprintOf(raw);
        expect(text.split("\n")).toHaveLength(4);
      }),
    );
    expect(fingerprintOf(bytes(`Subject: ${"x".repeat(200_000)}`)).text.length).toBeLessThan(70_000);
  });
});

const entry = (uid: number, over: Partial<IndexEntry> = {}): IndexEntry => ({
  uid,
  size: 100,
  digest: "d",
  flags: [],
  messageId: "<a@x>",
  internalDate: 5_000,
  ...over,
});
const knownOf = (...entries: IndexEntry[]): KnownMessages => {
  const known = new KnownMessages();
  for (const one of entries) known.add({ generationAt: 0, entry: one });
  return known;
};

describe("known messages", () => {
  const seen = { uid: 9, size: 100, digest: "d", messageId: "<a@x>", internalDate: 5_999 };

  test("are found by id, date and header, each once", () => {
    const known = knownOf(entry(1), entry(2));
    expect(new Set([known.take(seen)?.entry.uid, known.take(seen)?.entry.uid])).toEqual(new Set([1, 2]));
    expect(known.take(seen)).toBeUndefined();
  });

  test.each([
    ["another id", { messageId: "<b@x>" }],
    ["another header", { digest: "e" }],
    ["another date and another size", { internalDate: 9_000, size: 101 }],
  ])("are not taken for a message with %s", (_, over) => {
    expect(knownOf(entry(1)).take({ ...seen, ...over })).toBeUndefined();
  });

  test("are found without the date, which a migration may not keep, only when one alone can be meant", () => {
    const moved = { ...seen, internalDate: 9_000 };
    expect(knownOf(entry(1)).take(moved)?.entry.uid).toBe(1);
    expect(knownOf(entry(1), entry(2)).take(moved)).toBeUndefined();
    expect(knownOf(entry(1, { size: 0 })).take({ ...moved, size: 0 })).toBeUndefined();
  });

  test("without an id are found by date and header only", () => {
    const { messageId: _id, ...bare } = entry(1);
    const { messageId: _seen, ...bareSeen } = seen;
    expect(knownOf(bare).take(bareSeen)?.entry.uid).toBe(1);
    expect(knownOf(bare).take({ ...bareSeen, internalDate: 9_000 })).toBeUndefined();
    expect(knownOf(entry(1)).take(bareSeen)).toBeUndefined();
  });

  describe("that were told as removed", () => {
    const { internalDate: _none, ...undated } = seen;

    test.each([
      ["of the same date", [entry(1, { size: 7 })], seen, 1],
      ["of the same size, where there is no date", [entry(1)], undated, 1],
      ["not of another size, where there is no date", [entry(1, { size: 7 })], undated, undefined],
      ["not of another date: it was delivered again", [entry(1)], { ...seen, internalDate: 9_000 }, undefined],
      ["not with another id", [entry(1, { messageId: "<b@x>" })], seen, undefined],
      ["not where the header says nothing", [entry(1)], { ...seen, isBare: true as const }, undefined],
    ])("are found only where it is sure: %s", (_, known, message, uid) => {
      const messages = knownOf(...known);
      expect(messages.takeSure(message)?.entry.uid).toBe(uid);
      expect(messages.takeSure(message)).toBeUndefined();
    });
  });

  describe("without a date on one side, as of a spool,", () => {
    const { internalDate: _none, ...undated } = seen;
    const { messageId: _id, ...withoutId } = undated;
    const { messageId: _known, ...knownWithoutId } = entry(1);

    test.each([
      ["the only one, whatever its size", [entry(1, { size: 7 })], undated, 1],
      ["the only one without an id", [knownWithoutId], withoutId, 1],
      ["one of the same size among others", [entry(1, { size: 7 }), entry(2)], undated, 2],
      ["the nearest in size where none is the same", [entry(1, { size: 9_000 }), entry(2, { size: 90 })], undated, 2],
      ["nothing with another id", [entry(1, { messageId: "<b@x>" })], undated, undefined],
      ["nothing with another header", [entry(1, { digest: "e" })], undated, undefined],
      ["nothing of another size, where the header says nothing", [entry(1, { size: 7 })], { ...undated, isBare: true as const }, undefined],
      ["one of its size, where the header says nothing", [entry(1)], { ...undated, isBare: true as const }, 1],
    ])("they are found: %s", (_, known, message, uid) => {
      expect(knownOf(...known).take(message)?.entry.uid).toBe(uid);
    });

    test("the one with its number is it, where numbers stay", () => {
      const sameNumber = (): number => 9;
      expect(knownOf(entry(1), entry(9, { size: 7 })).take(undated, sameNumber)?.entry.uid).toBe(9);
      expect(knownOf(entry(1), entry(9, { digest: "e" })).take(undated, sameNumber)?.entry.uid).toBe(1);
    });

    test("as many copies are found as there were, and not one more", () => {
      fc.assert(
        fc.property(fc.nat(5), fc.nat(5), fc.boolean(), (old, now, isSizeKept) => {
          const known = knownOf(...Array.from({ length: old }, (_, at) => entry(at + 1)));
          const found = Array.from({ length: now }, (_, at) => known.take({ ...undated, uid: 100 + at, size: isSizeKept ? 100 : 77 }));
          const uids = found.flatMap((one) => one?.entry.uid ?? []);
          expect(uids).toHaveLength(Math.min(old, now));
          expect(new Set(uids).size).toBe(uids.length);
        }),
      );
    });
  });
});
