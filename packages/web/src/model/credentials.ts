import type { CredentialItem } from "@mailfleet/core/console";

export const credentialKinds: Readonly<Record<CredentialItem["kind"], string>> = {
  secret: "client secret",
  certificate: "certificate",
  federated: "federated credential",
  managedIdentity: "managed identity",
};
