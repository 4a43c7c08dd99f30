import { type Browser, chromium, type Page } from "playwright-core";
import { findBinary } from "@mailfleet/testkit/servers";

const names = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"];

/** Chromium as the machine has it. @throws Error where it has none */
export async function startBrowser(): Promise<Browser> {
  const found = (await Promise.all(names.map(findBinary))).find((file) => file !== undefined);
  if (found === undefined) throw new Error("No Chromium is here: install the package chromium.");
  return chromium.launch({ executablePath: found, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

/** ms since the browser asked for the page. */
export interface FirstView {
  readonly content: number;
  /** The first row of the list. */
  readonly rows: number;
}

/** What a page tells of itself to whoever looks at it, by names that only this benchmark uses. */
interface Measured {
  benchRowsAt?: number;
}

/** A page in a browser that has seen none of it, until its rows stand. */
export async function openList(
  browser: Browser,
  url: string,
): Promise<{ readonly page: Page; readonly view: FirstView; close(): Promise<void> }> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1_280, height: 800 }, locale: "en-GB" });
  const page = await context.newPage();
  await page.addInitScript(() => {
    const { document, MutationObserver, performance } = globalThis as unknown as PageWorld;
    const note = (): void => {
      if ((globalThis as Measured).benchRowsAt !== undefined || document.querySelector("tbody tr") === null) return;
      (globalThis as Measured).benchRowsAt = performance.now();
    };
    new MutationObserver(note).observe(document, { childList: true, subtree: true });
  });
  await page.goto("/mailboxes");
  await page.locator("tbody tr").first().waitFor();
  // The paint is told after it happened.
  await page.waitForFunction(() => (globalThis as unknown as PageWorld).performance.getEntriesByName("first-contentful-paint").length > 0);
  const view = await page.evaluate(() => ({
    content: (globalThis as unknown as PageWorld).performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
    rows: (globalThis as Measured).benchRowsAt ?? Number.NaN,
  }));
  return { page, view, close: () => context.close() };
}

/** What a person does in the list, and how it is known that the rows are those. */
export interface ListChange {
  /** Label of the field. */
  readonly label: string;
  readonly value: string;
  /** All addresses begin so. */
  readonly prefix: string;
  /** All addresses end so. */
  readonly suffix: string;
}

/** ms from the event of the field to the frame in which all rows are those that were asked for. */
export async function changeList(page: Page, change: ListChange): Promise<number> {
  const field = await page.getByLabel(change.label, { exact: true }).elementHandle();
  return page.evaluate(
    ([element, { value, prefix, suffix }]) =>
      new Promise<number>((resolve) => {
        const world = globalThis as unknown as PageWorld;
        const { document, performance, MutationObserver, requestAnimationFrame, Event } = world;
        const began = performance.now();
        const isThere = (): boolean => {
          const cells = [...document.querySelectorAll("tbody td.first a")].map(({ textContent }) => textContent?.trim() ?? "");
          return cells.length > 0 && cells.every((text) => text.startsWith(prefix) && text.endsWith(suffix));
        };
        const observer = new MutationObserver(() => {
          if (!isThere()) return;
          observer.disconnect();
          requestAnimationFrame(() => resolve(performance.now() - began));
        });
        observer.observe(document, { childList: true, subtree: true, characterData: true });
        const input = element as unknown as { value: string; dispatchEvent(event: unknown): void };
        input.value = value;
        for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
      }),
    [field, change] as const,
  );
}

/** As far as it is used in the page; this file is checked without the browser's types. */
interface PageWorld {
  readonly document: {
    querySelector(selector: string): object | null;
    querySelectorAll(selector: string): Iterable<{ readonly textContent: string | null }>;
  };
  readonly performance: { now(): number; getEntriesByName(name: string): readonly { readonly startTime: number }[] };
  readonly MutationObserver: new (heard: () => void) => { observe(node: object, options: object): void; disconnect(): void };
  readonly Event: new (kind: string, options: object) => object;
  requestAnimationFrame(act: () => void): void;
}
