import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Config, secretsOf, type TenantConfig } from "@mailfleet/config";
import { createScrubber, type MailSource, type SharedTokenCache, type SharedTokenState, syncError } from "@mailfleet/core";
import { createKeyRing, createTokenSource, type EntraTenant, type EntraTokenSource } from "@mailfleet/entra";
import { createImapSource, type ImapEndpoint } from "@mailfleet/imap";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { silentLog } from "./wire.ts";

/** Tokens and mail of all tenants, for a verb that looks once. */
export interface TenantAccess {
  readonly tokens: EntraTokenSource;
  readonly mail: MailSource;
  close(): Promise<void>;
}

/** Tokens are asked for anew and kept in this process only: a try must not read a good one that the fleet got an hour ago. */
export async function openAccess(config: Config): Promise<TenantAccess> {
  const cas = new Map<string, string>();
  for (const { alias, endpoints } of Object.values(config.tenants)) {
    if (endpoints.caFile !== undefined) cas.set(alias, await readFile(endpoints.caFile, "utf8"));
  }
  const keyRing = createKeyRing([randomBytes(32)]);
  const scrub = createScrubber(secretsOf(config));
  const tokens = createTokenSource({
    tenants: (alias) =>
      Object.hasOwn(config.tenants, alias) ? entraTenant(config.tenants[alias] as TenantConfig, cas.get(alias)) : undefined,
    cache: memoryCache(),
    keyRing: () => keyRing,
    clock: systemClock,
    chance: systemChance,
    log: silentLog,
    scrub,
  });
  const endpoint = (alias: string): ImapEndpoint => {
    const imap = config.tenants[alias]?.endpoints.imap;
    const ca = cas.get(alias);
    if (!imap) throw syncError("CONFIG_INVALID", `tenants.${alias}.endpoints has no imap.`, { layer: "engine" });
    return { ...imap, ...(ca !== undefined && { ca }) };
  };
  return { tokens, mail: createImapSource({ endpoint, log: silentLog, scrub, clock: systemClock }), close: () => tokens.close() };
}

/** @throws SyncError CONFIG_INVALID */
export function entraTenant(tenant: TenantConfig, ca: string | undefined): EntraTenant {
  const { alias, tenantId, clientId, credential, endpoints, cloud } = tenant;
  if (credential.kind !== "secret") {
    throw syncError(
      "CONFIG_INVALID",
      `tenants.${alias}.credential: this version logs in with a client secret, not with ${credential.kind}.`,
      { layer: "engine" },
    );
  }
  return {
    alias,
    tenantId,
    clientId,
    credential: { kind: "secret", secret: credential.secret },
    authority: endpoints.authority,
    isCustomAuthority: cloud === "custom",
    scope: endpoints.scope,
    ...(ca !== undefined && { caPem: ca }),
    protocols: ["imap"],
  };
}

/** For one look: nothing lives long enough to expire, and nobody else asks. */
function memoryCache(): SharedTokenCache {
  const states = new Map<string, SharedTokenState>();
  return {
    read: async (identity) => states.get(identity) ?? {},
    putToken: async (identity, sealed) => void states.set(identity, { sealed }),
    putFailure: async (identity, failure) => void states.set(identity, { ...states.get(identity), failure }),
    clearFailure: async (identity) => void states.delete(identity),
    tryLock: async () => true,
    unlock: async () => undefined,
  };
}
