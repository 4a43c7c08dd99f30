import {
  type AccessToken,
  type Chance,
  type Clock,
  type CredentialNote,
  isSyncError,
  type Log,
  type SharedTokenCache,
  syncError,
  type TokenSource,
} from "@mailfleet/core";
import type { EntraTenant } from "./entra-tenant.ts";
import { QuietLog } from "./quiet-log.ts";
import { loadWire, requestToken } from "./request-token.ts";
import type { KeyRing } from "./seal-token.ts";
import { SharedMemory } from "./shared-memory.ts";
import { credentialIdentity, tenantVersion, tokenIdentity } from "./token-identity.ts";
import { interrupted, TokenKeeper, type TokenKeeperDeps } from "./token-keeper.ts";
import { startTokenStats, type TokenStats } from "./token-stats.ts";

export interface TokenSourceDeps {
  /** Asked on every call, so that a changed credential is used at once. */
  readonly tenants: (alias: string) => EntraTenant | undefined;
  readonly cache: SharedTokenCache;
  /** Asked on every use, so that keys can be changed under load. */
  readonly keyRing: () => KeyRing;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Masks the process' live secrets in texts of the login service; the tenant's own credential is masked anyway. */
  readonly scrub: (text: string) => string;
  /** Told how a credential fared. Must not throw. */
  readonly onTried?: (note: CredentialNote) => void;
  /** One token request, whole. Default `limits.tokenRequestMs`. */
  readonly requestMs?: number;
}

export interface EntraTokenSource extends TokenSource {
  stats(): Readonly<TokenStats>;
  /** Names the credentials that the tenant's token is asked for with, and tells nothing about them: others have other names. */
  identityOf(tenant: string): Promise<string | undefined>;
  /**
   * For a process that is about to ask: derives the name of the tenant's credential, and reads the code that requests are made with unless
   * the fleet has a token. Resolves in any case; what goes wrong is told by whoever asks for a token.
   */
  readAhead(tenant: string): Promise<void>;
  /** Ends what is under way. Later calls throw INTERRUPTED. */
  close(): Promise<void>;
}

interface KnownTenant {
  /** As it is now; replaced when only its credentials changed, so that those who wait go on waiting. */
  tenant: EntraTenant;
  readonly version: string;
  readonly keeper: TokenKeeper;
}

/** App-only tokens for all tenants of a process, shared with the fleet. See TokenKeeper for the order of things. */
export function createTokenSource(deps: TokenSourceDeps): EntraTokenSource {
  const stats = startTokenStats();
  const quiet = new QuietLog(deps.log, deps.clock);
  const known = new Map<string, KnownTenant>();
  let isClosed = false;

  function know(tenant: EntraTenant, version: string): KnownTenant {
    const { cache, keyRing, clock, chance, log, scrub, requestMs } = deps;
    const memory = new SharedMemory(tokenIdentity(tenant), tenant.alias, { cache, keyRing, clock, quiet, scrub, stats });
    const request: TokenKeeperDeps["request"] = (now, credential, signal) =>
      requestToken(now, credential, { clock, chance, scrub, ...(requestMs !== undefined && { requestMs }) }, signal);
    const keeper = new TokenKeeper({
      tenant: () => entry.tenant,
      memory,
      request,
      clock,
      chance,
      log,
      quiet,
      stats,
      onTried: deps.onTried,
    });
    const entry: KnownTenant = { tenant, version, keeper };
    return entry;
  }

  /** One keeper per alias: two aliases of one identity share through the cache, like two processes. */
  function keeperOf(tenant: EntraTenant): TokenKeeper {
    const before = known.get(tenant.alias);
    if (before?.tenant === tenant) return before.keeper;
    const version = tenantVersion(tenant);
    if (before?.version === version) {
      before.tenant = tenant;
      return before.keeper;
    }
    const entry = know(tenant, version);
    known.set(tenant.alias, entry);
    // Callers that wait in the old keeper get INTERRUPTED and come back with the new settings.
    if (before) void before.keeper.close().catch(() => undefined);
    return entry.keeper;
  }

  return {
    async getToken(alias, options = {}) {
      const { rejected, signal } = options;
      if (isClosed || signal?.aborted) throw reasonOf(signal, alias);
      const tenant = deps.tenants(alias);
      if (!tenant) {
        throw syncError("CONFIG_INVALID", `Tenant ${alias} is not in the configuration. Add it, or remove its mailboxes.`, {
          layer: "entra",
        });
      }
      const token = keeperOf(tenant).get(rejected);
      return signal ? await orAbort(token, signal, alias) : await token;
    },
    stats: () => ({ ...stats }),
    async identityOf(alias) {
      try {
        const tenant = deps.tenants(alias);
        if (!tenant) return undefined;
        const { credential, nextCredential } = tenant;
        const all = nextCredential ? [credential, nextCredential] : [credential];
        return (await Promise.all(all.map((one) => credentialIdentity(tenant, one)))).join(".");
      } catch (error) {
        // Its files cannot be used just now: it has no credential that could be tried.
        if (isSyncError(error)) return undefined;
        throw error;
      }
    },
    async readAhead(alias) {
      try {
        const tenant = deps.tenants(alias);
        if (!tenant) return;
        const readWire = async (): Promise<unknown> => (await deps.cache.read(tokenIdentity(tenant))).sealed === undefined && loadWire();
        await Promise.all([credentialIdentity(tenant, tenant.credential), readWire()]);
      } catch {
        // Nothing was asked for yet.
      }
    },
    async close() {
      isClosed = true;
      await Promise.allSettled([...known.values()].map(({ keeper }) => keeper.close()));
      known.clear();
    },
  };
}

/** The caller leaves; the request goes on for the others. */
function orAbort(work: Promise<AccessToken>, signal: AbortSignal, alias: string): Promise<AccessToken> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(reasonOf(signal, alias));
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function reasonOf(signal: AbortSignal | undefined, alias: string): Error {
  return isSyncError(signal?.reason) ? signal.reason : interrupted(alias);
}
