import { emptyLedger, type MailEvent, messageKey } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { audit, type AuditedMessage, type AuditInput, type ViolationKind } from "./audit.ts";

const hashOf = (uid: number): string => String(uid).padStart(64, "0");
const keyOf = (uid: number, generation = 1): string =>
  messageKey({ tenant: "contoso", address: "a@contoso.example", folder: "INBOX", generation, uidValidity: `${13 + generation}`, uid });
const base = {
  schema: "mailfleet.event/1",
  tenant: "contoso",
  mailbox: "a@contoso.example",
  protocol: "imap",
  at: "2026-11-23T14:03:22.000Z",
  lane: "fresh",
  folder: { path: "INBOX" },
} as const;
const pointer = (uid: number) => ({ ref: `pack:${uid}`, sha256: hashOf(uid), size: 1 });

function messageOf(uid: number, over: Partial<AuditedMessage> = {}): AuditedMessage {
  return {
    ...{ what: `message ${uid}`, tenant: "contoso", mailbox: "a@contoso.example", sha256: hashOf(uid) },
    names: [{ folder: "INBOX", uidValidity: "14", uid }],
    ...{ isThere: true, isExcluded: false, mayComeLate: false, flags: [] },
    ...over,
  };
}

function added(uid: number, generation = 1): MailEvent {
  const { message } = {
    message: { references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [], headers: [], attachments: [] },
  };
  const parser = { name: "plain", version: "1" };
  return {
    ...base,
    type: "message.added",
    key: keyOf(uid, generation),
    uid,
    uidValidity: `${13 + generation}`,
    flags: [],
    raw: pointer(uid),
    parser,
    message,
  };
}
const flagged = (uid: number, change: number, flags: readonly string[]): MailEvent => ({
  ...{ ...base, type: "message.flags", key: keyOf(uid), uid, uidValidity: "14", flags, change },
});
const removed = (uid: number, change: number): MailEvent => ({
  ...{ ...base, type: "message.removed", key: keyOf(uid), uid, uidValidity: "14", change },
});
const rekeyed = (from: number, to: number): MailEvent => ({
  ...{ ...base, type: "message.rekeyed", key: keyOf(to, 2), previousKey: keyOf(from), uid: to, uidValidity: "15", flags: [], resync: true },
  raw: pointer(from),
});

/** Messages 1 to 5 came, 2 was read, 3 was deleted, then the folder was numbered anew, which made 9 of 4. */
const truthful: AuditInput = {
  truth: [
    messageOf(1),
    messageOf(2, { flags: ["\\Seen"] }),
    messageOf(3, { isThere: false }),
    messageOf(4, { names: [...messageOf(4).names, { folder: "INBOX", uidValidity: "15", uid: 9 }] }),
    messageOf(5),
  ],
  history: [added(1), added(2), added(3), added(4), flagged(2, 1, ["\\Seen"]), removed(3, 2), added(5), rekeyed(4, 9)],
  repeatedIds: [],
  ledgers: new Map([["INBOX", { ...emptyLedger, listed: 4, handedOff: 4 }]]),
  isDurable: () => true,
};

const without = (input: AuditInput, at: number): AuditInput => ({ ...input, history: input.history.filter((_, i) => i !== at) });
const plus = (input: AuditInput, ...events: MailEvent[]): AuditInput => ({ ...input, history: [...input.history, ...events] });
const kinds = (input: AuditInput): ViolationKind[] => [...new Set(audit(input).map(({ kind }) => kind))];

test("a history that tells everything once and in order has no violation", () => {
  expect(audit(truthful)).toEqual([]);
});

describe("the auditor finds", () => {
  test.each<[what: string, kind: ViolationKind, input: AuditInput]>([
    ["a message that was never handed off", "lost", without(truthful, 6)],
    [
      "a message that was never handed off though its mailbox was emptied of all others",
      "lost",
      { ...truthful, history: [], truth: [messageOf(1)] },
    ],
    ["an event that was put on the queue again", "twice", { ...truthful, repeatedIds: [keyOf(1)] }],
    ["a key that was handed off twice", "twice", plus(truthful, added(5))],
    [
      "a message that was handed off again under the next generation",
      "twice",
      plus(truthful, { ...added(9, 2), raw: pointer(4) } as MailEvent),
    ],
    ["a message that the server never held", "unexpected", plus(truthful, added(7))],
    ["a message with the bytes of another", "unexpected", plus(without(truthful, 6), { ...added(5), raw: pointer(4) } as MailEvent)],
    [
      "a message that a rule leaves out",
      "unexpected",
      { ...truthful, truth: [...truthful.truth.slice(0, 4), messageOf(5, { isExcluded: true })] },
    ],
    ["a removal of what was never handed off", "unexpected", plus(truthful, removed(8, 3))],
    ["a second removal", "unexpected", plus(truthful, removed(3, 3))],
    ["a new key for a message that is another", "unexpected", plus(without(truthful, 7), rekeyed(5, 9))],
    ["a new key for a message that is gone", "unexpected", plus(truthful, rekeyed(3, 3))],
    ["new mail out of its order", "out-of-order", { ...truthful, history: truthful.history.with(0, added(2)).with(1, added(1)) }],
    ["changes out of their order", "out-of-order", plus(truthful, flagged(2, 1, ["\\Seen"]))],
    ["an event whose bytes are not there", "half-written", { ...truthful, isDurable: ({ ref }) => ref !== "pack:5" }],
    ["a removal that nobody was told of", "stale", without(truthful, 5)],
    ["a removal of what is still there", "stale", plus(truthful, removed(5, 3))],
    ["flags that nobody was told of", "stale", without(truthful, 4)],
    ["a message that is known by a name it has no more", "stale", without(truthful, 7)],
    ["a ledger that does not add up", "unaccounted", { ...truthful, ledgers: new Map([["INBOX", { ...emptyLedger, listed: 1 }]]) }],
    [
      "a ledger with something left to do",
      "unaccounted",
      { ...truthful, ledgers: new Map([["INBOX", { ...emptyLedger, listed: 1, toDo: 1 }]]) },
    ],
  ])("%s", (_, kind, input) => {
    expect(kinds(input)).toContain(kind);
  });
});

test("late messages may come out of order, and equal copies may change places", () => {
  const late = { ...truthful, truth: truthful.truth.with(0, { ...messageOf(1), mayComeLate: true }) };
  const [first, second, ...rest] = truthful.history as [MailEvent, MailEvent, ...MailEvent[]];
  expect(kinds({ ...late, history: [second, first, ...rest] })).toEqual([]);
  const twin = (uid: number, to: number): AuditedMessage =>
    messageOf(uid, {
      sha256: hashOf(6),
      names: [
        { folder: "INBOX", uidValidity: "14", uid },
        { folder: "INBOX", uidValidity: "15", uid: to },
      ],
    });
  const copies = { ...truthful, truth: [twin(1, 1), twin(2, 2)] };
  const same = (uid: number): MailEvent => ({ ...added(uid), raw: pointer(6) }) as MailEvent;
  expect(kinds({ ...copies, history: [same(1), same(2), rekeyed(1, 2), rekeyed(2, 1)] })).toEqual([]);
});
