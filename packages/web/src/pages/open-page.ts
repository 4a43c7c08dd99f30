import type { PageAnswer, PageData } from "@mailfleet/core/console";
import type { PageKeys } from "../live/keyboard.ts";
import { Page, type PageHandle, type PageOptions } from "../live/page.ts";

/** Takes the page's data out of the shell. Nothing is drawn before {@link startPage}. */
export function openPage<Name extends PageData["name"]>(options: PageOptions<Name>): Page<Name> {
  const answer = JSON.parse(document.querySelector("#page")?.textContent ?? "") as PageAnswer;
  return new Page<Name>(answer, options);
}

/** Draws it; from there on it lives by the stream. */
export function startPage(page: PageHandle & Pick<Page, "start">, keys: PageKeys = {}): void {
  page.start();
  // What the first picture does not need comes after it.
  void import("../live/keyboard.ts").then(({ listenToKeys }) => listenToKeys(page, keys));
  // A new page is read from its heading on; nothing scrolls.
  document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
}
