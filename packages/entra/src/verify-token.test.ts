import { Secret } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import type { EntraTenant } from "./entra-tenant.ts";
import { tokenFor } from "./login-service.fixture.ts";
import { verifyToken } from "./verify-token.ts";

const microsoft: EntraTenant = {
  alias: "contoso",
  tenantId: "11111111-1111-1111-1111-111111111111",
  clientId: "22222222-2222-2222-2222-222222222222",
  credential: { kind: "secret", secret: new Secret("s3cret") },
  authority: "https://login.microsoftonline.com",
  isCustomAuthority: false,
  scope: "https://outlook.office365.com/.default",
  protocols: ["imap"],
};
const custom: EntraTenant = { ...microsoft, isCustomAuthority: true, scope: "https://mail.example/.default" };
const other = "33333333-3333-3333-3333-333333333333";

describe("a token of Microsoft's", () => {
  test("is accepted with directory, app, audience and role", () => {
    expect(verifyToken(tokenFor(microsoft), microsoft)).toEqual({ ok: true, missingRoles: [] });
    expect(verifyToken(tokenFor(microsoft, { appid: undefined, azp: microsoft.clientId.toUpperCase() }), microsoft).ok).toBe(true);
  });

  test.each(["00000002-0000-0ff1-ce00-000000000000", "https://outlook.office.com/", "https://ps.outlook.com"])("may be for %s", (aud) => {
    expect(verifyToken(tokenFor(microsoft, { aud }), microsoft).ok).toBe(true);
  });

  test.each([
    ["another directory", { tid: other }, other],
    ["no directory", { tid: undefined }, "(none)"],
    ["another app", { appid: other }, other],
    ["no app", { appid: undefined }, "(none)"],
    ["Graph", { aud: "https://graph.microsoft.com" }, "Microsoft Graph (https://graph.microsoft.com)"],
    ["Graph by its id", { aud: "00000003-0000-0000-c000-000000000000" }, "Microsoft Graph"],
    ["a host that only looks like Outlook", { aud: "https://outlook.office365.com.evil.example" }, "evil.example"],
    ["no audience", { aud: undefined }, "(no audience)"],
  ])("for %s is refused, and the value is named", (_, claims, value) => {
    const verdict = verifyToken(tokenFor(microsoft, claims), microsoft);
    expect(verdict).toMatchObject({ ok: false, code: "ENTRA_TOKEN_MISMATCH", detail: expect.stringContaining(value) });
  });

  test.each([
    ["no roles", undefined, "no roles"],
    ["empty roles", [], "no roles"],
    ["the other protocol's role", ["POP.AccessAsApp"], "only POP.AccessAsApp"],
    ["roles as text", "IMAP.AccessAsApp", "no roles"],
  ])("with %s lacks consent", (_, roles, words) => {
    const verdict = verifyToken(tokenFor(microsoft, { roles }), microsoft);
    expect(verdict).toMatchObject({ ok: false, code: "ENTRA_CONSENT_MISSING", detail: expect.stringContaining(words) });
  });

  test("without a service principal in the directory is refused", () => {
    const verdict = verifyToken(tokenFor(microsoft, { oid: undefined }), microsoft);
    expect(verdict).toMatchObject({ ok: false, code: "ENTRA_PRINCIPAL_MISSING", detail: expect.stringContaining(microsoft.clientId) });
  });

  test("that speaks for a user is named as a delegated one", () => {
    const verdict = verifyToken(tokenFor(microsoft, { roles: undefined, scp: "IMAP.AccessAsUser.All" }), microsoft);
    expect(verdict).toMatchObject({ ok: false, code: "ENTRA_CONSENT_MISSING", detail: expect.stringContaining("IMAP.AccessAsUser.All") });
  });

  test("with one of two roles serves the mailboxes it can", () => {
    const both: EntraTenant = { ...microsoft, protocols: ["imap", "pop3"] };
    expect(verifyToken(tokenFor(both, { roles: ["IMAP.AccessAsApp"] }), both)).toEqual({ ok: true, missingRoles: ["POP.AccessAsApp"] });
  });

  test.each(["opaque", "a.b", "a.!!!.c", "a.W10.c", "a.bnVsbA.c"])("is a JWT: %s is refused", (token) => {
    expect(verifyToken(token, microsoft)).toMatchObject({ ok: false, code: "ENTRA_TOKEN_MISMATCH" });
  });
});

describe("a token of a custom service", () => {
  test("may be opaque, or a JWT without any of the claims", () => {
    expect(verifyToken("opaque", custom).ok).toBe(true);
    expect(verifyToken(tokenFor(custom, { tid: undefined, appid: undefined, aud: undefined, roles: undefined }), custom).ok).toBe(true);
  });

  test("may be for its scope's resource or for Exchange", () => {
    expect(verifyToken(tokenFor(custom, { aud: ["x", "https://mail.example/"] }), custom).ok).toBe(true);
    expect(verifyToken(tokenFor(custom), custom).ok).toBe(true);
    expect(verifyToken(tokenFor(custom, { aud: "account" }), { ...custom, scope: "openid" }).ok).toBe(true);
  });

  test.each([
    ["directory", { tid: other }, "ENTRA_TOKEN_MISMATCH"],
    ["app", { appid: other }, "ENTRA_TOKEN_MISMATCH"],
    ["audience", { aud: "https://graph.microsoft.com" }, "ENTRA_TOKEN_MISMATCH"],
    ["roles", { roles: ["POP.AccessAsApp"] }, "ENTRA_CONSENT_MISSING"],
    ["directory and app, and lacks roles", { roles: undefined }, "ENTRA_CONSENT_MISSING"],
    ["directory and app, and lacks a principal", { oid: undefined }, "ENTRA_PRINCIPAL_MISSING"],
  ])("is held to the %s it names", (_, claims, code) => {
    expect(verifyToken(tokenFor(custom, claims), custom)).toMatchObject({ ok: false, code });
  });
});
