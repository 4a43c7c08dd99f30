import type { Protocol, Secret } from "@mailfleet/core";

/** What mailfleet proves to the login service that it is the app. */
export type EntraCredential = (SecretCredential | CertificateCredential | FederatedCredential | ManagedIdentityCredential) & {
  /** Epoch ms, where it is known when it dies. */
  readonly expiresAt?: number;
};

export interface SecretCredential {
  readonly kind: "secret";
  readonly secret: Secret;
}

/** The assertion is signed with PS256 and names the certificate by `x5t#S256` (RFC 7515 4.1.8). */
export interface CertificateCredential {
  readonly kind: "certificate";
  /** SHA-256 of the certificate, 64 hex digits. */
  readonly thumbprint: string;
  /** RSA, PKCS #8, PEM, not encrypted. */
  readonly privateKey: Secret;
}

/** A token of another identity provider that the app's registration trusts (RFC 7523 2.2). It ends within hours: whoever writes it writes a new one. */
export interface FederatedCredential {
  readonly kind: "federated";
  readonly assertion: Secret;
}

/** The identity of the Azure machine that this runs on. No secret; the machine's own endpoint gives tokens. */
export interface ManagedIdentityCredential {
  readonly kind: "managedIdentity";
  /** Of a user-assigned identity. */
  readonly clientId?: string;
  readonly endpoint: IdentityEndpoint;
}

/** Where a machine's managed identity is asked for: `imds` for virtual machines and AKS, `app-service` also for Container Apps. */
export interface IdentityEndpoint {
  readonly kind: "imds" | "app-service";
  readonly url: string;
  /** What App Service wants to hear as X-IDENTITY-HEADER. */
  readonly header?: Secret;
}

/** One tenant as the token source needs it. */
export interface EntraTenant {
  /** For messages only; never part of an identity (T20). */
  readonly alias: string;
  /** Directory id. */
  readonly tenantId: string;
  /** Application (client) id. */
  readonly clientId: string;
  readonly credential: EntraCredential;
  /** Used when the first one is refused as wrong or over, or is about to end. */
  readonly nextCredential?: EntraCredential;
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
