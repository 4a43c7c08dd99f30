import type { Cause } from "@mailfleet/core";

/** A cause that cannot be read is none: it comes back with the next failure. */
export function parseCause(text: string | undefined): Cause | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Cause;
  } catch {
    return undefined;
  }
}
