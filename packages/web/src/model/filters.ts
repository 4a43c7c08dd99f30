import { describeCause } from "@mailfleet/core/browser";
import type { CauseItem, Zone } from "@mailfleet/core/console";

/** A cause in a list of choices: its words for people, its id where they are not known any more. */
export function causeLabel(id: string, causes: readonly CauseItem[]): string {
  const cause = causes.find((one) => one.id === id);
  if (cause === undefined) return id;
  // Without ages: a list of choices that ticks cannot be read.
  const words = describeCause({ ...cause, tries: 1 }, { now: cause.since, zone: "utc" });
  const label = words.label.replace(/ (?:0 s ago|until .*)$/, "");
  return cause.tenant === undefined ? label : `${cause.tenant}: ${label}`;
}

/** The viewer's midnight before `now`, epoch ms. */
export function midnight(now: number, zone: Zone): number {
  if (zone === "local") {
    const day = new Date(now);
    return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  }
  const shift = zone === "utc" ? 0 : zone * 60_000;
  const dayMs = 86_400_000;
  return Math.floor((now + shift) / dayMs) * dayMs - shift;
}
