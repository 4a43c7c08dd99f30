import { type AccessToken, type MailSource, Secret, type SyncError, syncError, type TokenSource } from "@mailfleet/core";
import { expect, test } from "vitest";
import { openSession } from "./open-session.ts";

const mailbox = { tenant: "contoso", address: "hr@contoso.com", protocol: "imap" } as const;
const token: AccessToken = { value: new Secret("a-token-of-contoso"), expiresAt: 3_600_000 };
const refusal = syncError("TOKEN_REJECTED", "hr@contoso.com: the mail server refused the token.", {
  layer: "imap",
  responseStatus: "NO",
  text: "AUTHENTICATE failed.",
});
const refusing: MailSource = { open: () => Promise.reject(refusal) };
const open = (tokens: TokenSource): Promise<unknown> =>
  openSession({ tokens, mail: refusing }, mailbox, new AbortController().signal).catch((error: unknown) => error);
const renewing = (error: SyncError): TokenSource => ({
  getToken: (_, options) => (options?.rejected === undefined ? Promise.resolve(token) : Promise.reject(error)),
});

test("a refusal by the mail server stays in its own words where the token was renewed a moment ago", async () => {
  const tooSoon = syncError("TOKEN_REJECTED", "Tenant contoso: the mail server refuses a token that was just renewed.", {
    layer: "entra",
    code: "RENEWED_TOKEN_REFUSED",
  });
  expect(await open(renewing(tooSoon))).toBe(refusal);
});

test("a renewal that the login service refuses is told as what it is", async () => {
  const expired = syncError("ENTRA_CREDENTIAL_EXPIRED", "Tenant contoso: the client secret has expired.", { layer: "entra" });
  expect(await open(renewing(expired))).toBe(expired);
});
