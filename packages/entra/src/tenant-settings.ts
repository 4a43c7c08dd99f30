import type { Protocol, Secret } from "@mailfleet/core";

/** A tenant as the configuration says it; the same shape as `TenantConfig` of the configuration, as far as it matters here. */
export interface TenantSettings {
  readonly alias: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly credential: CredentialSettings;
  readonly nextCredential?: CredentialSettings;
  readonly cloud: string;
  readonly endpoints: { readonly authority: string; readonly scope: string; readonly caFile?: string };
  /** For mailboxes that do not say. */
  readonly protocol: Protocol;
  /** Those that the configuration names; others may be registered. */
  readonly mailboxes?: readonly { readonly protocol: Protocol }[];
}

/** Files are absolute paths. */
export type CredentialSettings = (
  | { readonly kind: "secret"; readonly secret: Secret; readonly source: { readonly file: string } | { readonly env: string } }
  | { readonly kind: "certificate"; readonly keyFile: string; readonly certFile: string; readonly passphrase?: Secret }
  | { readonly kind: "federated"; readonly tokenFile: string }
  | { readonly kind: "managedIdentity"; readonly clientId?: string }
) & {
  /** Epoch ms. */
  readonly expiresAt?: number;
};

export function filesOf(settings: CredentialSettings): readonly string[] {
  switch (settings.kind) {
    case "secret":
      return "file" in settings.source ? [settings.source.file] : [];
    case "certificate":
      return [settings.keyFile, settings.certFile];
    case "federated":
      return [settings.tokenFile];
    case "managedIdentity":
      return [];
  }
}
