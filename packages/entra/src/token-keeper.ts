import { createHash } from "node:crypto";
import { type AccessToken, type Chance, type Clock, isSyncError, type Log, Secret, type SyncError, syncError } from "@mailfleet/core";
import type { EntraTenant } from "./entra-tenant.ts";
import type { QuietLog } from "./quiet-log.ts";
import type { TokenRequester } from "./request-token.ts";
import type { TokenRecord } from "./seal-token.ts";
import type { Remembered, SharedMemory } from "./shared-memory.ts";
import { failureError, nextFailure, type TokenFailure } from "./token-failure.ts";
import { refreshAt, renewableFrom, usableMarginMs } from "./token-schedule.ts";
import type { TokenStats } from "./token-stats.ts";

export interface TokenKeeperDeps {
  readonly tenant: EntraTenant;
  readonly memory: SharedMemory;
  readonly requester: TokenRequester;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly quiet: QuietLog;
  readonly stats: TokenStats;
}

/** The token in this process. */
interface HeldToken {
  readonly record: TokenRecord;
  readonly access: AccessToken;
  readonly hash: string;
  /** This process' own moment to renew, see `refreshAt`. */
  readonly renewAt: number;
}

/** How long others wait for the one that asks: its lock once over, and a request of its successor. */
const waitMs = 35_000;
const pollMs = 100;
const maxPollMs = 1_000;
/** A token with less left could end on its way to the mail server. */
const lastMs = 2_000;
/** A background renewal that got nothing is not tried again by the very next caller. */
const backgroundPauseMs = 5_000;
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
  /** The last failure here, for when the shared cache can't say. */
  #failure: TokenFailure | undefined;

  constructor(deps: TokenKeeperDeps) {
    this.#deps = deps;
  }

  /** @throws SyncError */
  async get(rejected: AccessToken | undefined): Promise<AccessToken> {
    if (rejected) this.#reject(hashOf(rejected.value.reveal()));
    // A flight that began before the refusal may end with the refused token; the next one knows better.
    for (let round = 0; round < 3; round++) {
      const held = this.#held;
      if (held && this.#isGood(held)) {
        if (this.#deps.clock.now() >= held.renewAt) this.#renewInBackground();
        return held.access;
      }
      const landed = await this.#fly();
      if (!this.#rejected.includes(landed.hash)) return landed.access;
    }
    throw this.#refusedAgain(undefined);
  }

  /** Ends what is under way; callers get INTERRUPTED. */
  async close(): Promise<void> {
    this.#stop.abort(interrupted(this.#deps.tenant.alias));
    await this.#deps.requester.close();
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
        return this.#oldOr(asSyncError(error, this.#deps.tenant.alias));
      },
    );
    return this.#flight;
  }

  #renewInBackground(): void {
    if (this.#background || this.#flight || this.#deps.clock.now() < this.#backgroundFrom) return;
    this.#background = this.#renew("background")
      .then(() => undefined)
      .catch((error: unknown) => {
        const { code } = asSyncError(error, this.#deps.tenant.alias).failure;
        const { quiet, tenant } = this.#deps;
        if (!this.#stop.signal.aborted) {
          quiet.warn(
            `background ${tenant.alias} ${code}`,
            { tenant: tenant.alias, code },
            "token not renewed early, the old one stays in use",
          );
        }
      })
      .finally(() => {
        this.#backgroundFrom = this.#deps.clock.now() + backgroundPauseMs;
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
      const known = this.#settle(await memory.read(), mode);
      if (known) return known;
      if (await memory.lock(owner)) {
        try {
          // Another one may have finished between our look and our lock.
          const remembered = await memory.read();
          return this.#settle(remembered, mode) ?? (await this.#request(remembered.failure));
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

  /**
   * What memory and cache together say; undefined when somebody has to ask the login service.
   * @throws SyncError while a failure holds
   */
  #settle(remembered: Remembered, mode: "wait" | "background"): HeldToken | undefined {
    const { clock, tenant } = this.#deps;
    if (remembered.token) this.#adopt(remembered.token);
    const held = this.#held;
    const now = clock.now();
    if (held && this.#isGood(held) && (mode === "wait" || now < held.renewAt)) return held;
    const failure = remembered.failure;
    if (failure && failure.until > now) throw failureError(failure, tenant, now);
    return undefined;
  }

  #adopt(record: TokenRecord): void {
    const hash = hashOf(record.token.reveal());
    const held = this.#held;
    if (this.#rejected.includes(hash) || held?.hash === hash) return;
    if (held && !this.#rejected.includes(held.hash) && record.expiresAt <= held.record.expiresAt) return;
    this.#deps.stats.adopted++;
    this.#failure = undefined;
    this.#held = this.#holdOf(record, hash);
  }

  async #request(previous: TokenFailure | undefined): Promise<HeldToken> {
    const { requester, memory, clock, chance, stats, log, tenant } = this.#deps;
    const startedAt = clock.now();
    stats.requests++;
    const result = await requester.request();
    this.#stop.signal.throwIfAborted();
    if (!result.ok) {
      const failure = nextFailure(previous ?? this.#failure, result.code, result.facts, clock.now(), chance.random());
      this.#failure = failure;
      stats.failures++;
      log.warn({ tenant: tenant.alias, code: failure.code, tries: failure.tries, facts: failure.facts }, "token request failed");
      await memory.keepFailure(failure);
      throw failureError(failure, tenant, clock.now());
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
    this.#failure = undefined;
    if (result.missingRoles.length > 0) {
      log.warn({ tenant: tenant.alias, missingRoles: result.missingRoles }, "token lacks a role that some mailboxes need");
    }
    log.info({ tenant: tenant.alias, lifetimeMs, tookMs: clock.now() - startedAt }, "token obtained");
    await memory.keepToken(record);
    return held;
  }

  #holdOf(record: TokenRecord, hash: string): HeldToken {
    const access: AccessToken = { value: record.token, expiresAt: record.expiresAt };
    return { record, access, hash, renewAt: refreshAt(record, this.#deps.chance.random()) };
  }

  #isGood(held: HeldToken): boolean {
    return !this.#rejected.includes(held.hash) && held.record.expiresAt - this.#deps.clock.now() > usableMarginMs(held.record);
  }

  /** @throws SyncError TOKEN_REJECTED where renewing again would not help */
  #reject(hash: string): void {
    if (this.#rejected.includes(hash)) return;
    const held = this.#held;
    if (held?.hash === hash) {
      const from = renewableFrom(held.record, held.record.renewals);
      if (this.#deps.clock.now() < from) throw this.#refusedAgain(from);
    }
    this.#rejected.push(hash);
    if (this.#rejected.length > rejectedKept) this.#rejected.shift();
  }

  /** The old token serves until its own end, whatever the login service does. */
  #oldOr(error: SyncError): HeldToken {
    const held = this.#held;
    if (held && !this.#rejected.includes(held.hash) && held.record.expiresAt - this.#deps.clock.now() > lastMs) return held;
    throw error;
  }

  #refusedAgain(from: number | undefined): SyncError {
    const { tenant, clock } = this.#deps;
    const next = from === undefined ? "later" : `in ${Math.ceil((from - clock.now()) / 1000)} s at the earliest`;
    return syncError(
      "TOKEN_REJECTED",
      `Tenant ${tenant.alias}: the mail server refuses a token that was just renewed, so the token is hardly the reason. mailfleet renews it again ${next}. ` +
        "Check the app's service principal in Exchange and its permission on the mailbox.",
      { layer: "entra", code: "RENEWED_TOKEN_REFUSED" },
    );
  }

  #unavailable(word: string): SyncError {
    const { tenant } = this.#deps;
    return syncError(
      "ENTRA_UNAVAILABLE",
      `Tenant ${tenant.alias}: another process asks the login service for a token and had none after ${waitMs / 1000} s. mailfleet tries again with the next job.`,
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
