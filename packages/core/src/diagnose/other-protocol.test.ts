import { describe, expect, test } from "vitest";
import type { FailureCode } from "../failure-code.ts";
import type { Protocol } from "../ids.ts";
import type { TimeStyle } from "../words/times.ts";
import { diagnose, nextLook } from "./diagnose.ts";
import type { ControlTry, FleetLook, LoginTry, MailboxLook, Observations } from "./observations.ts";

const now = Date.UTC(2026, 10, 23, 14, 3, 2);
const style: TimeStyle = { now, zone: "utc" };
const oid = "8f2c0b6e-0d3a-4a57-9a0e-6c1f2e7bd41a";
const host = { host: "outlook.office365.com", port: 995, tls: true, tlsVersion: "TLSv1.3" };
const both = ["IMAP.AccessAsApp", "POP.AccessAsApp"];

interface Given {
  readonly protocol?: Protocol;
  readonly isOtherServed?: boolean;
  /** Undefined: the token does not say. */
  readonly roles?: readonly string[] | undefined;
  readonly mailbox?: MailboxLook;
  readonly other?: LoginTry;
  readonly neighbours?: readonly ControlTry[];
  readonly fleet?: Partial<FleetLook>;
}

/** A POP3 mailbox of which everything up to the login is well. */
function seen({ protocol = "pop3", isOtherServed = true, mailbox, other, neighbours, fleet, ...rest }: Given): Observations {
  const roles = "roles" in rest ? rest.roles : both;
  return {
    subject: {
      tenant: "contoso",
      tenantId: "11111111-1111-1111-1111-111111111111",
      clientId: "6d1f2f8e-5b1b-4c1e-9a57-2f0f0c7d9b11",
      mailbox: "support@contoso.com",
      protocol,
      isOtherServed,
      credential: "secret",
      authority: "https://login.microsoftonline.com",
      scope: "https://outlook.office365.com/.default",
      isCustom: true,
    },
    configuration: { tenants: 1, mailboxes: 1, warnings: [], exposed: [] },
    machine: { node: "24.21.0" },
    redis: {
      kind: "ready",
      version: "7.4.6",
      problems: [],
      fixes: [],
      troubles: [],
      writeMs: 0.3,
      fleet: { isRunning: true, tenantMailboxes: 3, tenantStopped: 0, ...fleet },
    },
    network: { login: { ...host, port: 443 }, mail: host },
    token: { ok: true, at: now, tookMs: 212, expiresAt: now + 3_540_000, claims: { oid, ...(roles && { roles }) } },
    ...(mailbox && { mailbox }),
    ...(other && { other }),
    ...(neighbours && { controls: { neighbours, others: [] } }),
  };
}

const popWords = "Authentication failure: unknown user name or bad password.";
const popRefused: MailboxLook = {
  kind: "refused",
  stage: "login",
  code: "TOKEN_REJECTED",
  facts: { layer: "pop3", responseStatus: "ERR", text: popWords },
};
const imapRefused: MailboxLook = {
  kind: "refused",
  stage: "login",
  code: "MAILBOX_ACCESS_DENIED",
  facts: { layer: "imap", responseStatus: "BAD", text: "User is authenticated but not connected." },
};
const refuses = (protocol: Protocol, code: FailureCode, text?: string): LoginTry => ({
  protocol,
  refusal: { code, ...(text !== undefined && { text }) },
});
const near = (protocol: Protocol, code?: FailureCode): ControlTry => ({
  tenant: "contoso",
  address: "b@contoso.com",
  ...(code === undefined ? { protocol } : refuses(protocol, code)),
});

