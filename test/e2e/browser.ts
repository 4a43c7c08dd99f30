import axeCore from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { findBinary } from "@mailfleet/testkit";

const names = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"];

/** Debian's Chromium, or what else there is; nothing is downloaded. TEST_CHROMIUM names one by hand. */
export async function startBrowser(): Promise<Browser> {
  const found = [process.env["TEST_CHROMIUM"], ...(await Promise.all(names.map(findBinary)))].find(
    (path) => path !== undefined && path !== "",
  );
  if (found === undefined) throw new Error("No Chromium is here: install the package chromium, or set TEST_CHROMIUM to one.");
  // Root in a container has no sandbox of the browser's own kind; the pages are ours.
  return chromium.launch({ executablePath: found, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

export type Theme = "light" | "dark";
export const widths = { desk: 1280, phone: 390 } as const;

/** One person's browser: what it complains about, and where it asks. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Fails when the console of the browser was not silent, a script threw, or anything was asked of another host. */
  expectQuiet(): void;
  close(): Promise<void>;
}

export interface VisitorOptions {
  readonly isPhone?: boolean;
  readonly theme?: Theme;
  readonly headers?: Readonly<Record<string, string>>;
  /** `name=value`, of somebody who is signed in. */
  readonly cookie?: string;
}

export async function openVisitor(browser: Browser, url: string, options: VisitorOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: sizeOf(options.isPhone === true ? widths.phone : widths.desk),
    colorScheme: options.theme ?? "light",
    // uPlot throws at import where the language is odd.
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
    ...(options.headers && { extraHTTPHeaders: options.headers }),
  });
  if (options.cookie !== undefined) {
    const [name = "", value = ""] = options.cookie.split("=");
    await context.addCookies([{ name, value, url }]);
  }
  const page = await context.newPage();
  const complaints: string[] = [];
  const { host } = new URL(url);
  context.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  context.on("weberror", (error) => complaints.push(String(error.error())));
  context.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol.startsWith("http") && asked.host !== host) complaints.push(`asked ${asked.host}`);
  });
  return {
    context,
    page,
    expectQuiet: () => expect(complaints).toEqual([]),
    close: () => context.close(),
  };
}

function sizeOf(width: number): { readonly width: number; readonly height: number } {
  return { width, height: width === widths.phone ? 844 : 800 };
}

const levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on the page as it is now: level A and AA, and what it calls best practice; or by some of its rules alone. */
async function axeFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  // Through the debugger: the page's own policy lets no script in.
  const debug = await page.context().newCDPSession(page);
  await debug.send("Runtime.evaluate", { expression: `if (globalThis.axe === undefined) { ${axeCore.source} }` });
  await debug.detach();
  return page.evaluate(
    async (runOnly) => {
      const { axe, document } = globalThis as unknown as {
        axe: { run(node: unknown, options: object): Promise<AxeResults> };
        document: unknown;
      };
      const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    },
    rules === undefined ? { type: "tag", values: levels } : { type: "rule", values: [...rules] },
  );
}

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** axe in both widths and themes, and no sideways scroll in either. A theme changes colours and nothing else, so in the other one colours are looked at. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  for (const width of Object.values(widths)) {
    await page.setViewportSize(sizeOf(width));
    await page.emulateMedia({ colorScheme: "light" });
    expect(await axeFindings(page), `${what}, light, ${width} px`).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await axeFindings(page, ["color-contrast", "link-in-text-block"]), `${what}, dark, ${width} px`).toEqual([]);
    expect(await sidewaysScroll(page), `${what} scrolls sideways at ${width} px`).toBe(0);
  }
  await page.setViewportSize(sizeOf(widths.desk));
  await page.emulateMedia({ colorScheme: "light" });
}

/** Pixels that the page is wider than the window. */
export async function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { document, innerWidth } = globalThis as unknown as {
      document: { documentElement: { scrollWidth: number } };
      innerWidth: number;
    };
    return Math.max(0, document.documentElement.scrollWidth - innerWidth);
  });
}

