import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprintOf, isPlaceholder, type RawFacts } from "@mailfleet/core";
import { editMail, mailFragments } from "@mailfleet/testkit/edited-mail";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";
import { composedMails, corpusMails } from "@mailfleet/testkit/sample-mail";
import { readHead } from "./parse-fast.ts";
import { rawFactsOf } from "./raw-facts.ts";

const limits = { parts: 1_000, depth: 100, headerBytes: 1024 * 1024, headerFields: 10_000, addresses: 10_000, textBytes: 16e6 };

const placeholder = [
  'From: "Microsoft Exchange Server"',
  "Subject: Retrieval using the IMAP4 protocol failed for the following message:\r\n 42",
  "\r\nThe server couldn't retrieve the following message:\r\n",
].join("\r\n");
const heads = [
  "Message-ID : <a@b>",
  "MESSAGE-ID:\r\n\t<a@b>",
  "\vMessage-ID: <a@b>",
  "Message-ID\v: <a@b>",
  "Subject:  a\xa0b\r\n  c ",
  "From:",
];
const made = ["", "\r\n", ...heads.map((head) => `${head}\r\n`)].map((head) => ({ bytes: Buffer.from(head + placeholder, "latin1") }));
const long = { bytes: Buffer.from(`X: ${"x".repeat(65_530)}\r\nSubject: ${"y".repeat(20)}\r\n\r\n`) };
const mails = [...made, long, ...composedMails().slice(0, 20), ...hostileMails(), ...corpusMails()].map(({ bytes }) => bytes);

/** From the bytes alone, as whoever has no head of it finds them. */
function factsOfBytes(bytes: Uint8Array): RawFacts {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { sha256, fingerprint: fingerprintOf(bytes), isPlaceholder: isPlaceholder(bytes) };
}

function facts(bytes: Uint8Array): RawFacts {
  return rawFactsOf(bytes, readHead(bytes, limits));
}

test("what is known of a message's bytes is the same whether its head was read before or not", () => {
  expect(mails.map(facts)).toEqual(mails.map(factsOfBytes));
  expect(facts(made[0]?.bytes ?? new Uint8Array()).isPlaceholder).toBe(true);
});

test("it stays the same in a message that was changed by chance", () => {
  const small = mails.filter((bytes) => bytes.length < 50_000);
  const place = fc.integer({ min: 0, max: 999 }).map((parts) => parts / 8_000);
  const edit = fc.oneof(
    fc.record({ kind: fc.constant("set-byte" as const), at: place, byte: fc.constantFrom(0, 9, 10, 11, 13, 32, 58, 0x85, 0xa0) }),
    fc.record({ kind: fc.constant("insert" as const), at: place, text: fc.constantFrom(...mailFragments, ...heads) }),
    fc.record({ kind: fc.constantFrom("swap-lines" as const, "copy-line" as const), at: place, to: place }),
    fc.constant({ kind: "crlf" as const, at: 0 }),
  );
  fc.assert(
    fc.property(fc.nat(small.length - 1), fc.array(edit, { maxLength: 4 }), (index, edits) => {
      const bytes = editMail(small[index] as Uint8Array, edits);
      expect(facts(bytes)).toEqual(factsOfBytes(bytes));
    }),
    { numRuns: 500 },
  );
});
