import { randomBytes } from "node:crypto";
import { type Config, type Environment, type MailEndpoint, secretsOf } from "@mailfleet/config";
import {
  byProtocol,
  growingScrubber,
  type MailSource,
  type Protocol,
  type SharedTokenCache,
  type SharedTokenState,
  syncError,
} from "@mailfleet/core";
import { createKeyRing, createTokenSource, type EntraTokenSource, openTenantBook, type TenantBook } from "@mailfleet/entra";
import { createImapSource } from "@mailfleet/imap";
import { createPop3Source } from "@mailfleet/pop3";
import { boundedLookUp, systemChance, systemClock } from "@mailfleet/runtime";
import { silentLog } from "./connect-fleet.ts";

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
  const endpointOf =
    (protocol: Protocol) =>
    (alias: string): MailEndpoint & { readonly ca?: string } => {
      const found = config.tenants[alias]?.endpoints[protocol];
      const ca = tenants.caPem(alias);
      if (!found) throw syncError("CONFIG_INVALID", `tenants.${alias}.endpoints has no ${protocol}.`, { layer: "engine" });
      return { ...found, ...(ca !== undefined && { ca }) };
    };
  const forMail = { log: silentLog, scrub, clock: systemClock, lookUp: boundedLookUp() };
  return {
    tenants,
    scrub,
    tokens,
    mail: byProtocol({
      imap: createImapSource({ ...forMail, endpoint: endpointOf("imap") }),
      pop3: createPop3Source({ ...forMail, endpoint: endpointOf("pop3"), quits: config.sync.pop3.quit }),
    }),
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
