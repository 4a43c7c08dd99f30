import type { Quarantine } from "./event.ts";
import { cutText } from "./utf8.ts";

/** The most flags and the longest one in an event, in UTF-16 units: keywords are the user's, their number is the server's. */
const [maxFlags, maxFlagLength, maxReasonLength] = [200, 100, 1_000];

export function cutFlags(flags: readonly string[]): readonly string[] {
  const areShort = flags.length <= maxFlags && flags.every((flag) => flag.length <= maxFlagLength);
  return areShort ? flags : flags.slice(0, maxFlags).map((flag) => cutText(flag, maxFlagLength));
}

export function cutQuarantine({ code, reason }: Quarantine): Quarantine {
  return { code, reason: cutText(reason, maxReasonLength) };
}

/** Undefined for a date that no Date can hold: servers send what they like. */
export function isoDate(ms: number | undefined): string | undefined {
  return ms === undefined || !(Math.abs(ms) <= 8.64e15) ? undefined : new Date(ms).toISOString();
}
