import { createHash } from "node:crypto";
import {
  type AccessToken,
  type Chance,
  type Clock,
  type CredentialNote,
  isSyncError,
  type Log,
  Secret,
  type SyncError,
  syncError,
} from "@mailfleet/core";
import { blockedBy, type CredentialRole, rankCredentials } from "./credential-order.ts";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { failureError } from "./failure-error.ts";
import type { QuietLog } from "./quiet-log.ts";
import type { TokenRequestResult } from "./request-token.ts";
import type { TokenRecord } from "./seal-token.ts";
import type { Remembered, SharedMemory } from "./shared-memory.ts";
import { isCredentialsFault, nextFailure, type TokenFailure } from "./token-failure.ts";
import { credentialIdentity } from "./token-identity.ts";
import { refreshAt, renewableFrom, usableMarginMs } from "./token-schedule.ts";
import type { TokenStats } from "./token-stats.ts";

export interface TokenKeeperDeps {
  /** As it is now: credentials change while tokens live on. */
  readonly tenant: () => EntraTenant;
  readonly memory: SharedMemory;
  /** Never rejects. */
  readonly request: (tenant: EntraTenant, credential: EntraCredential, signal: AbortSignal) => Promise<TokenRequestResult>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly quiet: QuietLog;
  readonly stats: TokenStats;
  /** Told how a credential fared. Must not throw. */
  readonly onTried?: ((note: CredentialNote) => void) | undefined;
}

/** The token in this process. Times are monotonic ms: a wall clock that steps must not end or prolong it (F25). */
interface HeldToken {
  readonly record: TokenRecord;
  readonly hash: string;
  readonly endsAt: number;
  /** With less than `marginMs` left it is renewed before it is used. */
  readonly marginMs: number;
  /** This process' own moment to renew, see `refreshAt`. */
  readonly renewAt: number;
}

/** One credential in its turn. */
interface Candidate {
  readonly role: CredentialRole;
  readonly credential: EntraCredential;
  readonly identity: string;
}

/** How long others wait for the one that asks: its lock once over, and a request of its successor. */
const waitMs = 35_000;
const pollMs = 100;
const maxPollMs = 1_000;
/** A token with less left could end on its way to the mail server. */
const lastMs = 2_000;
/** A background renewal that got nothing is not tried again by the very next caller. */
const backgroundPauseMs = 5_000;
/** Below it a difference to the login service's clock is drift and the rounding of its Date header. */
const skewToldMs = 60_000;
const rejectedKept = 16;
const closeMs = 1_000;

/**
 * The token of one identity in this process. Order: own memory, shared cache, then one of the fleet asks the login service while the
 * others wait for its result. What a failed request leaves is shared as well, so that a dead credential is asked about once.
 */
export class TokenKeeper {
  readonly #deps: TokenKeeperDeps;
  readonly #stop = new AbortController();
  /** Hashes of tokens that a mail server refused; never given again. */
  readonly #rejected: string[] = [];
  #held: HeldToken | undefined;
  #flight: Promise<HeldToken> | undefined;
  #background: Promise<void> | undefined;
  #backgroundFrom = 0;
  /** The last failures here by credential, for when the shared cache can't say. */
  readonly #failures = new Map<string, TokenFailure>();
  #role: CredentialRole = "current";

  constructor(deps: TokenKeeperDeps) {
    this.#deps = deps;
  }

