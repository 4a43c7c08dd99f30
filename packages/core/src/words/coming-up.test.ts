import { expect, test } from "vitest";
import type { CredentialNote } from "../token-ports.ts";
import { comingUp, comingUpJson, credentialsJson, type TenantCredentials } from "./coming-up.ts";
import { comingUpWords } from "./coming-up-words.ts";

const now = Date.UTC(2026, 10, 23, 14, 3);
const dayMs = 86_400_000;
const secret = { kind: "secret" } as const;

function tenant(alias: string, days: number, more: Partial<TenantCredentials> = {}): TenantCredentials {
  return {
    alias,
    credential: { ...secret, expiresAt: now + days * dayMs },
    ...more,
  };
}

const note = (alias: string, ok: boolean): CredentialNote => ({
  tenant: alias,
  role: "next",
  identity: "i",
  at: now,
  ok,
  ...(!ok && { code: "C" }),
});
const names = (tenants: readonly TenantCredentials[], notes: readonly CredentialNote[] = []): string[] =>
  comingUp(tenants, notes, () => 1, now).map((one) => `${one.tenant}${one.next === undefined ? "" : ` ${one.next}`}`);

test("what ends within 60 days comes up, soonest first; what has ended or has no end does not", () => {
  const endless = tenant("endless", 1, { credential: secret });
  expect(names([tenant("later", 59), tenant("sooner", 6), tenant("far", 61), tenant("over", -1), endless])).toEqual(["sooner", "later"]);
});

test("a next credential that works ends the warning; one that does not, or was not tried, is named", () => {
  const some = ["works", "refused", "new"].map((alias) => tenant(alias, 6, { nextCredential: secret }));
  expect(names(some, [note("works", true), note("refused", false)])).toEqual(["refused refused", "new untested"]);
});

test("the words name kind, day, those who stop, and the command that makes the next one", () => {
  const certificate = { kind: "certificate", expiresAt: now + 6.5 * dayMs } as const;
  const [one] = comingUp([tenant("contoso", 0, { credential: certificate })], [], () => 2_140, now);
  expect(one && comingUpWords(one, now, "utc")).toEqual({
    what: "certificate expires Mon 30 Nov, 6 days",
    whom: "2,140 mailboxes to stop",
    command: "npx mailfleet onboard --tenant contoso --rotate",
  });
  expect(one && comingUpJson(one)).toEqual({
    what: "certificate expires",
    tenant: "contoso",
    at: "2026-11-30T02:03:00.000Z",
    mailboxes: 2_140,
    do: ["npx mailfleet onboard --tenant contoso --rotate"],
  });
});

test("the notes for programs say when each credential was tried and how it went", () => {
  expect(credentialsJson([note("b", false), note("a", true)])).toEqual([
    { tenant: "a", role: "next", tested: "2026-11-23T14:03:00.000Z", ok: true },
    { tenant: "b", role: "next", tested: "2026-11-23T14:03:00.000Z", ok: false, code: "C" },
  ]);
});
