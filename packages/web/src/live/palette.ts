import { mailboxPath } from "@mailfleet/core/browser";
import type { FindAnswer } from "@mailfleet/core/console";
import { html, type TemplateResult } from "lit-html";
import { getJson } from "./api.ts";
import { type OpenDialog, openDialog } from "./dialog.ts";

interface Place {
  readonly path: string;
  readonly label: string;
  readonly kind: string;
}

const pages: readonly Place[] = [
  { path: "/", label: "Fleet", kind: "page" },
  { path: "/mailboxes", label: "Mailboxes", kind: "page" },
  { path: "/dead-letters", label: "Dead letters", kind: "page" },
  { path: "/activity", label: "Activity", kind: "page" },
  { path: "/about", label: "About", kind: "page" },
];

const debounceMs = 150;
let isOpen = false;

/** Ctrl-K: pages, tenants and mailboxes by the beginning of their names; arrows choose, Enter goes. */
export function openPalette(): void {
  if (isOpen) return;
  isOpen = true;
  let places: readonly Place[] = pages;
  let chosen = 0;
  let note = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = new AbortController();

  const search = async (text: string, dialog: OpenDialog): Promise<void> => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    const ofPages = pages.filter(({ label }) => label.toLowerCase().startsWith(text.toLowerCase()));
    try {
      const found = text === "" ? undefined : await getJson<FindAnswer>(`/api/find?q=${encodeURIComponent(text)}`, signal);
      places = [...ofPages, ...placesOf(found)];
      note = places.length === 0 ? "Nothing begins with this." : "";
    } catch (error) {
      if (signal.aborted) return;
      places = ofPages;
      note = error instanceof Error ? error.message : String(error);
    }
    chosen = 0;
    dialog.draw();
  };
  const onInput = (event: InputEvent, dialog: OpenDialog): void => {
    clearTimeout(timer);
    const { value } = event.target as HTMLInputElement;
    timer = setTimeout(() => void search(value.trim(), dialog), debounceMs);
  };
  const onKey = (event: KeyboardEvent, dialog: OpenDialog): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      chosen = Math.max(0, Math.min(places.length - 1, chosen + step));
      dialog.draw();
      document.querySelector(`#place-${chosen}`)?.scrollIntoView({ block: "nearest" });
    }
    if (event.key === "Enter") {
      const place = places[chosen];
      if (place !== undefined) location.assign(place.path);
    }
  };

  openDialog(
    "Go anywhere",
    (dialog) =>
      html`<div class="dialog-body">
        <input
          type="search"
          placeholder="Page, tenant or mailbox"
          role="combobox"
          aria-label="Page, tenant or mailbox"
          aria-expanded="true"
          aria-controls="places"
          aria-activedescendant=${places.length === 0 ? "" : `place-${chosen}`}
          autocomplete="off"
          spellcheck="false"
          autofocus
          @input=${(event: InputEvent) => onInput(event, dialog)}
          @keydown=${(event: KeyboardEvent) => onKey(event, dialog)}
        />
        <div class="places" id="places" role="listbox" aria-label="Places">${places.map((place, i) => option(place, i, chosen))}</div>
        ${note === "" ? "" : html`<p class="muted" role="status">${note}</p>`}
      </div>`,
    () => {
      isOpen = false;
      clearTimeout(timer);
      asked.abort();
    },
  );
}

function option({ path, label, kind }: Place, i: number, chosen: number): TemplateResult {
  return html`<div
    class="place"
    id="place-${i}"
    role="option"
    aria-selected=${i === chosen ? "true" : "false"}
    @click=${() => location.assign(path)}
  >
    <span>${label}</span><span class="muted">${kind}</span>
  </div>`;
}

function placesOf(found: FindAnswer | undefined): readonly Place[] {
  if (found === undefined) return [];
  return [
    ...found.tenants.map((alias) => ({ path: `/tenants/${encodeURIComponent(alias)}`, label: alias, kind: "tenant" })),
    ...found.mailboxes.map((one) => ({ path: mailboxPath(one), label: one.address, kind: one.tenant })),
  ];
}
