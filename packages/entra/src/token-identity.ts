import { createHash, scrypt } from "node:crypto";
import type { EntraTenant } from "./entra-tenant.ts";

/**
 * The name under which the fleet shares a tenant's token: 64 hex digits over everything that makes the token what it is, never
 * over the alias (T20). Another directory, app, scope, credential or role wanted is another identity, with a cache and a failure
 * memory of its own: a changed credential is tried at once.
 */
export async function tokenIdentity(tenant: EntraTenant): Promise<string> {
  const fingerprint = await credentialFingerprint(tenant);
  return digest([
    "mailfleet.token-identity/1",
    tenant.authority.replace(/\/+$/, "").toLowerCase(),
    tenant.tenantId.toLowerCase(),
    tenant.clientId.toLowerCase(),
    tenant.scope,
    [...new Set(tenant.protocols)].sort().join(","),
    tenant.isCustomAuthority ? "custom" : "microsoft",
    fingerprint,
  ]);
}

/** Changes whenever the tenant's settings do. Quick, and for this process' memory only: it must not be stored. */
export function tenantVersion(tenant: EntraTenant): string {
  const { alias, authority, tenantId, clientId, scope, isCustomAuthority, caPem = "", protocols, credential } = tenant;
  return digest([
    alias,
    authority,
    tenantId,
    clientId,
    scope,
    String(isCustomAuthority),
    caPem,
    protocols.join(","),
    credential.kind,
    credential.secret.reveal(),
  ]);
}

/**
 * Identities stand in Redis as names of keys. Microsoft's secrets are random, but those of a custom service may be words:
 * a slow hash, salted per app, keeps them from being guessed by whoever can list the keys.
 */
function credentialFingerprint(tenant: EntraTenant): Promise<string> {
  const salt = `mailfleet/${tenant.tenantId.toLowerCase()}/${tenant.clientId.toLowerCase()}`;
  return new Promise((resolve, reject) => {
    scrypt(tenant.credential.secret.reveal(), salt, 32, { N: 8192, r: 8, p: 1 }, (error, key) => {
      if (error) reject(error);
      else resolve(`${tenant.credential.kind}:${key.toString("hex")}`);
    });
  });
}

/** Length before each part, so that no two lists give the same text. */
function digest(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
