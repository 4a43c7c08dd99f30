import { createHash, scrypt } from "node:crypto";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";

/**
 * The name under which the fleet shares a tenant's token: 64 hex digits over everything that makes the token what it is, never over
 * the alias (T20), and not over the credential: a token that the old secret got is as good as one that the new secret gets.
 */
export function tokenIdentity(tenant: EntraTenant): string {
  return digest(["mailfleet.token-identity/2", ...identityParts(tenant)]);
}

const known = new WeakMap<EntraCredential, Map<string, Promise<string>>>();

/**
 * The name under which the fleet remembers how a credential fares: a changed one has no past and is tried at once. 64 hex digits,
 * computed once for each credential and app.
 */
export function credentialIdentity(tenant: EntraTenant, credential: EntraCredential): Promise<string> {
  const identity = tokenIdentity(tenant);
  const byTenant = known.get(credential) ?? new Map<string, Promise<string>>();
  known.set(credential, byTenant);
  const before = byTenant.get(identity);
  if (before) return before;
  const made = fingerprint(tenant, credential).then((print) => digest(["mailfleet.credential/1", identity, credential.kind, print]));
  byTenant.set(identity, made);
  return made;
}

/** Changes whenever the tenant's settings do, except for its credentials. For this process' memory only. */
export function tenantVersion(tenant: EntraTenant): string {
  return digest([tenant.alias, ...identityParts(tenant), tenant.caPem ?? ""]);
}

function identityParts(tenant: EntraTenant): readonly string[] {
  return [
    tenant.authority.replace(/\/+$/, "").toLowerCase(),
    tenant.tenantId.toLowerCase(),
    tenant.clientId.toLowerCase(),
    tenant.scope,
    [...new Set(tenant.protocols)].sort().join(","),
    tenant.isCustomAuthority ? "custom" : "microsoft",
  ];
}

/**
 * Identities stand in Redis as names of keys. Microsoft makes its secrets itself, 40 random characters, and a signed assertion can't be
 * guessed either. The secrets of a custom service may be words: a slow hash, salted per app, keeps them from being guessed by whoever
 * can list the keys. It takes 25 ms of a thread, which a fleet of a thousand tenants would feel.
 */
function fingerprint(tenant: EntraTenant, credential: EntraCredential): Promise<string> {
  switch (credential.kind) {
    case "secret": {
      const salt = `mailfleet/${tenant.tenantId.toLowerCase()}/${tenant.clientId.toLowerCase()}`;
      return tenant.isCustomAuthority
        ? slowHash(credential.secret.reveal(), salt)
        : Promise.resolve(digest([salt, credential.secret.reveal()]));
    }
    case "certificate":
      return Promise.resolve(credential.thumbprint.toLowerCase());
    case "federated":
      return Promise.resolve(digest([credential.assertion.reveal()]));
    case "managedIdentity":
      return Promise.resolve(credential.clientId?.toLowerCase() ?? "system");
  }
}

function slowHash(secret: string, salt: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, { N: 8192, r: 8, p: 1 }, (error, key) => {
      if (error) reject(error);
      else resolve(key.toString("hex"));
    });
  });
}

/** Length before each part, so that no two lists give the same text. */
export function digest(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
