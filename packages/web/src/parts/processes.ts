import { formatCounted } from "@mailfleet/core/browser";
import type { FleetPage, ProcessItem } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../live/page.ts";
import { icon } from "./icon.ts";
import { ago } from "./time.ts";

/** Who works, and what troubles them. */
export function processesLine({ processes }: Pick<FleetPage, "processes">, context: ViewContext): TemplateResult {
  const troubled = processes.filter(({ troubles }) => troubles.length > 0);
  return html`<section class="section" aria-labelledby="processes">
    <h2 id="processes">Processes</h2>
    <div class="card pad">
      <p>${countWords(processes)}</p>
      ${
        troubled.length === 0
          ? html`<p class="muted">None reports a trouble.</p>`
          : html`<ul class="troubles">
              ${troubled.map((one) =>
                one.troubles.map(
                  (trouble) =>
                    html`<li class="role-late">
                      ${icon("triangle")}<span><strong>${one.role} ${one.id}:</strong> ${trouble}</span>
                    </li>`,
                ),
              )}
            </ul>`
      }
      ${
        processes.length === 0
          ? nothing
          : html`<details>
              <summary>Each of them</summary>
              <dl class="facts">
                ${processes.map(
                  (one) =>
                    html`<dt>${one.role} <code>${one.id}</code></dt>
                      <dd>seen ${ago(one.seenAt, context)}</dd>`,
                )}
              </dl>
            </details>`
      }
    </div>
  </section>`;
}

/** `3 workers and 1 producer are alive.` */
export function countWords(processes: readonly ProcessItem[]): string {
  const roles = Map.groupBy(processes, ({ role }) => role);
  const parts = [...roles].map(([role, some]) => formatCounted(some.length, role));
  if (parts.length === 0) return "No process has reported within the last 30 s.";
  const last = parts.pop() as string;
  return `${parts.length === 0 ? last : `${parts.join(", ")} and ${last}`} ${processes.length === 1 ? "is" : "are"} alive.`;
}
