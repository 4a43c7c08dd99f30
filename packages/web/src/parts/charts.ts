import type { HistorySpan } from "@mailfleet/core/console";
import { html, noChange, nothing, type TemplateResult } from "lit-html";
import { Directive, directive, type ElementPart } from "lit-html/directive.js";
import { type ChartName, chartSentence, chartTable, chartTitles } from "../model/charts.ts";
import { ChartFeed } from "../live/chart-feed.ts";
import type { PageHandle, ViewContext } from "../live/page.ts";

const spans: readonly HistorySpan[] = ["1h", "24h", "7d"];

class Mount extends Directive {
  render(_feed: ChartFeed, _name: ChartName): unknown {
    return noChange;
  }
  override update({ element }: ElementPart, [feed, name]: [ChartFeed, ChartName]): unknown {
    feed.mount(name, element as HTMLElement);
    return noChange;
  }
}
const mount = directive(Mount);

export function chartsOf(page: PageHandle, tenant: string | undefined): (context: ViewContext) => TemplateResult {
  const feed = new ChartFeed(page, tenant);
  return (context) => chartsSection(feed, context);
}

/** Two charts over the same time: a sentence above, a table below, and a canvas that is only for eyes. */
function chartsSection(feed: ChartFeed, context: ViewContext): TemplateResult {
  return html`<section class="section" aria-labelledby="charts">
    <div class="section-head">
      <h2 id="charts">Over time</h2>
      <div class="ranges" role="group" aria-label="Span">
        ${spans.map(
          (span) =>
            html`<button type="button" aria-pressed=${span === feed.span ? "true" : "false"} @click=${() => feed.choose(span)}>
              ${span}
            </button>`,
        )}
      </div>
    </div>
    <div class="columns">${(["rate", "age"] as const).map((name) => chart(name, feed, context))}</div>
  </section>`;
}

function chart(name: ChartName, feed: ChartFeed, context: ViewContext): TemplateResult {
  const { columns, failure } = feed;
  return html`<figure class="card pad chart">
    <figcaption>
      <h3>${chartTitles[name]}</h3>
      <p class="muted">${columns === undefined ? (failure ?? "Loading.") : chartSentence(name, columns, context)}</p>
    </figcaption>
    ${failure === undefined ? nothing : html`<button class="button" type="button" @click=${() => feed.load()}>Retry</button>`}
    <div class="chart-box" aria-hidden="true" ${mount(feed, name)}></div>
    ${
      columns === undefined
        ? nothing
        : html`<details>
            <summary>As a table</summary>
            ${table(name, feed, context)}
          </details>`
    }
  </figure>`;
}

function table(name: ChartName, { columns }: ChartFeed, context: ViewContext): TemplateResult | typeof nothing {
  if (columns === undefined) return nothing;
  const { head, rows } = chartTable(name, columns, context);
  return html`<div class="table-box" tabindex="0" role="group" aria-label="Table of ${chartTitles[name]}">
    <table class="table">
      <thead>
        <tr>
          ${head.map((word, i) => html`<th scope="col" class=${i === 0 ? "" : "number"}>${word}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, i) => html`<td class=${i === 0 ? "nowrap" : "number"}>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
