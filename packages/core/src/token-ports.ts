import type { Secret } from "./secret.ts";

export interface AccessToken {
  readonly value: Secret;
  /** Epoch ms by the local clock as it was when the token was handed out. */
  readonly expiresAt: number;
}

export interface TokenSource {
  /**
   * The tenant's app-only token, shared by the fleet.
   * @param options.rejected a token that the mail server refused though it looked valid: it is not given again.
   * @throws SyncError ENTRA_*
   */
  getToken(tenant: string, options?: { readonly rejected?: AccessToken; readonly signal?: AbortSignal }): Promise<AccessToken>;
}

/** What the fleet knows of one token identity. Texts are written and read by the token source only; the cache does not look inside. */
export interface SharedTokenState {
  /** Epoch ms by the cache's own clock: what the fleet measures token ages by, whatever the clocks of its machines say (F25). */
  readonly at: number;
  /** Ciphertext; absent when nothing is stored or its time to live is over. */
  readonly sealed?: string;
  /** Why the last request failed, without secrets; absent when nothing is stored or its time to live is over. */
  readonly failure?: string;
}

/**
 * Tokens, failures and the right to refresh, shared by all processes of the fleet. An identity is 64 lower-case hex digits.
 * Times to live are whole ms above 0, measured by the cache's own clock. Every method throws SyncError REDIS_UNAVAILABLE.
 */
export interface SharedTokenCache {
  /** Token and failure in one look. */
  read(identity: string): Promise<SharedTokenState>;
  /** Replaces the token and forgets the failure, as one step. */
  putToken(identity: string, sealed: string, ttlMs: number): Promise<void>;
  /** Replaces the failure; the token stays. */
  putFailure(identity: string, failure: string, ttlMs: number): Promise<void>;
  /** Forgets the failure, where a token was had but is not stored. */
  clearFailure(identity: string): Promise<void>;
  /** True for exactly one owner until it unlocks or `ttlMs` is over; false for everybody else and for the owner itself. */
  tryLock(identity: string, owner: string, ttlMs: number): Promise<boolean>;
  /** Ends the lock only where `owner` still holds it: a late owner must not end the lock of the next one. */
  unlock(identity: string, owner: string): Promise<void>;
}

/** How a tenant's credential fared when it was last tried, for people to see. No secret. */
export interface CredentialNote {
  readonly tenant: string;
  /** `next` waits for the day on which `current` is refused or about to end. */
  readonly role: "current" | "next";
  /** Tells a changed credential from the one that was tried; 64 hex digits. */
  readonly identity: string;
  /** Epoch ms by the clock of whoever tried. */
  readonly at: number;
  readonly ok: boolean;
  /** Why not, scrubbed. */
  readonly code?: string;
  readonly text?: string;
}

/** The fleet's notes on credentials: the last one of each tenant and role. Methods throw SyncError REDIS_UNAVAILABLE. */
export interface CredentialNotes {
  read(): Promise<readonly CredentialNote[]>;
  write(note: CredentialNote): Promise<void>;
}
