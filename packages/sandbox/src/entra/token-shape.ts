import type { FaultBook } from "../faults/fault-book.ts";
import type { DirectoryTenant } from "./directory.ts";
import type { IssueOptions, TokenIssuer } from "./token-issuer.ts";

export interface GrantRequest {
  readonly tenant: DirectoryTenant;
  readonly audience: string;
  /** The server's clock, ms since 1970. */
  readonly now: number;
  readonly lifetimeSeconds: number;
  readonly kind: IssueOptions["kind"];
}

export interface GrantContext {
  readonly issuer: TokenIssuer;
  readonly tenants: readonly DirectoryTenant[];
  readonly faults: Pick<FaultBook, "strike">;
}

/** A token as it is given, and what the answer says about it. */
export interface Grant {
  readonly accessToken: string;
  readonly lifetimeSeconds: number;
  /** Absent where the answer has no refresh_in. */
  readonly refreshInSeconds?: number;
  readonly areNumbersTexts: boolean;
}

/** Makes the token, with whatever is wrong with it now. */
export async function grantToken({ issuer, tenants, faults }: GrantContext, request: GrantRequest): Promise<Grant> {
  const place = { tenant: request.tenant.alias };
  const lifetimeSeconds = faults.strike("token-lifetime", place)?.number("seconds") ?? request.lifetimeSeconds;
  const other = faults.strike("token-of-other-tenant", place);
  const tenant = other ? otherTenant(request.tenant, other.word("other"), tenants) : request.tenant;
  const onlyRole = faults.strike("token-role", place)?.word("protocol");
  const accessToken = await issuer.issue(tenant, faults.strike("token-audience", place)?.word("audience") ?? request.audience, {
    now: request.now,
    lifetimeSeconds,
    kind: request.kind,
    ...(onlyRole !== undefined && { roles: [onlyRole === "imap" ? "IMAP.AccessAsApp" : "POP.AccessAsApp"] }),
    ...(faults.strike("token-without-roles", place) && { roles: [] }),
    ...(faults.strike("token-delegated", place) && { isDelegated: true }),
    ...(faults.strike("token-without-oid", place) && { hasOid: false }),
  });
  const refresh = faults.strike("token-refresh-in", place)?.number("seconds");
  return {
    accessToken,
    lifetimeSeconds,
    ...(refresh !== undefined && { refreshInSeconds: refresh === 0 ? Math.floor(lifetimeSeconds / 2) : refresh }),
    areNumbersTexts: faults.strike("token-numbers-as-strings", place) !== undefined,
  };
}

/** The body of a 200. One second less than the lifetime, as Entra counts from its own clock. */
export function grantBody({ accessToken, lifetimeSeconds, refreshInSeconds, areNumbersTexts }: Grant): object {
  const count = (seconds: number): number | string => (areNumbersTexts ? String(seconds) : seconds);
  return {
    token_type: "Bearer",
    expires_in: count(lifetimeSeconds - 1),
    ext_expires_in: count(lifetimeSeconds - 1),
    ...(refreshInSeconds !== undefined && { refresh_in: count(refreshInSeconds) }),
    access_token: accessToken,
  };
}

/** By alias, else the one behind it; a sandbox of one tenant has a stranger for that. */
function otherTenant(tenant: DirectoryTenant, alias: string, tenants: readonly DirectoryTenant[]): DirectoryTenant {
  const named = tenants.find((one) => one.alias === alias);
  const next = tenants[(tenants.indexOf(tenant) + 1) % tenants.length];
  if (named) return named;
  if (next && next !== tenant) return next;
  const flip = (id: string): string => `${id.startsWith("0") ? "1" : "0"}${id.slice(1)}`;
  return { ...tenant, tenantId: flip(tenant.tenantId), clientId: flip(tenant.clientId), objectId: flip(tenant.objectId) };
}
