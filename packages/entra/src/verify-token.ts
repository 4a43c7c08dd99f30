import type { FailureCode, Protocol } from "@mailfleet/core";
import type { EntraTenant } from "./entra-tenant.ts";

/** What a token says about itself, as far as it can be read. */
export interface TokenClaims {
  readonly tid?: string;
  /** `appid` of v1.0 tokens, `azp` of v2.0 ones. */
  readonly clientId?: string;
  readonly audience?: readonly string[];
  readonly roles?: readonly string[];
  /** Object id of the service principal: what Exchange wants to be told. */
  readonly oid?: string;
  /** Delegated permissions: the token speaks for a user. */
  readonly scp?: string;
  /** Epoch ms. */
  readonly expiresAt?: number;
  readonly issuedAt?: number;
  /** `app` or `user`, where the token says it. */
  readonly idType?: string;
}

export type TokenVerdict =
  /** `missingRoles`: protocols that this token can't read, though others it can. */
  | { readonly ok: true; readonly missingRoles: readonly string[] }
  | {
      readonly ok: false;
      readonly code: Extract<FailureCode, "ENTRA_TOKEN_MISMATCH" | "ENTRA_CONSENT_MISSING" | "ENTRA_PRINCIPAL_MISSING">;
      /** Names the claim and both values; not scrubbed. */
      readonly detail: string;
    };

const roleOf: Record<Protocol, string> = { imap: "IMAP.AccessAsApp", pop3: "POP.AccessAsApp" };

/** Exchange Online as `aud` names it: by application id, or mirrored from the scope. */
const exchangeAppId = "00000002-0000-0ff1-ce00-000000000000";
const exchangeHosts = new Set([
  "outlook.office365.com",
  "outlook.office.com",
  "ps.outlook.com",
  "outlook.office365.us",
  "outlook-dod.office365.us",
  "partner.outlook.cn",
]);

/**
 * The payload of a JWT, or undefined for a token that is none. For diagnosis and for T09 only: whether the token is genuine is for
 * the mail server to check, the key that signs it is not ours to trust or doubt.
 */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8"));
    if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return undefined;
    const { tid, appid, azp, aud, roles, oid, scp, exp, iat, idtyp } = payload as Record<string, unknown>;
    const client = typeof appid === "string" ? appid : azp;
    const audience = typeof aud === "string" ? [aud] : strings(aud);
    const roleList = strings(roles);
    return {
      ...(typeof tid === "string" && { tid }),
      ...(typeof client === "string" && { clientId: client }),
      ...(audience && { audience }),
      ...(roleList && { roles: roleList }),
      ...(typeof oid === "string" && { oid }),
      ...(typeof scp === "string" && { scp }),
      ...(isSeconds(exp) && { expiresAt: exp * 1000 }),
      ...(isSeconds(iat) && { issuedAt: iat * 1000 }),
      ...(typeof idtyp === "string" && { idType: idtyp }),
    };
  } catch {
    return undefined;
  }
}

/**
 * Is this the token that was asked for (T09)? Microsoft's clouds must name directory, app, Exchange and a role; a custom service is
 * held to what its token names, and an opaque token of one passes.
 */
export function verifyToken(token: string, tenant: EntraTenant): TokenVerdict {
  const claims = readTokenClaims(token);
  const isStrict = !tenant.isCustomAuthority;
  if (!claims) {
    return isStrict ? mismatch("the answer is not a token that Microsoft Entra issues: it is no JWT") : { ok: true, missingRoles: [] };
  }
  const { tid, clientId, audience, roles } = claims;
  if (isStrict ? tid === undefined || !same(tid, tenant.tenantId) : tid !== undefined && !same(tid, tenant.tenantId)) {
    return mismatch(`the token is for directory ${tid ?? "(none)"}, the configuration says ${tenant.tenantId}`);
  }
  if (isStrict ? clientId === undefined || !same(clientId, tenant.clientId) : clientId !== undefined && !same(clientId, tenant.clientId)) {
    return mismatch(`the token is for application ${clientId ?? "(none)"}, the configuration says ${tenant.clientId}`);
  }
  if (isStrict ? !audience?.some(isExchange) : audience !== undefined && !isCustomAudience(audience, tenant.scope)) {
    const named = audience?.map((entry) => (isGraph(entry) ? `Microsoft Graph (${entry})` : entry)).join(", ");
    return mismatch(`the token is for ${named ?? "(no audience)"}, the scope ${tenant.scope} asks for a mail service`);
  }
  // A custom service that names directory and app issues tokens as Microsoft does, and is held to the rest as well.
  return isStrict || (tid !== undefined && clientId !== undefined) ? verifyGrant(claims, tenant) : verifyRoles(roles, tenant, false);
}

function verifyGrant({ scp, oid, roles }: TokenClaims, tenant: EntraTenant): TokenVerdict {
  if (scp !== undefined && roles === undefined) {
    const detail = `the token is a delegated one (scp ${scp}), it needs the application permission ${wantedRoles(tenant).join(" or ")}`;
    return { ok: false, code: "ENTRA_CONSENT_MISSING", detail };
  }
  if (oid === undefined) {
    const detail = `the token names no service principal (no oid): application ${tenant.clientId} has none in directory ${tenant.tenantId}`;
    return { ok: false, code: "ENTRA_PRINCIPAL_MISSING", detail };
  }
  return verifyRoles(roles, tenant, true);
}

function wantedRoles(tenant: EntraTenant): readonly string[] {
  return [...new Set(tenant.protocols)].map((protocol) => roleOf[protocol]);
}

function verifyRoles(roles: readonly string[] | undefined, tenant: EntraTenant, isRequired: boolean): TokenVerdict {
  const wanted = wantedRoles(tenant);
  if (roles === undefined && !isRequired) return { ok: true, missingRoles: [] };
  const missingRoles = wanted.filter((role) => !roles?.includes(role));
  if (missingRoles.length < wanted.length || wanted.length === 0) return { ok: true, missingRoles };
  const has = roles && roles.length > 0 ? `only ${roles.join(", ")}` : "no roles";
  return { ok: false, code: "ENTRA_CONSENT_MISSING", detail: `the token has ${has}, it needs ${wanted.join(" or ")}` };
}

function isSeconds(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && Math.abs(value) < 1e11;
}

function mismatch(detail: string): TokenVerdict {
  return { ok: false, code: "ENTRA_TOKEN_MISMATCH", detail };
}

function isGraph(audience: string): boolean {
  return (
    same(audience, "00000003-0000-0000-c000-000000000000") ||
    /^https:\/\/(?:dod-)?(?:graph\.microsoft\.(?:com|us)|microsoftgraph\.chinacloudapi\.cn)\/?$/i.test(audience)
  );
}

function isExchange(audience: string): boolean {
  if (same(audience, exchangeAppId)) return true;
  if (!URL.canParse(audience)) return false;
  const url = new URL(audience);
  return url.protocol === "https:" && url.port === "" && exchangeHosts.has(url.hostname);
}

/** The scope's resource, or Exchange. A scope that names no resource (such as `openid`) says nothing about the audience. */
function isCustomAudience(audience: readonly string[], scope: string): boolean {
  if (!scope.includes("/")) return true;
  const resource = withoutSlash(scope.replace(/\/\.default$/, ""));
  return audience.some((entry) => withoutSlash(entry) === resource || isExchange(entry));
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, "").toLowerCase();
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function strings(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : undefined;
}
