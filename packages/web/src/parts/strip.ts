import { formatClock } from "@mailfleet/core/browser";
import type { StateStrip, Zone } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { type StripCell, stripDays, type StripMark, stripSentence } from "../model/strip.ts";

/** Fourteen days at a glance, and the same as a table. */
export function strip(data: StateStrip, marks: readonly StripMark[], { zone }: { readonly zone: Zone }): TemplateResult {
  const days = stripDays(data, marks, zone);
  const said = ({ at, state, marks: here }: StripCell): string =>
    `${formatClock(at, { now: at, zone })} ${state ?? "not recorded"}${here.length === 0 ? "" : `: ${here.join("; ")}`}`;
  return html`<p>${stripSentence(data)}</p>
    <div class="strip" aria-hidden="true">
      ${days.map(
        ({ label, cells }) =>
          html`<span class="strip-day">${label}</span>
            <span class="strip-cells"
              >${cells.map(
                (cell) =>
                  html`<i
                    class="role-${cell.role} ${cell.state === undefined ? "gap" : ""} ${cell.isHatched ? "hatched" : ""} ${cell.marks.length > 0 ? "marked" : ""}"
                    title=${said(cell)}
                  ></i>`,
              )}</span
            >`,
      )}
    </div>
    <details>
      <summary>As a table</summary>
      <div class="table-box">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">What was not fresh</th>
            </tr>
          </thead>
          <tbody>
            ${days.toReversed().map(({ label, cells }) => {
              const told = cells.filter(
                (cell) => (cell.state !== undefined && cell.state !== "fresh" && cell.state !== "syncing") || cell.marks.length > 0,
              );
              return html`<tr>
                <td class="nowrap">${label}</td>
                <td>
                  ${told.length === 0 ? html`<span class="muted">nothing</span>` : told.map((cell, i) => html`${i === 0 ? nothing : ", "}${said(cell)}`)}
                </td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
    </details>`;
}
