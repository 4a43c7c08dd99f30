import { html, type TemplateResult } from "lit-html";
import type { PageHandle, ViewContext } from "./page.ts";

/** Charts come after the rows: until their module is there, their place is kept. */
export class LateCharts {
  readonly #page: PageHandle;
  readonly #tenant: string | undefined;
  #section: ((context: ViewContext) => TemplateResult) | undefined;
  #isAsked = false;

  /** @param tenant alias; without it the charts are the fleet's */
  constructor(page: PageHandle, tenant?: string) {
    this.#page = page;
    this.#tenant = tenant;
  }

  view(context: ViewContext): TemplateResult {
    if (!this.#isAsked) {
      this.#isAsked = true;
      requestIdleCallback(() => void this.#load(), { timeout: 500 });
    }
    return (
      this.#section?.(context) ??
      html`<section class="section charts-place" aria-labelledby="charts">
        <h2 id="charts">Over time</h2>
      </section>`
    );
  }

  async #load(): Promise<void> {
    const { chartsOf } = await import("../parts/charts.ts");
    this.#section = chartsOf(this.#page, this.#tenant);
    this.#page.draw();
  }
}
