import { describe, expect, test } from "vitest";
import type { Cause } from "../cause.ts";
import { failed } from "./finding.ts";
import { backlogOf, soonerCommand } from "./go-on.ts";
import type { FleetLook, Observations } from "./observations.ts";

const now = Date.UTC(2026, 10, 23, 7, 3, 2);
const style = { now, zone: "utc" } as const;
const until = now + 55 * 60_000;

function seen(fleet: Partial<FleetLook>, options?: string): Observations {
  return {
    subject: {
      tenant: "contoso",
      tenantId: "t",
      clientId: "c",
      mailbox: "hr@contoso.com",
      protocol: "imap",
      isOtherServed: false,
      credential: "secret",
      authority: "https://login.microsoftonline.com",
      scope: "s",
      isCustom: false,
      ...(options !== undefined && { options }),
    },
    configuration: { tenants: 1, mailboxes: 1, warnings: [], exposed: [] },
    redis: {
      kind: "ready",
      version: "7.4.6",
      problems: [],
      fixes: [],
      troubles: [],
      writeMs: 0.3,
      fleet: { isRunning: true, tenantMailboxes: 40, tenantStopped: 40, ...fleet },
    },
  };
}

const cause = (given: Partial<Cause>): Cause => ({
  code: "MAILBOX_ACCESS_DENIED",
  scope: "mailbox",
  text: "",
  since: now,
  tries: 1,
  nextAt: until,
  state: "parked",
  ...given,
});
const at = (step: "mailbox" | "Exchange", code: "MAILBOX_ACCESS_DENIED" | "SERVER_THROTTLED" = "MAILBOX_ACCESS_DENIED") => {
  const { finding } = failed(step, { code, certainty: "certain", happened: "", cause: "", conclusion: "" });
  if (!finding) throw new Error("no finding");
  return finding;
};

describe("what still waits behind a cause that is gone", () => {
  test.each<[string, Partial<FleetLook>, string]>([
    [
      "a whole tenant",
      { tenantStops: { count: 40, parked: 40, until } },
      "40 mailboxes of contoso are still parked until 07:59Z; npx mailfleet mailboxes resume --tenant contoso",
    ],
    [
      "a tenant of which others keep a pause",
      { tenantStops: { count: 2, parked: 0, until, onlyCause: "SESSION_CLOSED" } },
      "2 mailboxes of contoso still wait until 07:59Z; npx mailfleet mailboxes resume --tenant contoso --cause SESSION_CLOSED",
    ],
    [
      "this mailbox alone",
      { mailbox: { cause: cause({}) }, tenantStops: { count: 1, parked: 1, until } },
      "hr@contoso.com is still parked until 07:59Z; npx mailfleet mailboxes resume hr@contoso.com",
    ],
  ])("%s", (_, fleet, words) => {
    const backlog = backlogOf(seen(fleet), style);
    expect(`${backlog?.sentence ?? ""}; ${backlog?.command ?? ""}`).toBe(words);
  });

  test("nothing is said where nothing runs, nothing waits, or the server asked for the pause", () => {
    expect(backlogOf(seen({ isRunning: false, tenantStops: { count: 1, parked: 1, until } }), style)).toBeUndefined();
    expect(backlogOf(seen({}), style)).toBeUndefined();
    expect(backlogOf(seen({ mailbox: { cause: cause({ code: "SERVER_THROTTLED" }) } }), style)).toBeUndefined();
  });

  test("the command reaches the fleet that was asked about", () => {
    const look = seen({ tenantStops: { count: 2, parked: 2, until } }, " --config 'my fleet.yaml'");
    expect(backlogOf(look, style)?.command).toBe("npx mailfleet mailboxes resume --tenant contoso --config 'my fleet.yaml'");
  });
});

describe("what makes it go on before its time, once it is mended", () => {
  const stops = { count: 40, parked: 40, until };
  test("the tenant for what hits all of it, the mailbox for its own", () => {
    expect(soonerCommand(seen({ tenantStops: stops }), at("Exchange"))).toBe("npx mailfleet mailboxes resume --tenant contoso");
    expect(soonerCommand(seen({ mailbox: { cause: cause({}) }, tenantStops: stops }), at("mailbox"))).toBe(
      "npx mailfleet mailboxes resume hr@contoso.com",
    );
    expect(soonerCommand(seen({ mailbox: { cause: cause({ scope: "tenant" }) }, tenantStops: stops }), at("mailbox"))).toBe(
      "npx mailfleet mailboxes resume --tenant contoso",
    );
  });

  test("nothing for a pause that the server asked for, where nothing waits, and where nothing runs", () => {
    expect(soonerCommand(seen({ tenantStops: stops }), at("mailbox", "SERVER_THROTTLED"))).toBeUndefined();
    expect(soonerCommand(seen({}), at("mailbox"))).toBeUndefined();
    expect(soonerCommand(seen({}), at("Exchange"))).toBeUndefined();
    expect(soonerCommand(seen({ isRunning: false, tenantStops: stops }), at("Exchange"))).toBeUndefined();
  });
});