  get #alias(): string {
    return this.#deps.tenant().alias;
  }

  /** @throws SyncError */
  async get(rejected: AccessToken | undefined): Promise<AccessToken> {
    if (rejected) this.#reject(hashOf(rejected.value.reveal()));
    // A flight that began before the refusal may end with the refused token; the next one knows better.
    for (let round = 0; round < 3; round++) {
      const held = this.#held;
      if (held && this.#isGood(held)) {
        if (this.#deps.clock.monotonic() >= held.renewAt) this.#renewInBackground();
        return this.#accessOf(held);
      }
      const landed = await this.#fly();
      if (!this.#rejected.includes(landed.hash)) return this.#accessOf(landed);
    }
    throw this.#refusedAgain(undefined);
  }

  /** Ends what is under way; callers get INTERRUPTED. */
  async close(): Promise<void> {
    this.#stop.abort(interrupted(this.#alias));
    // Time to give the lock back; a shared cache that hangs must not hold up the end of the process.
    const waiting = new AbortController();
    const pause = this.#deps.clock.sleep(closeMs, waiting.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled([this.#flight, this.#background]), pause]);
    waiting.abort();
    this.#held = undefined;
  }

  /** 50 callers at once are one look into the cache and at most one request. */
  #fly(): Promise<HeldToken> {
    this.#flight ??= this.#renew("wait").then(
      (landed) => {
        this.#flight = undefined;
        return landed ?? this.#oldOr(this.#unavailable("NO_RESULT"));
      },
      (error: unknown) => {
        this.#flight = undefined;
        return this.#oldOr(asSyncError(error, this.#alias));
      },
    );
    return this.#flight;
  }

  #renewInBackground(): void {
    if (this.#background || this.#flight || this.#deps.clock.monotonic() < this.#backgroundFrom) return;
    this.#background = this.#renew("background")
      .then(() => undefined)
      .catch((error: unknown) => {
        const alias = this.#alias;
        const { code } = asSyncError(error, alias).failure;
        if (!this.#stop.signal.aborted) {
          this.#deps.quiet.warn(
            `background ${alias} ${code}`,
            { tenant: alias, code },
            "token not renewed early, the old one stays in use",
          );
        }
      })
      .finally(() => {
        this.#backgroundFrom = this.#deps.clock.monotonic() + backgroundPauseMs;
        this.#background = undefined;
      });
  }

  /**
   * @returns undefined only in the background, when another process is at it
   * @throws SyncError
   */
  async #renew(mode: "wait" | "background"): Promise<HeldToken | undefined> {
    const { memory, clock, chance } = this.#deps;
    const owner = chance.uuid();
    const deadline = clock.monotonic() + waitMs;
    let pauseMs = pollMs;
    for (;;) {
      this.#stop.signal.throwIfAborted();
      const candidates = await this.#candidates();
      const identities = candidates.map(({ identity }) => identity);
      const known = this.#settle(await memory.read(identities), candidates, mode);
      if (known) return known;
      if (await memory.lock(owner)) {
        try {
          // Another one may have finished between our look and our lock.
          const remembered = await memory.read(identities);
          return this.#settle(remembered, candidates, mode) ?? (await this.#request(remembered, candidates));
        } finally {
          await memory.unlock(owner);
        }
      }
      if (mode === "background") return undefined;
      if (clock.monotonic() >= deadline) throw this.#unavailable("WAITED_FOR_OTHERS");
      await clock.sleep(pauseMs * (0.5 + chance.random()), this.#stop.signal);
      pauseMs = Math.min(pauseMs * 1.5, maxPollMs);
    }
  }

  async #candidates(): Promise<readonly Candidate[]> {
    const tenant = this.#deps.tenant();
    const ranked = rankCredentials(tenant, this.#deps.clock.now());
    return Promise.all(ranked.map(async (one) => ({ ...one, identity: await credentialIdentity(tenant, one.credential) })));
  }

  /**
   * What memory and cache together say; undefined when somebody has to ask the login service.
   * @throws SyncError while failures hold
   */
  #settle(remembered: Remembered, candidates: readonly Candidate[], mode: "wait" | "background"): HeldToken | undefined {
    if (remembered.token) this.#adopt(remembered.token);
    const held = this.#held;
    if (held && this.#isGood(held) && (mode === "wait" || this.#deps.clock.monotonic() < held.renewAt)) return held;
    if (blockedBy(remembered.failures, this.#deps.memory.now())) throw this.#failed(remembered.failures, candidates);
    return undefined;
  }

  #adopt(record: TokenRecord): void {
    const hash = hashOf(record.token.reveal());
    const held = this.#held;
    if (this.#rejected.includes(hash) || held?.hash === hash) return;
    if (held && !this.#rejected.includes(held.hash) && record.expiresAt <= held.record.expiresAt) return;
    this.#deps.stats.adopted++;
    this.#failures.clear();
    this.#held = this.#holdOf(record, hash);
  }

  /** Each credential in its turn, until one gets a token or one fails for a reason that the next would share. @throws SyncError */
  async #request(remembered: Remembered, candidates: readonly Candidate[]): Promise<HeldToken> {
    const { memory } = this.#deps;
    const failures: (TokenFailure | undefined)[] = [...remembered.failures];
    for (const [turn, candidate] of candidates.entries()) {
      let failure = failures[turn];
      if (!failure || failure.until <= memory.now()) {
        const got = await this.#requestWith(candidate, failure ?? this.#failures.get(candidate.identity));
        if ("held" in got) return got.held;
        failure = failures[turn] = got.failure;
      }
      if (!isCredentialsFault(failure.code)) break;
    }
    throw this.#failed(failures, candidates);
  }

  async #requestWith(
    { role, credential, identity }: Candidate,
    previous: TokenFailure | undefined,
  ): Promise<{ readonly held: HeldToken } | { readonly failure: TokenFailure }> {
    const { request, memory, clock, chance, stats, log } = this.#deps;
    const tenant = this.#deps.tenant();
    const startedAt = memory.now();
    const started = clock.monotonic();
    stats.requests++;
    const result = await request(tenant, credential, this.#stop.signal);
    this.#stop.signal.throwIfAborted();
    const { onTried } = this.#deps;
    const tried = { tenant: tenant.alias, role, identity, at: clock.now(), ok: result.ok };
    this.#noteSkew(result.ok ? result.skewMs : result.facts.skewMs);
    if (!result.ok) {
      const failure = nextFailure(previous, result.code, result.facts, memory.now(), chance.random());
      this.#failures.set(identity, failure);
      stats.failures++;
      log.warn(
        { tenant: tenant.alias, which: role, code: failure.code, tries: failure.tries, facts: failure.facts },
        "token request failed",
      );
      onTried?.({ ...tried, code: failure.code, ...(failure.facts.text !== undefined && { text: failure.facts.text }) });
      await memory.keepFailure(failure, identity);
      return { failure };
    }
    const { accessToken, lifetimeMs, refreshInMs } = result.answer;
    const replaced = this.#held;
    const wasRefused = replaced !== undefined && this.#rejected.includes(replaced.hash);
    const record: TokenRecord = {
      token: new Secret(accessToken),
      obtainedAt: startedAt,
      expiresAt: startedAt + lifetimeMs,
      ...(refreshInMs !== undefined && { refreshOn: startedAt + refreshInMs }),
      renewals: wasRefused ? replaced.record.renewals + 1 : 0,
    };
    const held = this.#holdOf(record, hashOf(accessToken));
    // A login service that gives the refused token once more has nothing better to give.
    if (this.#rejected.includes(held.hash)) throw this.#refusedAgain(undefined);
    this.#held = held;
    this.#failures.clear();
    if (result.missingRoles.length > 0) {
      log.warn({ tenant: tenant.alias, missingRoles: result.missingRoles }, "token lacks a role that some mailboxes need");
    }
    if (role === "next" && this.#role === "current")
      log.warn({ tenant: tenant.alias }, "the next credential is in use: the current one is refused or about to end");
    this.#role = role;
    log.info({ tenant: tenant.alias, which: role, lifetimeMs, tookMs: Math.round(clock.monotonic() - started) }, "token obtained");
    onTried?.(tried);
    await memory.keepToken(record, identity);
    return { held };
  }

  /** The current credential's failure where there is one: that is what an operator has to mend. */
  #failed(failures: readonly (TokenFailure | undefined)[], candidates: readonly Candidate[]): SyncError {
    const { tenant, memory } = this.#deps;
    const of = (role: CredentialRole): TokenFailure | undefined => failures[candidates.findIndex((one) => one.role === role)];
    const [current, next] = [of("current"), of("next")];
    const first = current ?? next;
    if (!first) return this.#unavailable("NO_RESULT");
    return failureError(first, tenant(), memory.now(), first === current ? next : undefined);
  }

  /** A wrong clock is told before it costs anything: certificates are refused from five minutes on. */
  #noteSkew(skewMs: number | undefined): void {
    if (skewMs === undefined) return;
    this.#deps.stats.skewMs = skewMs;
    if (Math.abs(skewMs) < skewToldMs) return;
    this.#deps.quiet.warn(
      "skew",
      { skewMs },
      "this machine's clock differs from the login service's: set it, assertions are refused from five minutes on",
    );
  }

  #holdOf(record: TokenRecord, hash: string): HeldToken {
    const { memory, clock, chance } = this.#deps;
    const shift = clock.monotonic() - memory.now();
    return {
      record,
      hash,
      endsAt: record.expiresAt + shift,
      marginMs: usableMarginMs(record),
      renewAt: refreshAt(record, chance.random()) + shift,
    };
  }

  #accessOf(held: HeldToken): AccessToken {
    return { value: held.record.token, expiresAt: this.#deps.clock.now() + this.#leftMs(held) };
  }

  #leftMs(held: HeldToken): number {
    return Math.floor(held.endsAt - this.#deps.clock.monotonic());
  }

  #isGood(held: HeldToken): boolean {
    return !this.#rejected.includes(held.hash) && this.#leftMs(held) > held.marginMs;
  }

  /** @throws SyncError TOKEN_REJECTED where renewing again would not help */
  #reject(hash: string): void {
    if (this.#rejected.includes(hash)) return;
    const held = this.#held;
    if (held?.hash === hash) {
      const from = renewableFrom(held.record, held.record.renewals);
      if (this.#deps.memory.now() < from) throw this.#refusedAgain(from);
    }
    this.#rejected.push(hash);
    if (this.#rejected.length > rejectedKept) this.#rejected.shift();
  }

  /** The old token serves until its own end, whatever the login service does. */
  #oldOr(error: SyncError): HeldToken {
    const held = this.#held;
    if (held && !this.#rejected.includes(held.hash) && this.#leftMs(held) > lastMs) return held;
    throw error;
  }

  #refusedAgain(from: number | undefined): SyncError {
    const { memory } = this.#deps;
    const next = from === undefined ? "later" : `in ${Math.ceil((from - memory.now()) / 1000)} s at the earliest`;
    return syncError(
      "TOKEN_REJECTED",
      `Tenant ${this.#alias}: the mail server refuses a token that was just renewed, so the token is hardly the reason. mailfleet renews it again ${next}. ` +
        "Check the app's service principal in Exchange and its permission on the mailbox.",
      { layer: "entra", code: "RENEWED_TOKEN_REFUSED" },
    );
  }

  #unavailable(word: string): SyncError {
    return syncError(
      "ENTRA_UNAVAILABLE",
      `Tenant ${this.#alias}: another process asks the login service for a token and had none after ${waitMs / 1000} s. mailfleet tries again with the next job.`,
      { layer: "entra", code: word },
    );
  }
}

/** Tokens are compared by hash, so that no second copy of one lies in memory. */
function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

export function interrupted(alias: string): SyncError {
  return syncError("INTERRUPTED", `Tenant ${alias}: the request for a token was ended because mailfleet stops or the caller gave up.`, {
    layer: "entra",
  });
}

function asSyncError(error: unknown, alias: string): SyncError {
  if (isSyncError(error)) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return syncError("INVARIANT", `Tenant ${alias}: getting a token failed inside mailfleet (${name}). This is a defect; please report it.`, {
    layer: "entra",
    code: name,
  });
}
