import { nothing, type TemplateResult } from "lit-html";
import type { Actions } from "./actions.ts";
import type { PageHandle, ViewContext } from "./page.ts";

/** What a doctor or a proof found; its view is loaded when there is something to show. */
export class LateResults {
  readonly #page: PageHandle;
  readonly #actions: Actions;
  #view: ((actions: Actions, context: ViewContext) => TemplateResult) | undefined;
  #isAsked = false;

  constructor(page: PageHandle, actions: Actions) {
    this.#page = page;
    this.#actions = actions;
  }

  view(context: ViewContext): TemplateResult | typeof nothing {
    if (this.#actions.latest("doctor") === undefined && this.#actions.latest("prove") === undefined) return nothing;
    if (!this.#isAsked) void this.#load();
    return this.#view?.(this.#actions, context) ?? nothing;
  }

  async #load(): Promise<void> {
    this.#isAsked = true;
    const { runResults } = await import("../parts/run-results.ts");
    this.#view = runResults;
    this.#page.draw();
  }
}