/** Elements that are green in any part: what says that all is well. Greys, blues and reds are not, nor is a chart behind a grey filter. */
export async function greenOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { document, getComputedStyle } = globalThis as unknown as {
      document: { querySelectorAll(selector: string): Iterable<PageElement> };
      getComputedStyle(node: unknown): Record<"color" | "backgroundColor" | "borderTopColor" | "filter", string>;
    };
    interface PageElement {
      readonly tagName: string;
      getAttribute(name: string): string | null;
      closest(selector: string): PageElement | null;
    }
    const isGreen = (colour: string): boolean => {
      const [red = 0, green = 0, blue = 0, opacity = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
      return opacity > 0 && green > red + 10 && green > blue + 3;
    };
    return [...document.querySelectorAll("body *")].flatMap((element) => {
      const chart = element.closest(".chart-box");
      if (chart !== null && getComputedStyle(chart).filter === "grayscale(1)") return [];
      const { color, backgroundColor, borderTopColor } = getComputedStyle(element);
      return [color, backgroundColor, borderTopColor].some(isGreen) ? [`${element.tagName} ${element.getAttribute("class") ?? ""}`] : [];
    });
  });
}

/** What has the focus and neither ring nor place where it is seen: its words. */
export async function hiddenFocus(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const { document, getComputedStyle, innerHeight, innerWidth } = globalThis as unknown as {
      document: { activeElement: PageElement; body: PageElement; elementFromPoint(x: number, y: number): PageElement | null };
      getComputedStyle(node: unknown): { outlineStyle: string; boxShadow: string };
      innerHeight: number;
      innerWidth: number;
    };
    interface PageElement {
      readonly textContent: string;
      contains(other: PageElement): boolean;
      getBoundingClientRect(): { readonly left: number; readonly top: number; readonly bottom: number; readonly width: number };
    }
    const focused = document.activeElement;
    if (focused === document.body) return undefined;
    const { outlineStyle, boxShadow } = getComputedStyle(focused);
    const { left, top, bottom, width } = focused.getBoundingClientRect();
    const x = Math.min(innerWidth - 1, Math.max(0, left + Math.min(width / 2, 20)));
    const isSeen = [top + 2, (top + bottom) / 2, bottom - 2].some((y) => {
      const shown = y >= 0 && y < innerHeight ? document.elementFromPoint(x, y) : null;
      return shown !== null && (focused.contains(shown) || shown.contains(focused));
    });
    return isSeen && (outlineStyle !== "none" || boxShadow !== "none") ? undefined : focused.textContent;
  });
}

export const heading = (page: Page) => page.getByRole("heading", { level: 1 });
export const main = (page: Page) => page.locator("#main");
/** Of the mailboxes that a list shows, in its order. */
export const addressesOf = (page: Page): Promise<string[]> => page.locator("tbody td.first a").allTextContents();

export async function waitForHeading(page: Page, words: string | RegExp, ms = 30_000): Promise<void> {
  await heading(page).filter({ hasText: words }).waitFor({ timeout: ms });
}

/** Keys come after the first picture. */
export async function isListening(page: Page): Promise<void> {
  await page.getByRole("button", { name: /live \d s/ }).waitFor();
  await page.waitForFunction(() => {
    const { performance } = globalThis as unknown as { performance: { getEntriesByType(type: string): readonly { name: string }[] } };
    return performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/live/keyboard.ts"));
  });
}

export async function focusedWords(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { document } = globalThis as unknown as { document: { activeElement: { textContent: string | null } | null } };
    return document.activeElement?.textContent?.trim() ?? "";
  });
}

/** Tab until the focus is on it: what cannot be reached so is out of reach of a keyboard. */
export async function tabTo(page: Page, words: string): Promise<void> {
  for (let n = 0; n < 80; n++) {
    if ((await focusedWords(page)) === words) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${words} is not reached by Tab`);
}
