import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cause } from "../cause.ts";
import { countStates, type MailboxFacts, type StateQuestion, stateOf, stateSentence, stateStyle, stateWords } from "./states.ts";

const now = Date.UTC(2026, 10, 23, 13, 3, 22);
const min = 60_000;
const question = { now, freshWithinMs: 10 * min, factsAt: now - 1_000, zone: 60 } as const;

function cause(given: Partial<Cause>): Cause {
  return {
    code: "SERVER_THROTTLED",
    scope: "mailbox",
    text: "",
    since: now - min,
    tries: 1,
    nextAt: now + min,
    state: "waiting",
    ...given,
  };
}

function facts(given: Partial<MailboxFacts>): MailboxFacts {
  return { tenant: "contoso", address: "a@contoso.example", checkedAt: now - 40_000, isSyncing: false, ...given };
}

const parked = cause({ code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", state: "parked", since: now - 130 * min });

describe("the first state that fits is the state", () => {
  test.each<[string, string, Partial<MailboxFacts>, Partial<StateQuestion>?]>([
    ["unknown", "unknown since 14:03:10", { cause: parked }, { factsAt: now - 12_000 }],
    ["parked by operator", "parked by anna, 2 d ago", { parkedBy: { name: "anna", at: now - 48 * 60 * min }, cause: parked }],
    ["parked", "parked: client secret expired 2 h 10 min ago", { cause: parked, isSyncing: true }],
    ["waiting", "waiting: throttled by the server until 14:04:22", { cause: cause({}), checkedAt: now - 60 * min }],
    ["waiting", "waiting: connection lost, try 2", { cause: cause({ code: "SESSION_CLOSED", tries: 2 }) }],
    ["behind", "behind: checked 22 min ago", { checkedAt: now - 22 * min, isSyncing: true }],
    ["behind", "behind: checked 1 h ago", { checkedAt: now - 60 * min, cause: cause({ nextAt: now - 11 * min }) }],
    ["new", "new: 212 ahead of it", { checkedAt: undefined as never, ahead: 212 }],
    ["new", "new: not checked yet", { checkedAt: undefined as never, isSyncing: true }],
    ["syncing", "syncing: 3 of 14 folders", { isSyncing: true, folders: { done: 3, all: 14 } }],
    ["fresh", "fresh: checked 40 s ago", {}],
  ])("%s: %s", (state, sentence, given, asked = {}) => {
    expect(stateOf(facts(given), { ...question, ...asked })).toBe(state);
    expect(stateSentence(facts(given), { ...question, ...asked })).toBe(sentence);
  });
});

test("a mailbox that was checked exactly freshWithin ago is still fresh", () => {
  expect(stateOf(facts({ checkedAt: now - 10 * min }), question)).toBe("fresh");
  expect(stateOf(facts({ checkedAt: now - 10 * min - 1 }), question)).toBe("behind");
});

test("what is no time is never fresh", () => {
  expect(stateOf(facts({ checkedAt: Number.NaN }), question)).toBe("behind");
  expect(stateOf(facts({}), { ...question, freshWithinMs: Number.NaN })).toBe("behind");
  expect(stateOf(facts({}), { ...question, factsAt: Number.NaN })).toBe("unknown");
  expect(stateOf(facts({}), { ...question, factsAt: now - 10_000 })).toBe("unknown");
});

test("facts that were read now need no time of their own", () => {
  expect(stateOf(facts({}), { now, freshWithinMs: 10 * min })).toBe("fresh");
});

test("a mailbox with a cause is never fresh, though its promised time went by", () => {
  expect(stateOf(facts({ cause: cause({ nextAt: now - 11 * min }) }), question)).toBe("behind");
});

test("each state has a shape of its own", () => {
  expect(new Set(stateWords.map((word) => stateStyle(word).shape)).size).toBe(stateWords.length);
});

test("counts add up to the fleet, and every state has a mark", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...stateWords)), (states) => {
      const counts = countStates(states);
      expect(stateWords.reduce((sum, word) => sum + counts[word], 0)).toBe(states.length);
    }),
  );
  expect(stateWords.map((word) => stateStyle(word).mark)).toEqual(["?", "=", "✗", "~", "!", "·", "~", "✓"]);
});
