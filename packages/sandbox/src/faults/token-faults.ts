import type { FaultSpec } from "./fault-spec.ts";

/** What the token endpoint does wrong. */
export const tokenFaults = {
  "token-stall": { side: "token", says: "a POST is taken and never answered", params: {} },
} as const satisfies Readonly<Record<string, FaultSpec>>;
