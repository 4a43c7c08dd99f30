import { formatClock, formatCount } from "@mailfleet/core/browser";
import type { ProofItem } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";
import { icon } from "./icon.ts";

/** One proof: what it compared, what it found, and where it lies. */
export function proof(
  { verdict, endedAt, words, file, listed, handedOff, gaps, extras }: ProofItem,
  { now, zone }: ViewContext,
): TemplateResult {
  const role = verdict === "whole" ? "calm" : "yours";
  return html`<div class="proof role-${role}">
    ${icon(verdict === "whole" ? "check" : verdict === "gaps" ? "octagon" : "dashed ring")}
    <div>
      ${words.map((line) => html`<p>${line}</p>`)}
      <p class="muted">
        ${formatCount(listed)} listed, ${formatCount(handedOff)} handed off, ${formatCount(gaps)} missing, ${formatCount(extras)} extra, as
        of ${formatClock(endedAt, { now, zone, seconds: true })}.${file === undefined ? nothing : html` <code>${file}</code>`}
      </p>
    </div>
  </div>`;
}
