import type { Protocol, Secret } from "@mailfleet/core";

/** What mailfleet proves to the login service that it is the app. Certificate and federated credentials come as further kinds. */
export interface SecretCredential {
  readonly kind: "secret";
  readonly secret: Secret;
}

export type EntraCredential = SecretCredential;

/** One tenant as the token source needs it. */
export interface EntraTenant {
  /** For messages only; never part of an identity (T20). */
  readonly alias: string;
  /** Directory id. */
  readonly tenantId: string;
  /** Application (client) id. */
  readonly clientId: string;
  readonly credential: EntraCredential;
  /** Base URL of the login service without the tenant, such as `https://login.microsoftonline.com`. https only. */
  readonly authority: string;
  /** True for a login service that is not Microsoft's: claims that its tokens do not have are then not asked for. */
  readonly isCustomAuthority: boolean;
  /** One scope, such as `https://outlook.office365.com/.default`. */
  readonly scope: string;
  /** Certificate authorities for this login service only, PEM; instead of the built-in ones. */
  readonly caPem?: string;
  /** What the tenant's mailboxes are read by; the token needs the role of at least one. */
  readonly protocols: readonly Protocol[];
}

/** The token endpoint of the v2.0 protocol (Microsoft identity platform, OAuth 2.0 client credentials flow). */
export function tokenEndpoint(tenant: Pick<EntraTenant, "authority" | "tenantId">): string {
  return `${baseOf(tenant.authority)}/${tenant.tenantId}/oauth2/v2.0/token`;
}

/** The authority as MSAL wants it: login service and tenant. */
export function tenantAuthority(tenant: Pick<EntraTenant, "authority" | "tenantId">): string {
  return `${baseOf(tenant.authority)}/${tenant.tenantId}`;
}

function baseOf(authority: string): string {
  return authority.replace(/\/+$/, "");
}
