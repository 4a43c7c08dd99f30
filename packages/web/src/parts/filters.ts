import { everyMailbox, formatCount, savedViews } from "@mailfleet/core/browser";
import type { Facet, MailboxesPage, MailboxQuery } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { ViewContext } from "../live/page.ts";
import { causeLabel, midnight } from "../model/filters.ts";
import { isSameQuery, listLink } from "../model/links.ts";

type Go = (query: MailboxQuery, how: "push" | "replace") => void;

/** Rows stand within 100 ms of a keystroke: an answer takes some 20 of them, and a newer keystroke gives up the older one's. */
const debounceMs = 50;
let typing: ReturnType<typeof setTimeout> | undefined;

/** The four views that every console has. */
export function savedViewLinks(query: MailboxQuery, { now, zone }: ViewContext): TemplateResult {
  const views = [{ name: "All", query: everyMailbox }, ...savedViews(midnight(now, zone))];
  return html`<nav class="views" aria-label="Views">
    ${views.map(
      (one) =>
        html`<a href=${listLink(one.query)} data-in-place aria-current=${isSameQuery(one.query, query) ? "true" : nothing}>${one.name}</a>`,
    )}
  </nav>`;
}

/** Search and facets. Each choice is a new address; typing replaces the one before, so that going back leaves the search. */
export function filters(data: MailboxesPage, go: Go): TemplateResult {
  const { query, facets } = data;
  const search = (event: Event): void => {
    const { value } = event.target as HTMLInputElement;
    clearTimeout(typing);
    typing = setTimeout(() => go({ ...query, search: value.trim().toLowerCase() }, "replace"), debounceMs);
  };
  return html`<form class="filters" role="search" aria-label="Filter" @submit=${(event: Event) => event.preventDefault()}>
    <input
      id="filter"
      type="search"
      placeholder="Address or tenant begins with"
      aria-label="Address or tenant begins with"
      autocomplete="off"
      spellcheck="false"
      value=${query.search}
      @input=${search}
    />
    ${facet("State", facets.states, query.states, (states) => go({ ...query, states }, "push"))}
    ${facet("Tenant", facets.tenants, query.tenants, (tenants) => go({ ...query, tenants }, "push"))}
    ${facet(
      "Cause",
      facets.causes,
      query.causes,
      (causes) => go({ ...query, causes }, "push"),
      (id) => causeLabel(id, data.causes),
    )}
    ${facet("Mode", facets.modes, query.modes, (modes) => go({ ...query, modes }, "push"))}
    ${facet(
      "Protocol",
      facets.protocols,
      query.protocols,
      (protocols) => go({ ...query, protocols }, "push"),
      (name) => name.toUpperCase(),
    )}
    ${isSameQuery({ ...query, sort: "state", isReversed: false }, everyMailbox) ? nothing : html`<a class="button quiet" href="/mailboxes" data-in-place>Clear</a>`}
  </form>`;
}

function facet<Value extends string>(
  label: string,
  choices: readonly Facet<Value>[],
  chosen: readonly Value[],
  choose: (values: readonly Value[]) => void,
  say: (value: Value) => string = (value) => value,
): TemplateResult {
  const several = chosen.length > 1;
  const missing = chosen.filter((value) => choices.every((choice) => choice.value !== value));
  const current = several ? "several" : (chosen[0] ?? "");
  return html`<select
    aria-label=${label}
    .value=${live(current)}
    @change=${(event: Event) => {
      const { value } = event.target as HTMLSelectElement;
      if (value !== "several") choose(value === "" ? [] : [value as Value]);
    }}
  >
    <option value="" ?selected=${current === ""}>${label}: any</option>
    ${several ? html`<option value="several" selected>${label}: ${chosen.map(say).join(", ")}</option>` : nothing}
    ${choices.map(({ value, count }) => html`<option value=${value} ?selected=${value === current}>${say(value)} (${formatCount(count)})</option>`)}
    ${several ? nothing : missing.map((value) => html`<option value=${value} ?selected=${value === current}>${say(value)} (0)</option>`)}
  </select>`;
}
