import {
  type AccessToken,
  type Chance,
  type Clock,
  isSyncError,
  type Log,
  type SharedTokenCache,
  syncError,
  type TokenSource,
} from "@mailfleet/core";
import type { EntraTenant } from "./entra-tenant.ts";
import { QuietLog } from "./quiet-log.ts";
import { createTokenRequester } from "./request-token.ts";
import type { KeyRing } from "./seal-token.ts";
import { SharedMemory } from "./shared-memory.ts";
import { tenantVersion, tokenIdentity } from "./token-identity.ts";
import { interrupted, TokenKeeper } from "./token-keeper.ts";
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
  /** One token request, whole. Default `limits.tokenRequestMs`. */
  readonly requestMs?: number;
}

export interface EntraTokenSource extends TokenSource {
  stats(): Readonly<TokenStats>;
  /** Ends what is under way. Later calls throw INTERRUPTED. */
  close(): Promise<void>;
}

interface KnownTenant {
  readonly version: string;
  readonly keeper: Promise<TokenKeeper>;
}

/** App-only tokens for all tenants of a process, shared with the fleet. See TokenKeeper for the order of things. */
export function createTokenSource(deps: TokenSourceDeps): EntraTokenSource {
  const stats = startTokenStats();
  const quiet = new QuietLog(deps.log, deps.clock);
  const known = new Map<string, KnownTenant>();
  const keepers = new Set<TokenKeeper>();
  let isClosed = false;

  async function createKeeper(tenant: EntraTenant): Promise<TokenKeeper> {
    const { cache, keyRing, clock, chance, log, scrub, requestMs } = deps;
    const identity = await tokenIdentity(tenant);
    const memory = new SharedMemory(identity, tenant.alias, { cache, keyRing, clock, quiet, scrub, stats });
    const requester = createTokenRequester(tenant, { clock, chance, scrub, ...(requestMs !== undefined && { requestMs }) });
    const keeper = new TokenKeeper({ tenant, memory, requester, clock, chance, log, quiet, stats });
    keepers.add(keeper);
    // Closed while the identity was being computed.
    if (isClosed) await keeper.close();
    return keeper;
  }

  /** One keeper per alias: two aliases of one identity share through the cache, like two processes. */
  function keeperOf(tenant: EntraTenant): Promise<TokenKeeper> {
    const version = tenantVersion(tenant);
    const before = known.get(tenant.alias);
    if (before?.version === version) return before.keeper;
    const keeper = createKeeper(tenant);
    known.set(tenant.alias, { version, keeper });
    // A keeper that could not be made must not be what every later caller gets.
    keeper.catch(() => known.get(tenant.alias)?.keeper === keeper && known.delete(tenant.alias));
    if (before) void retire(before).catch(() => undefined);
    return keeper;
  }

  /** Callers that wait in the old keeper get INTERRUPTED and come back with the new settings. */
  async function retire(old: KnownTenant): Promise<void> {
    const keeper = await old.keeper;
    keepers.delete(keeper);
    await keeper.close();
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
      const keeper = keeperOf(tenant).then((found) => found.get(rejected));
      return signal ? await orAbort(keeper, signal, alias) : await keeper;
    },
    stats: () => ({ ...stats }),
    async close() {
      isClosed = true;
      await Promise.allSettled([...known.values()].map((entry) => entry.keeper));
      await Promise.allSettled([...keepers].map((keeper) => keeper.close()));
      known.clear();
      keepers.clear();
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
