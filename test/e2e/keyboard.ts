import type { Page } from "playwright-core";
import { expect } from "vitest";
import { hiddenFocus } from "./browser.ts";

/** More than any page has to offer. */
const mostStops = 150;

/** Somebody without a mouse. Whatever has the focus on the way is where it can be seen, or the test fails. */
export interface Hands {
  /** One after the other. */
  press(...keys: readonly string[]): Promise<void>;
  /** Tab to what is called so, or begins so, and Enter. */
  enter(name: string): Promise<void>;
}

export function handsAt(page: Page): Hands {
  const tabTo = async (name: string): Promise<void> => {
    const met = new Set<string>();
    for (let n = 0; n < mostStops; n++) {
      const focused = await focusedName(page);
      if (focused.startsWith(name)) return;
      met.add(focused);
      await page.keyboard.press("Tab");
      expect(await hiddenFocus(page), `on the way to ${name}`).toBeUndefined();
    }
    throw new Error(`${name} is not reached by Tab, only: ${[...met].join(" | ")}`);
  };
  return {
    async press(...keys) {
      for (const key of keys) await page.keyboard.press(key);
    },
    async enter(name) {
      await tabTo(name);
      await page.keyboard.press("Enter");
    },
  };
}

/** What a screen reader would say of what has the focus: its label, else its words. */
async function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { document } = globalThis as unknown as {
      document: { activeElement: { textContent: string | null; getAttribute(name: string): string | null } | null; body: unknown };
    };
    const focused = document.activeElement;
    if (focused === null || focused === document.body) return "";
    return (focused.getAttribute("aria-label") ?? focused.textContent ?? "").replace(/\s+/g, " ").trim();
  });
}
