import { formatClock } from "@mailfleet/core/browser";
import type { Zone } from "@mailfleet/core/console";

/** When the page last heard of what. All in epoch ms by the server's clock, as far as this browser can tell it. */
export interface Contact {
  /** Of the last word from the console process. */
  readonly heardAt: number;
  /** Of the last facts from Redis that it told. */
  readonly factsAt: number;
  /** What keeps facts from coming, in the console's words. */
  readonly trouble?: string;
}

/** Beats come every 2 s; without one for this long the page is out of touch. It looks once a second and then draws, and after ten nothing may be green. */
const quietMs = 8_000;

export type Liveness =
  | { readonly isLive: true; readonly ageMs: number }
  | { readonly isLive: false; readonly since: number; readonly why: string };

/** Never from an open socket: only news make a page live. */
export function livenessOf({ heardAt, factsAt, trouble }: Contact, now: number): Liveness {
  const ageMs = Math.max(0, now - Math.min(heardAt, factsAt));
  if (ageMs < quietMs) return { isLive: true, ageMs };
  const isQuiet = now - heardAt >= quietMs;
  return {
    isLive: false,
    since: Math.min(heardAt, factsAt),
    why: isQuiet ? "The console does not answer." : (trouble ?? "Redis does not answer."),
  };
}

/** `Not live since 14:03:10. You see how it was then. Redis does not answer. Trying again.` */
export function staleSentence({ since, why }: Extract<Liveness, { isLive: false }>, now: number, zone: Zone): string {
  return `Not live since ${formatClock(since, { now, zone, seconds: true })}. You see how it was then. ${why} Trying again.`;
}
