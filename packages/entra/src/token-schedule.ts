/** Times in a token's life, epoch ms. */
export interface TokenLife {
  readonly obtainedAt: number;
  readonly expiresAt: number;
  /** The login service's own wish (`refresh_in`). */
  readonly refreshOn?: number;
}

const marginMs = 300_000;
/** Above the margin, so that a renewal in the background has time to end before callers have to wait for one. */
const minLeadMs = 360_000;
const minute = 60_000;

/**
 * When a process first tries to renew in the background, a different moment in each: 10 % of the life before its end, at least
 * 6 minutes where the life allows it, at most 45 % of a short life. 1 h: 9 to 6 minutes before; 60 s: 27 to 18 s before.
 * @param random 0 <= x < 1
 */
export function refreshAt(life: TokenLife, random: number): number {
  const span = life.expiresAt - life.obtainedAt;
  const lead = Math.max(span * 0.1, Math.min(minLeadMs, span * 0.3));
  const own = life.expiresAt - lead * (1 + random / 2);
  if (life.refreshOn === undefined) return own;
  const wished = life.refreshOn + (life.expiresAt - life.refreshOn) * 0.1 * random;
  return Math.min(own, wished);
}

/** A token with less than this left is renewed before it is used, if it can be: 5 minutes, or 15 % of a short life. */
export function usableMarginMs(life: TokenLife): number {
  return Math.min(marginMs, (life.expiresAt - life.obtainedAt) * 0.15);
}

/**
 * From when on a mail server's refusal of this token is believed enough to renew it. The first refusal is, at once. Where renewed
 * tokens are refused as well, the token is not the reason, and each mailbox of a tenant in trouble would cost a request: then
 * 1, 4, 15 minutes between renewals.
 * @param renewals forced renewals in a row that led to this token
 */
export function renewableFrom(life: TokenLife, renewals: number): number {
  if (renewals === 0) return life.obtainedAt;
  return life.obtainedAt + Math.min(minute * 4 ** Math.min(renewals - 1, 5), 15 * minute);
}
