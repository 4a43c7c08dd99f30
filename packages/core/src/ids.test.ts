import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalAddress, encodeKeyPart, mailboxId, type MessageIdentity, messageKey, parseMailboxId, parseMessageKey } from "./ids.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("a:b", "{x}", "a/b", "%2F", "\ud800", "%uD800", "ü", "😀", "\n"),
);
const identity: fc.Arbitrary<MessageIdentity> = fc.record({
  tenant: text,
  address: text,
  folder: text,
  generation: fc.nat(9),
  uidValidity: text,
  uid: fc.nat(99),
});

describe("the key of a message", () => {
  test("is different for different messages, whatever names they have", () => {
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        expect(messageKey(a) === messageKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 1_000 },
    );
  });

  test("reads back as the message it names, and no other text reads", () => {
    fc.assert(
      fc.property(identity, (one) => {
        expect(parseMessageKey(messageKey(one))).toEqual(one);
      }),
      { numRuns: 1_000 },
    );
    const plain = "contoso/a@b.example/INBOX/1.14/7";
    expect(parseMessageKey(plain)).toBeDefined();
    for (const other of [
      "",
      "a@b.example",
      `${plain}/flags/3`,
      plain.replace("/7", "/x"),
      plain.replace("1.14", "14"),
      plain.replace("a@", "%61@"),
    ])
      expect(parseMessageKey(other), other).toBeUndefined();
  });

  test("holds nothing that Redis, BullMQ or a path reads as its own", () => {
    fc.assert(fc.property(identity, (one) => void expect(messageKey(one)).toMatch(/^[A-Za-z0-9_.@+%/-]+$/)));
    fc.assert(fc.property(text, (part) => void expect(encodeKeyPart(part)).not.toMatch(/[:{}/\s]/)));
  });

  test("stays readable for ordinary names", () => {
    const key = { tenant: "contoso", address: "a.b@contoso.example", folder: "Sent Items", generation: 1, uidValidity: "14", uid: 7 };
    expect(messageKey(key)).toBe("contoso/a.b@contoso.example/Sent%20Items/1.14/7");
  });
});

test("six spellings of one mailbox are one mailbox", () => {
  const spellings = [
    "support@contoso.com",
    "Support@Contoso.com",
    " support@contoso.com",
    "SUPPORT@CONTOSO.COM\n",
    "support@contoso.COM ",
    "sUpport@contoso.com",
  ];
  expect(new Set(spellings.map(canonicalAddress))).toEqual(new Set(["support@contoso.com"]));
});

test("a mailbox id reads back as tenant and address", () => {
  expect(parseMailboxId(mailboxId({ tenant: "contoso", address: "a/b@x.example" }))).toEqual({
    tenant: "contoso",
    address: "a/b@x.example",
  });
  for (const bad of ["", "contoso", "/x", "contoso/"]) expect(parseMailboxId(bad), bad).toBeUndefined();
});
