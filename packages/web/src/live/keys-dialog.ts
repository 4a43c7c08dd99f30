import { html } from "lit-html";
import { type Preferences, preferencesCookie } from "../preferences.ts";
import { openDialog } from "./dialog.ts";

const keys: readonly (readonly [keys: readonly string[], what: string])[] = [
  [["/"], "Search"],
  [["j", "k"], "Next row, row before"],
  [["Enter"], "Open the row"],
  [["x"], "Select the row"],
  [["."], "Sort again"],
  [["p"], "Pause live updates"],
  [["g", "f"], "Fleet"],
  [["g", "m"], "Mailboxes"],
  [["g", "d"], "Dead letters"],
  [["g", "a"], "Activity"],
  [["Ctrl", "K"], "Go anywhere"],
  [["?"], "These keys"],
];

export function openKeys(preferences: Preferences): void {
  openDialog(
    "Keys",
    (dialog) =>
      html`<div class="dialog-body">
        <h2>Keys</h2>
        <dl class="keys">
          ${keys.map(
            ([names, what]) =>
              html`<dt>${names.map((name) => html`<kbd>${name}</kbd> `)}</dt>
                <dd>${what}</dd>`,
          )}
        </dl>
        <p class="muted">No key changes anything by itself.</p>
        <div class="dialog-buttons">
          <button
            class="button"
            type="button"
            @click=${() => {
              document.cookie = preferencesCookie({ ...preferences, keys: "off" });
              location.reload();
            }}
          >
            Switch single keys off
          </button>
          <button class="button primary" type="button" autofocus @click=${() => dialog.close()}>Close</button>
        </div>
      </div>`,
  );
}
