import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureCodes } from "../failure-code.ts";
import type { TimeStyle } from "../words/times.ts";
import { closingSentence, diagnose, type Look, nextLook } from "./diagnose.ts";
import { stepNames } from "./finding.ts";
import type { ControlTry, FleetLook, MailboxLook, Observations, RedisLook, TokenLook } from "./observations.ts";

const now = Date.UTC(2026, 10, 23, 14, 3, 2);
const style: TimeStyle = { now, zone: "utc" };
const oid = "8f2c0b6e-0d3a-4a57-9a0e-6c1f2e7bd41a";
const host = { host: "localhost", port: 993, tls: true, tlsVersion: "TLSv1.3" };

const fleet: FleetLook = { isRunning: true, tenantMailboxes: 3, tenantStopped: 0 };
const redis = (given: Partial<FleetLook> = {}): RedisLook => ({
  kind: "ready",
  version: "7.4.6",
  problems: [],
  fixes: [],
  troubles: [],
  writeMs: 0.3,
  fleet: { ...fleet, ...given },
});

const token: TokenLook = {
  ok: true,
  at: now,
  tookMs: 212,
  expiresAt: now + 3_540_000,
  claims: { roles: ["IMAP.AccessAsApp"], oid, issuedAt: now - 1_000, expiresAt: now + 3_540_000 },
};

/** Everything is well, unless it is said otherwise. */
function seen(given: Partial<Observations> = {}): Observations {
  return {
    subject: {
      tenant: "contoso",
      tenantId: "11111111-1111-1111-1111-111111111111",
      clientId: "6d1f2f8e-5b1b-4c1e-9a57-2f0f0c7d9b11",
      mailbox: "support@contoso.com",
      protocol: "imap",
      isOtherServed: false,
      credential: "secret",
      authority: "https://login.microsoftonline.com",
      scope: "https://outlook.office365.com/.default",
      isCustom: true,
    },
    configuration: { tenants: 1, mailboxes: 1, warnings: [], exposed: [] },
    machine: { node: "24.21.0", clockAheadMs: 200, disk: { free: 18.4e9, total: 100e9 } },
    redis: redis(),
    network: { login: { ...host, port: 443 }, mail: host },
    token,
    mailbox: { kind: "opened", folders: 14, messages: 41_203, countedFolders: 14, tookMs: 900 },
    scope: { address: "ceo@contoso.com", isInvented: false, outcome: "refused" },
    ...given,
  };
}

const refusedBy = (code: "TOKEN_REJECTED" | "MAILBOX_ACCESS_DENIED", text: string): MailboxLook => ({
  kind: "refused",
  stage: "login",
  code,
  facts: { layer: "imap", responseStatus: code === "TOKEN_REJECTED" ? "NO" : "BAD", text },
});
const noAuth = refusedBy("TOKEN_REJECTED", "AUTHENTICATE failed.");
const notConnected = refusedBy("MAILBOX_ACCESS_DENIED", "User is authenticated but not connected.");
const opens = (address: string, tenant = "contoso"): ControlTry => ({ tenant, address, protocol: "imap" });
const shut = (address: string, look: MailboxLook, tenant = "contoso"): ControlTry => ({
  tenant,
  address,
  protocol: "imap",
  refusal: { code: look.kind === "refused" ? look.code : "UNCLASSIFIED" },
});
const without = (
  mailbox: MailboxLook,
  neighbours: ControlTry[],
  others: ControlTry[] = [],
  given: Partial<FleetLook> = {},
): Observations => {
  const { scope: _, ...rest } = seen({ mailbox, controls: { neighbours, others }, redis: redis(given) });
  return rest;
};

