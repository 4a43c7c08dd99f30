import { actionVerbs, formatUtc } from "@mailfleet/core/browser";
import type { ActivityEntry, ActivityPage } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";
import { activityLink, activityWhat, outcomeWords } from "../model/activity.ts";
import { copyButton } from "../parts/copy-button.ts";
import { failed, pageHead } from "../parts/head.ts";
import { clock } from "../parts/time.ts";
import { openPage, startPage } from "./open-page.ts";

const page = openPage<"activity">({
  name: "activity",
  view,
  // Older pages do not change.
  patch: (data) => ({ data, reload: !new URLSearchParams(location.search).has("before") }),
});
startPage(page);

function view(data: ActivityPage, context: ViewContext): TemplateResult {
  const { entries, before } = data;
  return html`
    ${pageHead({
      heading: "Who did what, and what changed",
      buttons: html`<button class="button" type="button" @click=${() => download(entries)}>Download JSON</button>`,
    })}
    ${chooser(data)} ${failed(page.failure, () => void page.reload())}
    ${
      entries.length === 0
        ? html`<div class="empty">
            <p>
              Nothing yet. What people do here and in the terminal, and what stops and goes on, is kept here: who, when, what, how many, and
              never content.
            </p>
          </div>`
        : html`<div class="table-box">
            <table class="table list">
              <caption class="said">
                Activity, the latest first
              </caption>
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">Who</th>
                  <th scope="col">What</th>
                  <th scope="col">What became of it</th>
                  <th scope="col"><span class="said">Command</span></th>
                </tr>
              </thead>
              <tbody>
                ${entries.map((entry) => row(entry, context))}
              </tbody>
            </table>
          </div>`
    }
    ${before === undefined ? nothing : html`<div class="table-foot"><a class="button" href=${activityLink({ ...data, before })}>Older</a></div>`}
  `;
}

function row(entry: ActivityEntry, context: ViewContext): TemplateResult {
  const { at, who, by, reason, command, outcome } = entry;
  const isBad = outcome === "failed" || outcome === "refused" || outcome === "partly";
  return html`<tr data-row tabindex="-1">
    <td class="nowrap full muted">${clock(at, context)}</td>
    <td><strong class=${by === "mailfleet" ? "muted" : ""}>${who}</strong></td>
    <td class="first what">${activityWhat(entry)}</td>
    <td class="full">
      <span class=${isBad ? "role-late role-text" : ""}>${outcomeWords(entry)}</span
      >${reason === undefined ? nothing : html` <span class="muted">"${reason}"</span>`}
    </td>
    <td class="number">${copyButton(command)}</td>
  </tr>`;
}

function chooser(data: ActivityPage): TemplateResult {
  const { who, tenant, what } = data;
  const link = (value: ActivityPage["who"], words: string): TemplateResult =>
    html`<a
      href=${activityLink({ who: value, ...(tenant !== undefined && { tenant }), ...(what !== undefined && { what }) })}
      aria-current=${who === value ? "true" : nothing}
      >${words}</a
    >`;
  return html`<div class="filters">
    <nav class="views" aria-label="Who">${link("both", "Both")} ${link("people", "People")} ${link("mailfleet", "mailfleet")}</nav>
    <form class="filters" action="/activity">
      ${who === "both" ? nothing : html`<input type="hidden" name="who" value=${who} />`}
      <input
        type="text"
        name="tenant"
        aria-label="Tenant"
        placeholder="Tenant: any"
        value=${tenant ?? ""}
        autocomplete="off"
        spellcheck="false"
      />
      <select name="what" aria-label="What" @change=${(event: Event) => (event.target as HTMLSelectElement).form?.requestSubmit()}>
        <option value="">What: any</option>
        ${actionVerbs.map((verb) => html`<option value=${verb} ?selected=${verb === what}>${verb}</option>`)}
      </select>
      <button class="button" type="submit">Filter</button>
    </form>
  </div>`;
}

/** What is shown, as a file: one JSON document, times in ISO 8601 UTC. */
function download(entries: readonly ActivityEntry[]): void {
  const text = JSON.stringify(
    entries.map((entry) => ({ ...entry, at: formatUtc(entry.at) })),
    null,
    2,
  );
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "mailfleet-activity.json";
  link.click();
  URL.revokeObjectURL(link.href);
}
