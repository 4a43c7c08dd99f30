import { randomBytes } from "node:crypto";
import { type Config, type Environment, secretsOf } from "@mailfleet/config";
import { growingScrubber, type MailSource, type SharedTokenCache, type SharedTokenState, syncError } from "@mailfleet/core";
import { createKeyRing, createTokenSource, type EntraTokenSource, openTenantBook, type TenantBook } from "@mailfleet/entra";
import { createImapSource, type ImapEndpoint } from "@mailfleet/imap";
import { boundedLookUp, systemChance, systemClock } from "@mailfleet/runtime";
import { silentLog } from "./wire.ts";

/** Tokens and mail of all tenants, for a verb that looks once. */
export interface TenantAccess {
  readonly tenants: TenantBook;
  readonly scrub: (text: string) => string;
  readonly tokens: EntraTokenSource;
  readonly mail: MailSource;
  close(): Promise<void>;
}

/** Tokens are asked for anew and kept in this process only: a try must not read a good one that the fleet got an hour ago. */
export async function openAccess(config: Config, env: Environment): Promise<TenantAccess> {
  const { scrub, hide } = growingScrubber(secretsOf(config));
  const tenants = await openTenantBook({ tenants: config.tenants, env, clock: systemClock, log: silentLog, hide });
  const keyRing = createKeyRing([randomBytes(32)]);
  const tokens = createTokenSource({
    tenants: tenants.tenant,
    cache: memoryCache(),
    keyRing: () => keyRing,
    clock: systemClock,
    chance: systemChance,
    log: silentLog,
    scrub,
  });
  const endpoint = (alias: string): ImapEndpoint => {
    const imap = config.tenants[alias]?.endpoints.imap;
    const ca = tenants.caPem(alias);
    if (!imap) throw syncError("CONFIG_INVALID", `tenants.${alias}.endpoints has no imap.`, { layer: "engine" });
    return { ...imap, ...(ca !== undefined && { ca }) };
  };
  return {
    tenants,
    scrub,
    tokens,
    mail: createImapSource({ endpoint, log: silentLog, scrub, clock: systemClock, lookUp: boundedLookUp() }),
    close: () => tokens.close(),
  };
}

/** For one look: nothing lives long enough to expire, and nobody else asks. */
function memoryCache(): SharedTokenCache {
  const states = new Map<string, Omit<SharedTokenState, "at">>();
  return {
    read: async (identity) => ({ ...states.get(identity), at: systemClock.now() }),
    putToken: async (identity, sealed) => void states.set(identity, { sealed }),
    putFailure: async (identity, failure) => void states.set(identity, { ...states.get(identity), failure }),
    clearFailure: async (identity) => void states.delete(identity),
    tryLock: async () => true,
    unlock: async () => undefined,
  };
}
