import type { Cause, FailureCode, Lease, MailboxState, NeighbourView } from "@mailfleet/core";
import { seededChance, silentLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { judgeEnding } from "./judge-ending.ts";
import type { EnginePorts } from "./ports.ts";

const lease = { mailbox: { tenant: "contoso", address: "a@contoso.example", protocol: "imap" }, token: "1:x" } as Lease;
const view: NeighbourView = {
  ...{ mailboxes: 900, refused: { login: 0, access: 1, reach: 0, throttle: 1 }, refusedForMs: 0, openedLately: 90, openedAgoMs: 1 },
  others: { active: 0, down: 0, open: 0 },
};

/** Whether the tenant's logins were made fewer. */
async function slowed(code: FailureCode, before: FailureCode | undefined, { opened = true, isOpened = false } = {}): Promise<boolean> {
  let answer = false;
  const breakers = {
    refused: (_mailbox: unknown, _kind: unknown, slows: boolean) => {
      answer = slows;
      return Promise.resolve(view);
    },
  };
  const ports = { breakers, log: silentLog, chance: seededChance(1), clock: { now: () => 0 } } as unknown as EnginePorts;
  const cause = before && ({ code: before, scope: "mailbox", text: "", since: 0, tries: 9, nextAt: 0, state: "parked" } satisfies Cause);
  const state: MailboxState = { folders: new Map(), opened, hand: { suspects: [] }, ...(cause && { cause }) };
  const failure = { code, scope: "mailbox", message: "words", facts: { layer: "imap" } } as const;
  await judgeEnding(ports, lease, state, { kind: "failed", failure, hasHistory: false }, isOpened);
  return answer;
}

test("a mailbox that stays refused makes the logins of its tenant fewer once, so that a thousand of them do not stop the others", async () => {
  expect(await slowed("MAILBOX_ACCESS_DENIED", undefined)).toBe(true);
  expect(await slowed("MAILBOX_ACCESS_DENIED", "MAILBOX_ACCESS_DENIED")).toBe(false);
  expect(await slowed("TOKEN_REJECTED", "TOKEN_REJECTED")).toBe(false);
  expect(await slowed("TOKEN_REJECTED", undefined, { opened: false })).toBe(false);
});

test("a throttled login makes them fewer; a mailbox that is throttled over what it reads does not", async () => {
  expect(await slowed("SERVER_THROTTLED", undefined)).toBe(true);
  expect(await slowed("SERVER_THROTTLED", undefined, { isOpened: true })).toBe(false);
  expect(await slowed("SERVER_THROTTLED", "SERVER_THROTTLED")).toBe(false);
});
