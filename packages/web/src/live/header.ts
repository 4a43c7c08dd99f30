import { formatAge, formatClock, formatCount } from "@mailfleet/core/browser";
import type { Zone } from "@mailfleet/core/console";
import { type Said, toSay } from "../model/announcer.ts";
import { staleSentence } from "../model/liveness.ts";
import type { ViewContext } from "./page.ts";

let said: Said | undefined;
const plainTitle = document.title;

/** What the frame around the page says of its freshness. Text of existing elements only, so that nothing moves. */
export function showHeader({ frame, liveness, zone }: ViewContext, isPaused: boolean, now: number): void {
  const state = liveness.isLive ? (isPaused ? "paused" : "live") : "stale";
  const button = byId("live");
  if (button === null) return;
  button.dataset["state"] = state;
  button.setAttribute("aria-pressed", String(isPaused));
  setText("live-text", state === "paused" ? "paused" : liveness.isLive ? `live ${formatAge(liveness.ageMs)}` : "not live");
  setText("clock", `${formatClock(now, { now, zone })}${zone === "utc" ? "" : ` ${zoneName(zone)}`}`);
  setText("letters-count", formatCount(frame.deadLetters));
  byId("letters-count")?.toggleAttribute("hidden", frame.deadLetters === 0);
  const banner = byId("banner");
  banner?.toggleAttribute("hidden", liveness.isLive);
  if (!liveness.isLive) setText("banner-text", staleSentence(liveness, now, zone));
  const title = liveness.isLive ? plainTitle : `(not live) ${plainTitle}`;
  if (document.title !== title) document.title = title;
  announce(frame.sentence, now);
}

function announce(sentence: string, now: number): void {
  said ??= { sentence, at: now };
  const words = toSay(said, sentence, now);
  if (words === undefined) return;
  said = { sentence, at: now };
  setText("said", words);
}

/** `CET`; what the browser calls it. */
function zoneName(_zone: Exclude<Zone, "utc">): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts();
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}

function byId(id: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`#${id}`);
}

/** A banner that is an alert is read again each time it is written, so only what differs is. */
function setText(id: string, text: string): void {
  const element = byId(id);
  if (element !== null && element.textContent !== text) element.textContent = text;
}