describe("a mailbox that is refused over one protocol", () => {
  test.each<[string, Given, Observations["other"] | "not asked"]>([
    ["POP3 refuses, and IMAP can be asked", { mailbox: popRefused }, undefined],
    ["IMAP refuses, and POP3 can be asked", { protocol: "imap", mailbox: imapRefused }, undefined],
    ["the token does not say its roles", { mailbox: popRefused, roles: undefined }, undefined],
    ["the token has no role for the other", { mailbox: popRefused, roles: ["POP.AccessAsApp"] }, "not asked"],
    ["no endpoint of the other is known", { mailbox: popRefused, isOtherServed: false }, "not asked"],
  ])("asks the other one once: %s", (_, given, asked) => {
    expect(nextLook(seen(given), style)).toBe(asked === "not asked" ? "controls" : "other");
    const refused = { ...given, other: refuses(given.protocol === "imap" ? "pop3" : "imap", "TOKEN_REJECTED") };
    expect(nextLook(seen(refused), style)).toBe("controls");
  });

  test.each<[Protocol, MailboxLook, string, string]>([
    ["pop3", popRefused, "-PopEnabled $true", "POP3"],
    ["imap", imapRefused, "-ImapEnabled $true", "IMAP"],
  ])("%s, while the other one opens: it is switched off, and nobody else is asked", (protocol, mailbox, flag, name) => {
    const other: LoginTry = { protocol: protocol === "imap" ? "pop3" : "imap" };
    const look = seen({ protocol, mailbox, other });
    expect(nextLook(look, style)).toBeUndefined();
    const { finding, steps } = diagnose(look, style);
    expect(finding).toMatchObject({ step: "mailbox", code: "MAILBOX_PROTOCOL_DISABLED", certainty: "most likely" });
    expect(finding?.cause).toContain(`${name} is switched off for this mailbox`);
    expect(finding?.fixes[0]?.commands).toContain(`Set-CASMailbox -Identity 'support@contoso.com' ${flag}`);
    expect(finding?.fixes[1]?.commands).toEqual([`{ address: support@contoso.com, protocol: ${other.protocol} }`]);
    expect(steps.find(({ name: step }) => step === "Exchange")?.state).toBe("passed");
  });

  test("quotes what POP3 said as POP3 says it", () => {
    const { finding } = diagnose(seen({ mailbox: popRefused, other: { protocol: "imap" } }), style);
    expect(finding?.happened).toBe(`refuses mailfleet over POP3: "-ERR ${popWords}" Over IMAP it opens.`);
  });

  test("is less sure where the token does not say its roles, and where the mailbox was read within a day", () => {
    const other: LoginTry = { protocol: "imap" };
    const opaque = diagnose(seen({ mailbox: popRefused, other, roles: undefined }), style).finding;
    expect(opaque).toMatchObject({ code: "MAILBOX_PROTOCOL_DISABLED", certainty: "possible" });
    expect(opaque?.also.join(" ")).toContain("the app has no POP.AccessAsApp");
    const fleet = { mailbox: { checkedAt: now - 3_600_000 } };
    const read = diagnose(seen({ mailbox: popRefused, other, fleet }), style).finding;
    expect(read).toMatchObject({ code: "MAILBOX_PROTOCOL_DISABLED", certainty: "possible" });
    expect(read?.also.join(" ")).toContain("too many POP3 sessions");
  });

  test("the role is missing for one protocol only: found before any login, and the other one is named as a way out", () => {
    const { finding } = diagnose(seen({ roles: ["IMAP.AccessAsApp"] }), style);
    expect(finding).toMatchObject({ step: "permission", code: "ENTRA_CONSENT_MISSING", certainty: "certain" });
    expect(finding?.happened).toBe(
      "POP.AccessAsApp is missing: the token has only IMAP.AccessAsApp. Microsoft issues such tokens all the same.",
    );
    const commands = finding?.fixes.flatMap((fix) => fix.commands) ?? [];
    expect(commands.join("\n")).toContain("-AppRoleId cb842b43-da6e-4506-86fe-bb12199c656d");
    expect(commands.at(-1)).toBe("{ address: support@contoso.com, protocol: imap }");
  });
});

describe("a mailbox that is refused over both", () => {
  test("IMAP tells a missing grant from an app that Exchange does not know, where POP3 says the same of both", () => {
    const shut = [near("pop3", "TOKEN_REJECTED")];
    const granted = seen({ mailbox: popRefused, other: refuses("imap", "MAILBOX_ACCESS_DENIED", "not connected"), neighbours: shut });
    expect(diagnose(granted, style).finding).toMatchObject({
      code: "MAILBOX_ACCESS_DENIED",
      certainty: "most likely",
      happened: `is, as 2 of 2 mailboxes tried, refused: "-ERR ${popWords}" IMAP refuses it too: "not connected".`,
    });
    const unknown = seen({ mailbox: popRefused, other: refuses("imap", "TOKEN_REJECTED"), neighbours: shut });
    expect(diagnose(unknown, style).finding).toMatchObject({ code: "EXCHANGE_PRINCIPAL_UNKNOWN", certainty: "most likely" });
  });

  test("without IMAP's answer it is only possible that the app is unknown, and it is said why IMAP was not asked", () => {
    const roles = ["POP.AccessAsApp"];
    const look = seen({ mailbox: popRefused, roles, neighbours: [near("pop3", "TOKEN_REJECTED")] });
    const { finding } = diagnose(look, style);
    expect(finding).toMatchObject({ code: "EXCHANGE_PRINCIPAL_UNKNOWN", certainty: "possible" });
    expect(finding?.also).toContain(
      "no access to any mailbox: POP3 refuses that with the same words (IMAP was not asked: the token has no IMAP.AccessAsApp).",
    );
  });

  test("while a neighbour opens it is this mailbox, and both protocols may be off", () => {
    const look = seen({ mailbox: popRefused, other: refuses("imap", "MAILBOX_ACCESS_DENIED"), neighbours: [near("pop3")] });
    const { finding } = diagnose(look, style);
    expect(finding).toMatchObject({ step: "mailbox", code: "MAILBOX_ACCESS_DENIED", certainty: "most likely" });
    expect(finding?.fixes[0]?.commands).toContain("Set-CASMailbox -Identity 'support@contoso.com' -PopEnabled $true");
    expect(finding?.also[0]).toContain("POP3 and IMAP are both switched off for it");
  });
});

test("a spool that opens is told as one: its INBOX is all there is", () => {
  const opened: MailboxLook = { kind: "opened", folders: 1, messages: 2_310, countedFolders: 1, tookMs: 900 };
  const { steps } = diagnose(seen({ mailbox: opened }), style);
  const texts = new Map(steps.map(({ name, text }) => [name, text]));
  expect(texts.get("permission")).toBe("POP.AccessAsApp granted");
  expect(texts.get("mailbox")).toBe("opened, 2,310 messages in its INBOX, all that POP3 shows");
});
