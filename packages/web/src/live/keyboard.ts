import type { PageHandle } from "./page.ts";

const pages: Readonly<Record<string, string>> = { f: "/", m: "/mailboxes", d: "/dead-letters", a: "/activity" };
/** After `g` the next letter belongs to it for this long. */
const goMs = 1_500;

/** What a page adds to the keys that every page has. */
export interface PageKeys {
  /** `.` */
  sortAgain?(): void;
}

/**
 * Single keys never change anything on the server: one that is hit by mistake does no harm. They can be switched off (WCAG 2.1.4); Ctrl-K and
 * Tab stay.
 */
export function listenToKeys(page: PageHandle, keys: PageKeys = {}): void {
  let wentAt = -goMs;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      void import("./palette.ts").then(({ openPalette }) => openPalette());
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || page.preferences.keys === "off") return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
    if (event.timeStamp - wentAt < goMs) {
      wentAt = -goMs;
      const path = pages[event.key];
      if (path === undefined) return;
      event.preventDefault();
      location.assign(path);
      return;
    }
    switch (event.key) {
      case "g":
        wentAt = event.timeStamp;
        break;
      case "/":
        event.preventDefault();
        document.querySelector<HTMLInputElement>("#filter, #find")?.focus();
        break;
      case "j":
      case "k":
        event.preventDefault();
        moveRow(event.key === "j" ? 1 : -1);
        break;
      case "x":
        focusedRow()?.querySelector<HTMLInputElement>("input[type=checkbox]")?.click();
        break;
      case "Enter":
        if (event.target === focusedRow()) focusedRow()?.querySelector<HTMLAnchorElement>("a")?.click();
        break;
      case ".":
        keys.sortAgain?.();
        break;
      case "p":
        page.togglePause();
        break;
      case "?":
        event.preventDefault();
        void import("./keys-dialog.ts").then(({ openKeys }) => openKeys(page.preferences));
        break;
      default:
    }
  });
  document.querySelector("#live")?.addEventListener("click", () => page.togglePause());
}

/** Of whichever table the page has first, or the one that has the focus. */
function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main tr[data-row]")];
  const at = rows.indexOf(focusedRow() as HTMLElement);
  const next = rows[at === -1 ? 0 : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function focusedRow(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>("tr[data-row]") ?? null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select") !== null;
}
