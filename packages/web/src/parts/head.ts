import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";

export interface Head {
  readonly heading: string;
  /** Where it belongs: links. */
  readonly crumbs?: TemplateResult;
  readonly sub?: TemplateResult | typeof nothing;
  readonly buttons?: TemplateResult | typeof nothing;
}

/** The page's sentence and what can be done about it. */
export function pageHead({ heading, crumbs, sub, buttons }: Head): TemplateResult {
  return html`<div class="page-head">
    ${crumbs === undefined ? nothing : html`<p class="crumbs">${crumbs}</p>`}
    <h1 tabindex="-1">${heading}</h1>
    ${buttons === undefined || buttons === nothing ? nothing : html`<div class="actions">${buttons}</div>`}
    ${sub === undefined || sub === nothing ? nothing : html`<div class="sub">${sub}</div>`}
  </div>`;
}

/** What a load failed with; the rest of the page stays as it was. */
export function failed(what: string | undefined, retry: () => void): TemplateResult | typeof nothing {
  if (what === undefined) return nothing;
  return html`<div class="card pad failed" role="alert">
    <p>${what}</p>
    <button class="button" type="button" @click=${retry}>Retry</button>
  </div>`;
}

/** In place of buttons, for who may not press them. */
export function readOnlyLine({ frame }: ViewContext): TemplateResult | typeof nothing {
  const { readOnly } = frame.you;
  return readOnly === undefined ? nothing : html`<p class="muted read-only">${readOnly}</p>`;
}

export interface ActionButton {
  readonly label: string;
  readonly isBusy?: boolean;
  readonly css?: "primary" | "danger" | "quiet";
  readonly onClick: () => void;
}

/** Absent for who may not act; off while the page shows the past. */
export function actionButton(
  { label, isBusy = false, css, onClick }: ActionButton,
  { mayAct, liveness }: ViewContext,
): TemplateResult | typeof nothing {
  if (!mayAct) return nothing;
  return html`<button class="button ${css ?? ""}" type="button" ?disabled=${!liveness.isLive || isBusy} @click=${onClick}>
    ${label}
  </button>`;
}
