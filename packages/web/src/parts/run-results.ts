import type { ActionRun } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { Actions } from "../live/actions.ts";
import type { ViewContext } from "../live/page.ts";
import { type StepLine, stepLines } from "../model/doctor.ts";
import { command } from "./command.ts";
import { icon } from "./icon.ts";
import { proof } from "./proof.ts";

/** What the doctor found and what a proof says, in the page that they were asked from. */
export function runResults(actions: Actions, context: ViewContext): TemplateResult {
  return html`${doctorResult(actions, context)} ${proofResult(actions, context)}`;
}

function doctorResult(actions: Actions, context: ViewContext): TemplateResult | typeof nothing {
  const run = actions.latest("doctor");
  if (run === undefined || run.state === "failed") return nothing;
  return panel("doctor", "Doctor", run, actions, run.result?.kind === "doctor" ? doctor(run.result, context) : nothing);
}

function proofResult(actions: Actions, context: ViewContext): TemplateResult | typeof nothing {
  const run = actions.latest("prove");
  if (run === undefined || run.state === "failed") return nothing;
  return panel("prove", "Proof", run, actions, run.result?.kind === "proof" ? proof(run.result.proof, context) : nothing);
}

function panel(
  verb: "doctor" | "prove",
  title: string,
  run: ActionRun,
  actions: Actions,
  body: TemplateResult | typeof nothing,
): TemplateResult {
  const isBusy = run.state === "waiting" || run.state === "running";
  return html`<section class="section" aria-labelledby="run-${verb}" aria-busy=${isBusy ? "true" : "false"}>
    <div class="section-head">
      <h2 id="run-${verb}">${title}</h2>
      <button class="button quiet more" type="button" @click=${() => actions.forget(verb)}>Close</button>
    </div>
    <div class="card pad stack">
      <p role="status">${run.words}</p>
      ${body} ${command(run.command)}
    </div>
  </section>`;
}

function doctor({ diagnosis }: { readonly diagnosis: Parameters<typeof stepLines>[0] }, _context: ViewContext): TemplateResult {
  const { finding } = diagnosis;
  return html`<ol class="doctor-steps">
      ${stepLines(diagnosis).map(stepView)}
    </ol>
    ${
      finding === undefined
        ? nothing
        : html`<div class="stack">
            <p>
              ${finding.certainty === "certain" ? "" : `${finding.certainty === "most likely" ? "Most likely" : "Possible"}: `}${finding.cause}
            </p>
            ${
              finding.facts.length === 0
                ? nothing
                : html`<dl class="facts">
                    ${finding.facts.map(
                      ({ label, value }) =>
                        html`<dt>${label}</dt>
                          <dd><code>${value}</code></dd>`,
                    )}
                  </dl>`
            }
            ${finding.fixes.map(
              ({ who, commands }) =>
                html`<div class="field">
                  <p>${who}</p>
                  ${command(commands.join("\n"))}
                </div>`,
            )}
            ${finding.also.length === 0 ? nothing : html`<p class="muted">Also possible: ${finding.also.join(" ")}</p>`}
            ${diagnosis.next === undefined ? nothing : html`<p>${diagnosis.next}</p>`}
          </div>`
    }`;
}

function stepView({ name, role, shape, text, note, commands, mark }: StepLine): TemplateResult {
  return html`<li class="role-${role}">
    ${icon(shape)}<span class="said">${mark}</span>
    <strong>${name}</strong>
    <span
      >${text}${note === undefined ? nothing : html`<br /><span class="muted">${note}</span>`}
      ${commands.length === 0 ? nothing : command(commands.join("\n"))}</span
    >
  </li>`;
}
