import type { SharedTokenCache } from "@mailfleet/core";
import type { EntraTenant } from "./entra-tenant.ts";
import { credentialIdentity } from "./token-identity.ts";

/**
 * Lets the fleet ask the login service at once, whatever the tenant's credentials met last: for an operator who has mended the reason.
 * @throws SyncError REDIS_UNAVAILABLE
 */
export async function forgetFailures(tenant: EntraTenant, cache: SharedTokenCache): Promise<void> {
  const { credential, nextCredential } = tenant;
  for (const one of nextCredential ? [credential, nextCredential] : [credential])
    await cache.clearFailure(await credentialIdentity(tenant, one));
}
