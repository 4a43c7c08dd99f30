import { formatAgo, formatClock, formatUtc } from "@mailfleet/core/browser";
import { html, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";

/** `40 s ago`, with the moment itself for who hovers or copies. */
export function ago(at: number | undefined, { now, zone }: Pick<ViewContext, "now" | "zone">, absent = "never"): TemplateResult {
  if (at === undefined) return html`<span class="muted">${absent}</span>`;
  return html`<time datetime=${formatUtc(at)} title=${formatClock(at, { now, zone, seconds: true })}>${formatAgo(at, now)}</time>`;
}

/** `14:03:22`, with the date when it is not of the last day. */
export function clock(at: number, { now, zone }: Pick<ViewContext, "now" | "zone">): TemplateResult {
  return html`<time datetime=${formatUtc(at)}>${formatClock(at, { now, zone, seconds: true })}</time>`;
}
