/** Counters since the start of the process, for metrics and for tests. */
export interface TokenStats {
  /** Requests to login services. */
  requests: number;
  /** Those that gave no usable token. */
  failures: number;
  /** Tokens put into the shared cache. */
  stored: number;
  /** Tokens taken from the shared cache. */
  adopted: number;
  /** Stored tokens that could not be used: sealed by a key that this process lacks; changed or swapped; past their end. */
  unknownKey: number;
  broken: number;
  expired: number;
  /** How far this machine's clock was ahead of a login service's, when one last answered. */
  skewMs?: number;
}

export function startTokenStats(): TokenStats {
  return { requests: 0, failures: 0, stored: 0, adopted: 0, unknownKey: 0, broken: 0, expired: 0 };
}
