import { describe, expect, test } from "vitest";
import { failureCodes } from "../failure-code.ts";
import { type CauseFacts, describeCause } from "./causes.ts";

const now = Date.UTC(2026, 10, 23, 13, 3, 2);
const min = 60_000;
const style = { now, zone: 60, seconds: true } as const;

function facts(given: Partial<CauseFacts>): CauseFacts {
  return {
    code: "SERVER_THROTTLED",
    scope: "mailbox",
    state: "waiting",
    tenant: "contoso",
    mailboxes: ["hr@contoso.example"],
    mailboxCount: 1,
    since: now - 130 * min,
    nextAt: now + 12_000,
    tries: 1,
    text: "",
    ...given,
  };
}

describe("the wording of the panel and of status", () => {
  test.each<[string, Partial<CauseFacts>]>([
    ["hr@contoso.example is throttled by the server until 14:03:14, then goes on by itself", {}],
    ["30 mailboxes of contoso are throttled by the server until 14:03:14, then go on by themselves", { mailboxCount: 30 }],
    ["hr@contoso.example refuses mailfleet: no access was granted to it", { code: "MAILBOX_ACCESS_DENIED", state: "parked" }],
    [
      "12 mailboxes of contoso refuse mailfleet: no access was granted to them",
      { code: "MAILBOX_ACCESS_DENIED", state: "parked", mailboxCount: 12 },
    ],
    ["hr@contoso.example refuses mailfleet, try 2; tried again at 14:03:14", { code: "MAILBOX_ACCESS_DENIED", tries: 2 }],
    ["contoso: its client secret expired 2 h 10 min ago", { code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", state: "parked" }],
    ["hr@contoso.example: connection lost, try 2; goes on by itself", { code: "SESSION_CLOSED", tries: 2 }],
    ["hr@contoso.example refuses the login, though Microsoft issued a token; tried again at 14:03:14", { code: "TOKEN_REJECTED" }],
  ])("%s", (line, given) => {
    expect(describeCause(facts(given), style).line).toBe(line);
  });

  test("an expired secret says whom it stops, what comes next, what to do, and that no mail is lost", () => {
    const words = describeCause(
      facts({ code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", state: "parked", mailboxCount: 38, nextAt: now + 20 * min }),
      {
        now,
        zone: 60,
      },
    );
    expect(words).toEqual({
      label: "client secret expired 2 h 10 min ago",
      line: "contoso: its client secret expired 2 h 10 min ago",
      short: "its client secret expired 2 h 10 min ago",
      happened: "The client secret of contoso expired 2 h 10 min ago. 38 mailboxes are parked.",
      next: "Looks again at 14:24 (in 20 min), then at least every hour. Nothing is lost; mail waits on the server.",
      youCan: "Add a new secret to the app registration and put its Value into the secret file.",
      command: "mailfleet doctor --tenant contoso",
    });
  });

  test.each<[string, Partial<CauseFacts>]>([
    ["is throttled by the server until 14:03:14, then goes on by itself", {}],
    ["refuses mailfleet: no access was granted to it", { code: "MAILBOX_ACCESS_DENIED", state: "parked" }],
    ["connection lost; goes on by itself", { code: "SESSION_CLOSED" }],
    ["Redis does not answer; everything waits and goes on by itself", { code: "REDIS_UNAVAILABLE", scope: "process" }],
  ])("without its subject: %s", (short, given) => {
    expect(describeCause(facts(given), style).short).toBe(short);
  });

  test.each([
    ["o'hara@contoso.example", String.raw`mailfleet doctor --mailbox 'o'\''hara@contoso.example'`],
    ["$(reboot)@contoso.example", "mailfleet doctor --mailbox '$(reboot)@contoso.example'"],
    ["a\u001b[2J@contoso.example", "mailfleet doctor --mailbox 'a[2J@contoso.example'"],
  ])("the command for %j can be pasted and does nothing else", (address, command) => {
    const words = describeCause(facts({ code: "MAILBOX_ACCESS_DENIED", state: "parked", mailboxes: [address] }), style);
    expect(words.command).toBe(command);
    expect(words.line).not.toContain("\u001b");
  });

  test("one mailbox that refuses the login is told by what is its own, many by what Exchange knows of the app", () => {
    const refused = { code: "TOKEN_REJECTED", text: "AUTHENTICATE failed." } as const;
    const one = describeCause(facts(refused), style).happened;
    expect(one).toContain('"AUTHENTICATE failed."');
    expect(one).toContain(
      "no FullAccess, not its primary address, IMAP or POP3 switched off (ImapEnabled, PopEnabled), or too many sessions",
    );
    expect(one).not.toContain("does not know the app");
    expect(describeCause(facts({ ...refused, mailboxCount: 12 }), style).happened).toContain("does not know the app");
  });

  test("the server's words are quoted where they help", () => {
    const words = describeCause(facts({ code: "COMMAND_REFUSED", text: "NO go away", state: "parked", tries: 6 }), style);
    expect(words.happened).toContain('"NO go away"');
    expect(words.next).toContain("Tried 6 times, now parked.");
    expect(words.command).toBe("mailfleet doctor --mailbox hr@contoso.example");
  });
});

describe.each(failureCodes)("%s", (code) => {
  test.each([1, 3])("reads well for %i mailboxes: whole sentences, no leftovers, no words that blame or excuse", (mailboxCount) => {
    for (const state of ["waiting", "parked"] as const) {
      const words = describeCause(facts({ code, mailboxCount, state, text: "server words" }), style);
      for (const text of Object.values(words))
        expect(text).not.toMatch(/undefined|\bNaN\b|\[object|\bplease\b|\boops\b|\binvalid\b|\berror\b| {2}|^$/i);
      expect(words.label).not.toMatch(/[.]$/);
      for (const sentence of [words.happened, words.next, words.youCan]) expect(sentence).toMatch(/[.?"]$/);
      expect(words.next).toContain("Nothing is lost");
    }
  });
});