describe("the doctor's decision", () => {
  test("says of all nine steps what was found where nothing is wrong", () => {
    const diagnosis = diagnose(seen(), style);
    expect(diagnosis.finding).toBeUndefined();
    expect(diagnosis.steps.map(({ name, text }) => `${name}: ${text}`)).toEqual([
      "configuration: 1 tenant, 1 mailbox, no unknown keys",
      "this machine: Node 24.21.0, clock 0.2 s off, 18.4 GB free",
      "Redis: 7.4.6, noeviction, AOF on, write 0.3 ms",
      "network: localhost:443 and localhost:993, TLS 1.3",
      "token: issued in 212 ms, for Exchange Online, valid 59 min",
      "permission: IMAP.AccessAsApp granted",
      "Exchange: knows the app as 8f2c…d41a",
      "mailbox: opened, 14 folders, 41,203 messages",
      "scope: ceo@contoso.com is refused, as it must be",
    ]);
    expect(closingSentence(diagnosis, seen(), "1.4 s")).toBe("All 9 checks passed in 1.4 s. Nothing to do.");
  });

  test("NO to every mailbox of the tenant: Exchange does not know the app; the lines to paste hold the token's own ids", () => {
    const look = without(noAuth, [shut("b@contoso.com", noAuth), shut("c@contoso.com", noAuth)], [opens("a@fabrikam.com", "fabrikam")], {
      tenantStopped: 2_140,
      mailbox: { nextAt: now + 900_000 },
    });
    const { finding, steps, next } = diagnose(look, style);
    expect(finding).toMatchObject({ step: "Exchange", code: "EXCHANGE_PRINCIPAL_UNKNOWN", certainty: "most likely" });
    expect(finding?.happened).toBe('refuses every mailbox tried (3 of 3): "NO AUTHENTICATE failed." The token itself is good.');
    expect(finding?.fixes[0]?.commands).toContain(
      `New-ServicePrincipal -AppId '6d1f2f8e-5b1b-4c1e-9a57-2f0f0c7d9b11' -ObjectId '${oid}' -DisplayName 'mailfleet'`,
    );
    expect(finding?.also).toContain("a Microsoft outage (1 other tenant works, so unlikely).");
    expect(steps.filter(({ state }) => state === "not reached").map(({ name }) => name)).toEqual(["mailbox", "scope"]);
    expect(next).toBe("Exchange may need up to an hour. mailfleet tries again by itself at 14:19Z");
    expect(closingSentence({ steps, ...(finding && { finding }) }, look, "3 s")).toBe(
      "1 of 9 checks failed: Exchange does not know the app. No mail is lost; 2,140 mailboxes wait.",
    );
  });

  test.each<[string, Observations, string, string, string]>([
    ["one mailbox and nobody to compare with", without(noAuth, []), "Exchange", "EXCHANGE_PRINCIPAL_UNKNOWN", "possible"],
    ["refused while neighbours open", without(notConnected, [opens("b@contoso.com")]), "mailbox", "MAILBOX_ACCESS_DENIED", "most likely"],
    [
      "refused while neighbours open, and it opened today",
      without(notConnected, [opens("b@contoso.com")], [], { mailbox: { checkedAt: now - 3_600_000 } }),
      "mailbox",
      "MAILBOX_ACCESS_DENIED",
      "possible",
    ],
    [
      "let in and refused everywhere",
      without(notConnected, [shut("b@contoso.com", notConnected)]),
      "mailbox",
      "MAILBOX_ACCESS_DENIED",
      "most likely",
    ],
    [
      "refused as another tenant is, and it worked today",
      without(noAuth, [shut("b@contoso.com", noAuth)], [shut("a@fabrikam.com", noAuth, "fabrikam")], { tenantCheckedAt: now - 60_000 }),
      "Exchange",
      "SERVICE_INCIDENT",
      "most likely",
    ],
    [
      "refused as another tenant is, and neither ever worked",
      without(noAuth, [], [shut("a@fabrikam.com", noAuth, "fabrikam")]),
      "Exchange",
      "SERVICE_INCIDENT",
      "possible",
    ],
    [
      "a clock ten minutes ahead",
      seen({ machine: { node: "24.21.0", clockAheadMs: 600_000 } }),
      "this machine",
      "ENTRA_CLOCK_WRONG",
      "certain",
    ],
    ["an old Node", seen({ machine: { node: "22.1.0" } }), "this machine", "NODE_TOO_OLD", "certain"],
    [
      "a full disk",
      seen({ machine: { node: "24.21.0", disk: { free: 1e6, total: 100e9 } } }),
      "this machine",
      "BLOB_STORE_FULL",
      "certain",
    ],
    [
      "a bucket that is not there",
      seen({ machine: { node: "24.21.0", bucket: { kind: "refused", bucket: "mail-blobs", at: "write", code: "NoSuchBucket" } } }),
      "this machine",
      "BLOB_UNAVAILABLE",
      "certain",
    ],
    [
      "TLS interception",
      seen({
        network: {
          login: host,
          mail: {
            ...host,
            failure: { at: "tls", code: "SELF_SIGNED_CERT_IN_CHAIN" },
            certificate: { names: ["localhost"], issuer: "Zscaler", validFrom: 0, validTo: now * 2 },
          },
        },
      }),
      "network",
      "TLS_HANDSHAKE",
      "most likely",
    ],
    [
      "a token without roles",
      seen({ token: { ...token, ok: true, claims: { oid, roles: [] } } }),
      "permission",
      "ENTRA_CONSENT_MISSING",
      "certain",
    ],
    [
      "a token for a person",
      seen({ token: { ...token, ok: true, claims: { oid, delegated: "IMAP.AccessAsUser.All" } } }),
      "permission",
      "ENTRA_CONSENT_MISSING",
      "certain",
    ],
    [
      "an app that can open a mailbox it must not",
      seen({ scope: { address: "ceo@contoso.com", isInvented: false, outcome: "opened" } }),
      "scope",
      "SCOPE_TOO_WIDE",
      "certain",
    ],
  ])("%s", (_, look, step, code, certainty) => {
    expect(diagnose(look, style).finding).toMatchObject({ step, code, certainty });
  });

  test("too much access is taken back by hand: nothing waits for it, and nothing is tried again", () => {
    const stopped = { isRunning: true, tenantStopped: 1, tenantStops: { count: 1, parked: 1, until: now + 60_000 } };
    const look = seen({ scope: { address: "ceo@contoso.com", isInvented: false, outcome: "opened" }, redis: redis(stopped) });
    const diagnosis = diagnose(look, style);
    expect(diagnosis.finding?.fixes[0]?.commands).toContain(
      `Remove-MailboxPermission -Identity 'ceo@contoso.com' -User '${oid}' -AccessRights FullAccess`,
    );
    expect(diagnosis.next).toMatch(/^Nothing waits for it, and it does not mend itself\./);
    expect(diagnosis.sooner).toBeUndefined();
    expect(closingSentence(diagnosis, look, "1 s")).toMatch(/No mail is lost\.$/);
  });

  test("a tenant that was read minutes ago and is refused as a whole lost its access or meets an outage; the fix is for all of it", () => {
    const all = [shut("b@contoso.com", notConnected), shut("o'hara@contoso.com", notConnected)];
    const read = { tenantCheckedAt: now - 5 * 60_000, tenantMailboxes: 3 };
    const { finding } = diagnose(without(notConnected, all, [], read), style);
    expect(finding).toMatchObject({ code: "MAILBOX_ACCESS_DENIED", forTenant: true });
    expect(finding?.cause).toMatch(/^The tenant was read 5 min ago, so access was taken away from the app, or Microsoft has an outage/);
    expect(finding?.fixes[0]?.commands).toEqual(["https://status.cloud.microsoft"]);
    expect(finding?.fixes[1]?.commands).toContain(
      `'support@contoso.com','b@contoso.com','o''hara@contoso.com' | ForEach-Object { Add-MailboxPermission -Identity $_ -User '${oid}' -AccessRights FullAccess -AutoMapping:$false }`,
    );
    const many = diagnose(without(notConnected, all, [], { ...read, tenantMailboxes: 40 }), style).finding;
    expect(many?.fixes[1]?.commands.join("\n")).toContain(
      "Import-Csv boxes.csv | ForEach-Object { Add-MailboxPermission -Identity $_.address",
    );
    const unregistered = diagnose(without(noAuth, [shut("b@contoso.com", noAuth)], [], read), style).finding;
    expect(unregistered?.cause).toMatch(/^The tenant was read 5 min ago, so the app's registration or access was taken away/);
  });

  test("a secret that all may read is a warning with its command, and hides nothing that comes after it", () => {
    const exposed = [{ what: "tenants.contoso.credential.secretFile", command: "chmod 600 contoso.secret" }];
    const configuration = { tenants: 1, mailboxes: 1, warnings: [], exposed };
    const { steps, finding } = diagnose(seen({ configuration }), style);
    expect(finding).toBeUndefined();
    expect(steps[0]).toMatchObject({ state: "look", commands: ["chmod 600 contoso.secret"] });
    expect(steps[0]?.note).toContain("everybody on this machine can read tenants.contoso.credential.secretFile");
    expect(diagnose(seen({ configuration, machine: { node: "22.1.0" } }), style).finding).toMatchObject({ code: "NODE_TOO_OLD" });
  });

  test("what took long to look at is judged by the time at which it was seen", () => {
    const later = { ...style, now: now + 40 * 60_000 };
    expect(diagnose(seen(), later).finding).toBeUndefined();
    const old = seen({ token: { ...token, ok: true, claims: { oid, roles: ["IMAP.AccessAsApp"], issuedAt: now - 600_000 } } });
    expect(diagnose(old, style).finding).toMatchObject({ step: "token", code: "ENTRA_CLOCK_WRONG", certainty: "most likely" });
  });

  test.each<[string, Partial<Extract<TokenLook, { ok: true }>>, string]>([
    ["good for long", { credentialExpiresAt: now + 188.5 * 86_400_000 }, "valid 59 min; secret good for 188 days"],
    ["soon over", { credentialExpiresAt: now + 6.5 * 86_400_000 }, "The secret expires Mon 30 Nov, in 6 days: make the next one now"],
    ["with a next one", { other: { role: "next" } }, "valid 59 min; the next one tested, works"],
    [
      "with a next one that is wrong",
      { other: { role: "next", refusedAs: "ENTRA_CREDENTIAL_INVALID" } },
      "The next secret is refused (ENTRA_CREDENTIAL_INVALID); mend it",
    ],
    ["refused, and replaced", { other: { role: "current", refusedAs: "ENTRA_CREDENTIAL_EXPIRED" } }, "the next one is used in its place"],
  ])("tells how the credential is: %s", (_, given, words) => {
    const { steps, finding } = diagnose(seen({ token: { ...token, ok: true, ...given } as TokenLook }), style);
    const step = steps.find(({ name }) => name === "token");
    expect(finding).toBeUndefined();
    expect(`${step?.text} ${step?.note ?? ""}`).toContain(words);
  });

  test("an address cannot leave its quotes in a PowerShell line, whatever quote it has", () => {
    const subject = { ...seen().subject, mailbox: "x\u2019; Remove-Mailbox y #@contoso.com" };
    const { finding } = diagnose({ ...without(notConnected, [opens("b@contoso.com")]), subject }, style);
    for (const command of finding?.fixes[0]?.commands ?? []) expect(command.replace(/(['\u2019])\1/g, "")).not.toMatch(/\u2019/);
  });
});

const codes = fc.constantFrom(...failureCodes);
const text = fc.option(fc.string(), { nil: undefined });
const facts = fc.record(
  { layer: fc.constant("imap" as const), number: fc.option(fc.nat(), { nil: undefined }), text },
  { requiredKeys: ["layer"] },
) as fc.Arbitrary<{ layer: "imap" }>;
const protocols = fc.constantFrom("imap" as const, "pop3" as const);
const tries = (tenant: string) =>
  fc.array(fc.record({ tenant: fc.constant(tenant), address: fc.string(), protocol: protocols, refusal: fc.record({ code: codes }) }), {
    maxLength: 3,
  });
const looks: Record<Exclude<Look, "redis" | "machine" | "network">, fc.Arbitrary<unknown>> = {
  token: fc.oneof(
    fc.constant(token),
    fc.record({ ok: fc.constant(false as const), tookMs: fc.nat(), code: codes, facts }),
    fc.record({
      ok: fc.constant(true as const),
      at: fc.integer(),
      tookMs: fc.nat(),
      expiresAt: fc.integer(),
      claims: fc.record({ oid: fc.string() }),
    }),
  ),
  mailbox: fc.oneof(
    fc.record({
      kind: fc.constant("refused" as const),
      stage: fc.constantFrom("login", "folders", "INBOX", "message"),
      code: codes,
      facts,
    }),
    fc.constant({ kind: "not tried" }),
    fc.record({ kind: fc.constant("opened" as const), folders: fc.nat(), messages: fc.nat(), countedFolders: fc.nat(), tookMs: fc.nat() }),
  ),
  other: fc.record({ protocol: protocols, refusal: fc.record({ code: codes, text: fc.string() }) }, { requiredKeys: ["protocol"] }),
  controls: fc.record({ neighbours: tries("contoso"), others: tries("x") }),
  scope: fc.record({ address: fc.string(), isInvented: fc.boolean(), outcome: fc.constantFrom("refused", "opened", "unclear") }),
};

test("whatever the looks bring, there is an end, nine steps, at most one finding, and no ✓ behind it", () => {
  fc.assert(
    fc.property(fc.record(looks), protocols, fc.boolean(), (answers, protocol, isOtherServed) => {
      const {
        scope: _s,
        controls: _c,
        mailbox: _m,
        token: _t,
        ...begun
      } = seen({ subject: { ...seen().subject, protocol, isOtherServed } });
      let all: Observations = begun;
      let count = 0;
      for (let look = nextLook(all, style); look !== undefined; look = nextLook(all, style)) {
        expect(count++).toBeLessThan(9);
        all = { ...all, [look]: (answers as Record<string, unknown>)[look] };
      }
      const { steps, finding } = diagnose(all, style);
      expect(steps.map(({ name }) => name)).toEqual(stepNames);
      expect(steps.filter(({ state }) => state === "failed")).toHaveLength(finding ? 1 : 0);
      if (!finding) {
        expect(steps.some(({ state }) => state === "not reached")).toBe(false);
        return;
      }
      const at = stepNames.indexOf(finding.step);
      for (const { state } of steps.slice(at + 1)) expect(state).toBe("not reached");
      for (const { state } of steps.slice(0, at)) expect(["passed", "look", "skipped"]).toContain(state);
      expect(finding.cause).not.toBe("");
    }),
  );
});

test("a lane that no worker serves is a thing to look at, with the command for this fleet; the mailbox itself is well", () => {
  const look = seen({ redis: redis({ unserved: [{ lane: "fresh", since: now - 720_000, waiting: 2 }] }) });
  const diagnosis = diagnose({ ...look, subject: { ...look.subject, options: " --config fleet.yaml" } }, style);
  expect(diagnosis.finding).toBeUndefined();
  expect(diagnosis.steps.find(({ name }) => name === "Redis")).toMatchObject({
    state: "look",
    note: "No worker has served new mail (lane fresh) for 12 min: 2 mailboxes wait. Start a worker for it, or one for both lanes.",
    commands: ["npx mailfleet worker --lane fresh --config fleet.yaml"],
  });
  expect(closingSentence(diagnosis, look, "1 s")).toContain("1 thing to look at.");
});
