import type { HistoryColumns, HistorySpan } from "@mailfleet/core/console";
import { type ChartName, isYoung } from "../model/charts.ts";
import type * as ChartDrawer from "./chart-drawer.ts";
import { errorWords, getJson } from "./api.ts";
import type { PageHandle } from "./page.ts";

const everyMs: Readonly<Record<HistorySpan, number>> = { "1h": 10_000, "24h": 60_000, "7d": 300_000 };

/** Loaded after the rows, with the library that it needs. */
type Drawer = typeof ChartDrawer;

/** The charts of one page: what they show, and when it is loaded. */
export class ChartFeed {
  span: HistorySpan = "24h";
  columns: HistoryColumns | undefined;
  failure: string | undefined;
  readonly #tenant: string | undefined;
  readonly #page: PageHandle;
  readonly #boxes = new Map<ChartName, HTMLElement>();
  #drawer: Drawer | undefined;
  #isAsked = false;
  /** Somebody chose the span; before that a young fleet shows its first hour. */
  #isChosen = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(page: PageHandle, tenant?: string) {
    this.#page = page;
    this.#tenant = tenant;
  }

  /** Called each time the page is drawn; the first time starts it all. */
  mount(name: ChartName, box: HTMLElement): void {
    if (this.#boxes.get(name) === box) return;
    this.#boxes.set(name, box);
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestIdleCallback(() => void this.load(), { timeout: 500 });
    const redraw = (): void => this.#draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new ResizeObserver(redraw).observe(box);
  }

  choose(span: HistorySpan): void {
    this.#isChosen = true;
    this.span = span;
    void this.load();
  }

  async load(): Promise<void> {
    clearTimeout(this.#timer);
    const { span } = this;
    try {
      const tenant = this.#tenant === undefined ? "" : `&tenant=${encodeURIComponent(this.#tenant)}`;
      const [columns, drawer] = await Promise.all([
        getJson<HistoryColumns>(`/api/history?span=${span}${tenant}`),
        this.#drawer ?? import("./chart-drawer.ts"),
      ]);
      if (span !== this.span) return;
      this.#drawer = drawer;
      if (!this.#isChosen && isYoung(columns)) {
        this.choose("1h");
        return;
      }
      this.columns = columns;
      this.failure = undefined;
    } catch (error) {
      this.failure = `The charts could not be loaded: ${errorWords(error).what}`;
    }
    this.#timer = setTimeout(() => void this.#again(), everyMs[span]);
    this.#page.draw();
    this.#draw();
  }

  async #again(): Promise<void> {
    if (document.visibilityState === "visible" && !this.#page.isPaused) await this.load();
    else this.#timer = setTimeout(() => void this.#again(), everyMs[this.span]);
  }

  #draw(): void {
    const { columns } = this;
    if (columns === undefined || this.#drawer === undefined) return;
    for (const [name, box] of this.#boxes) this.#drawer.drawChart(name, box, columns, this.#page.context());
  }
}
