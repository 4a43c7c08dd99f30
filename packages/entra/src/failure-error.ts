import { type ErrorFacts, limits, type SyncError, syncError } from "@mailfleet/core";
import type { TokenFailureCode } from "./classify-token-error.ts";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import type { TokenFailure } from "./token-failure.ts";

/** Beyond it a signed assertion is refused: Entra allows five minutes. Below a minute it is ordinary drift. */
const skewToldMs = 60_000;

/**
 * The error that callers get: what happened, to whom, what mailfleet does next, what the operator can do.
 * @param next how the next credential fared, where it was tried in vain
 */
export function failureError(failure: TokenFailure, tenant: EntraTenant, now: number, next?: TokenFailure): SyncError {
  const waitMs = Math.max(0, Math.min(failure.until, next?.until ?? Infinity) - now);
  const { code, facts } = failure;
  const also = next ? ` The next credential is refused as well${markOf(next.facts)}.` : "";
  const message = `Tenant ${tenant.alias}: ${happened(facts, code, tenant)}.${also} mailfleet asks again in ${spanOf(waitMs)}.${advice(code, facts, tenant)}`;
  const clamped = waitMs > 0 ? Math.min(Math.max(waitMs, limits.hintMinMs), limits.hintMaxMs) : undefined;
  return syncError(code, message, { ...facts, ...(clamped !== undefined && { hintMs: clamped }) });
}

function markOf(facts: ErrorFacts): string {
  const mark = facts.number !== undefined ? `AADSTS${facts.number}` : [facts.httpStatus, facts.code].filter(Boolean).join(" ");
  return mark === "" ? "" : ` (${mark})`;
}

function happened(facts: ErrorFacts, code: TokenFailureCode, tenant: EntraTenant): string {
  const host = serviceOf(tenant);
  const why = markOf(facts);
  const { kind } = tenant.credential;
  switch (code) {
    case "ENTRA_CREDENTIAL_INVALID":
      return kind === "managedIdentity"
        ? `${host} has no such managed identity${why}`
        : `${host} refuses the ${words[kind]} of application ${tenant.clientId}${why}`;
    case "ENTRA_CREDENTIAL_EXPIRED":
      return `the ${words[kind]} of application ${tenant.clientId} has expired${why}`;
    case "ENTRA_APP_UNKNOWN":
      return `application ${tenant.clientId} is not known or not enabled in directory ${tenant.tenantId}${why}`;
    case "ENTRA_TENANT_UNKNOWN":
      return `${host} does not know directory ${tenant.tenantId}${why}`;
    case "ENTRA_PRINCIPAL_MISSING":
      return `application ${tenant.clientId} has no service principal in directory ${tenant.tenantId}${why}`;
    case "ENTRA_CLOCK_WRONG":
      return `${host} says that the signed assertion is outside its time window${why}${skewWords(facts)}`;
    case "ENTRA_SCOPE_INVALID":
      return `${host} does not accept the scope ${tenant.scope} in this directory${why}`;
    case "ENTRA_CONSENT_MISSING":
      return facts.text ?? `consent for application ${tenant.clientId} is missing${why}`;
    case "ENTRA_TOKEN_MISMATCH":
      return facts.text ?? `the token is not the one that was asked for${why}`;
    case "ENTRA_ACCESS_BLOCKED":
      return `a policy of the directory blocks application ${tenant.clientId}${why}`;
    case "ENTRA_THROTTLED":
      return `${host} asks for fewer token requests${why}`;
    case "ENTRA_UNAVAILABLE":
      return `${host} gives no usable answer to a token request${why}`;
    case "UNCLASSIFIED":
      return `${host} refuses the token request for a reason that mailfleet does not know${why}`;
  }
}

const words: Record<EntraCredential["kind"], string> = {
  secret: "client secret",
  certificate: "certificate",
  federated: "federated token",
  managedIdentity: "managed identity",
};

function serviceOf({ credential, authority }: EntraTenant): string {
  if (credential.kind === "managedIdentity") return "the identity endpoint of this machine";
  return URL.canParse(authority) ? new URL(authority).host : "the login service";
}

function advice(code: TokenFailureCode, facts: ErrorFacts, tenant: EntraTenant): string {
  const { kind } = tenant.credential;
  switch (code) {
    case "ENTRA_CREDENTIAL_INVALID":
      return credentialAdvice[kind];
    case "ENTRA_CREDENTIAL_EXPIRED":
      return " Make a new credential in the app registration and store it; it is used within a minute.";
    case "ENTRA_APP_UNKNOWN":
      return " Check clientId and tenantId, and give admin consent in that directory.";
    case "ENTRA_TENANT_UNKNOWN":
      return " Check tenantId and cloud.";
    case "ENTRA_PRINCIPAL_MISSING":
      return " Create the enterprise application there by giving admin consent in that directory.";
    case "ENTRA_CLOCK_WRONG":
      return kind === "federated" && !isSkewed(facts)
        ? " The token in the file has ended: see to whoever writes it. This machine's clock is right."
        : " Set this machine's clock; NTP keeps it right.";
    case "ENTRA_SCOPE_INVALID":
      return " Use https://outlook.office365.com/.default, or the scope of your cloud; the directory needs Exchange Online.";
    case "ENTRA_CONSENT_MISSING":
      return " Add the application permission IMAP.AccessAsApp or POP.AccessAsApp of Office 365 Exchange Online and give admin consent.";
    case "ENTRA_TOKEN_MISMATCH":
      return " Check tenantId, clientId, scope and the login service; no mailbox is opened with this token.";
    case "ENTRA_ACCESS_BLOCKED":
      return ` Allow this machine's address in the Conditional Access policy for workload identities, or exclude the app.${said(facts)}`;
    case "ENTRA_THROTTLED":
      return "";
    case "ENTRA_UNAVAILABLE":
      return unavailableAdvice(facts, kind);
    case "UNCLASSIFIED":
      return said(facts);
  }
}

const credentialAdvice: Record<EntraCredential["kind"], string> = {
  secret: " Check that the secret's Value, not its ID, is stored without anything behind it; a new secret can take minutes to work.",
  certificate: " Upload the public certificate to the app registration, and compare its SHA-256 thumbprint with that of certFile.",
  federated: " Compare issuer, subject and audience of the token with the federated credential of the app registration.",
  managedIdentity: " Assign the identity to this machine, and check managedIdentity.clientId.",
};

function said(facts: ErrorFacts): string {
  return facts.text === undefined ? "" : ` It says: ${facts.text}`;
}

function isSkewed({ skewMs }: ErrorFacts): boolean {
  return skewMs !== undefined && Math.abs(skewMs) > skewToldMs;
}

function skewWords(facts: ErrorFacts): string {
  const { skewMs = 0 } = facts;
  return isSkewed(facts) ? `: this machine's clock is ${spanOf(Math.abs(skewMs))} ${skewMs > 0 ? "ahead of" : "behind"} its` : "";
}

function unavailableAdvice(facts: ErrorFacts, kind: EntraCredential["kind"]): string {
  if (facts.code === "REDIRECT")
    return " It answered with a redirect, which is not followed: something stands between, or the authority is wrong.";
  if (facts.layer === "tls") return " Its certificate is not trusted here: check caFile, TLS inspection and the clock.";
  if (kind === "managedIdentity") return " Only machines in Azure have one; a token that is still valid stays in use.";
  if (facts.layer === "network") return " Check firewall, proxy and name service; a token that is still valid stays in use.";
  return " Check the service's health and any proxy between; a token that is still valid stays in use.";
}

function spanOf(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
