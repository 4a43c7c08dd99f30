import { randomBytes } from "node:crypto";

/** What is kept between the way out to the login service and the way back. */
export interface PendingLogin {
  /** Cookie of the browser that began: whoever brings the answer in another one gets nothing. */
  readonly browser: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Path of ours to go to afterwards. */
  readonly to: string;
}

/** For finding one's password and second factor. */
const pendingMs = 10 * 60_000;
/** Beyond them the oldest is forgotten, and that person begins again. */
const mostPending = 500;

/** Sign-ins that have begun, by their `state`. Each comes back once. */
export class PendingLogins {
  readonly #pending = new Map<string, PendingLogin & { readonly beganMs: number }>();

  /** @param now monotonic ms @returns the state */
  begin(login: PendingLogin, now: number): string {
    const state = randomBytes(16).toString("base64url");
    this.#pending.set(state, { ...login, beganMs: now });
    if (this.#pending.size > mostPending) {
      const [oldest] = this.#pending.keys();
      if (oldest !== undefined) this.#pending.delete(oldest);
    }
    return state;
  }

  /** Whether a sign-in of this browser has begun that may still come back. @param now monotonic ms */
  isOpen(browser: string, now: number): boolean {
    for (const pending of this.#pending.values()) if (pending.browser === browser && now - pending.beganMs < pendingMs) return true;
    return false;
  }

  /** The one that began so, in this browser, not long ago. Whatever comes of it, the state is used up. */
  take(state: string, browser: string | undefined, now: number): PendingLogin | undefined {
    const pending = this.#pending.get(state);
    // A stranger who has seen the state must not be able to end somebody's sign-in.
    if (pending === undefined || pending.browser !== browser) return undefined;
    this.#pending.delete(state);
    return now - pending.beganMs < pendingMs ? pending : undefined;
  }
}
