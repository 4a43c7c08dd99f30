import { formatClock } from "@mailfleet/core/browser";
import type { Ticket } from "@mailfleet/core/console";
import { html, nothing } from "lit-html";
import { command } from "../parts/command.ts";
import { openDialog } from "./dialog.ts";
import type { ViewContext } from "./page.ts";

export interface Confirmed {
  readonly reason?: string;
  readonly typed?: string;
}

/** Shows exactly what would be acted on. Focus begins on Cancel; the other button names the verb and the number. */
export function confirmTicket(ticket: Ticket, { now, zone }: Pick<ViewContext, "now" | "zone">): Promise<Confirmed | undefined> {
  return new Promise((resolve) => {
    let answer: Confirmed | undefined;
    let typed = "";
    let reason = "";
    const { subject, first, count, notes, button, verb } = ticket;
    const isRight = (): boolean => ticket.typed === undefined || typed === ticket.typed;
    openDialog(
      button,
      (dialog) =>
        html`<form
          class="dialog-body"
          @submit=${(event: Event) => {
            event.preventDefault();
            if (!isRight()) return;
            answer = { ...(reason.trim() !== "" && { reason: reason.trim() }), ...(ticket.typed !== undefined && { typed }) };
            dialog.close();
          }}
        >
          <h2>${button}</h2>
          <p>${subject}, as of ${formatClock(ticket.at, { now, zone, seconds: true })}. What comes later is not in it.</p>
          ${
            first.length === 0
              ? nothing
              : html`<ul class="dialog-list">
                  ${first.map((name) => html`<li>${name}</li>`)}
                  ${count > first.length ? html`<li class="muted">and ${count - first.length} more</li>` : nothing}
                </ul>`
          }
          ${notes.map((note) => html`<p>${note}</p>`)}
          ${
            ticket.typed === undefined
              ? nothing
              : html`<label class="field"
                  ><span>Type <code>${ticket.typed}</code> to ${verb} them</span
                  ><input
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    @input=${(event: Event) => {
                      typed = (event.target as HTMLInputElement).value.trim();
                      dialog.draw();
                    }}
                /></label>`
          }
          <label class="field"
            ><span>Reason, for the activity <span class="muted">(may be left out)</span></span
            ><input
              type="text"
              maxlength="200"
              autocomplete="off"
              @input=${(event: Event) => (reason = (event.target as HTMLInputElement).value)}
          /></label>
          <div class="field"><span class="muted">The same in a terminal</span>${command(ticket.command)}</div>
          <div class="dialog-buttons">
            <button class="button" type="button" autofocus @click=${() => dialog.close()}>Cancel</button>
            <button class="button ${verb === "discard" ? "danger" : "primary"}" type="submit" ?disabled=${!isRight()}>${button}</button>
          </div>
        </form>`,
      () => resolve(answer),
    );
  });
}
