import { formatCounted, mailboxPath } from "@mailfleet/core/browser";
import type { ActionRun, CheckedItem, CheckExit, ProvenItem, RunLine, StateRole, StateShape } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import type { Actions } from "../live/actions.ts";
import type { ViewContext } from "../live/page.ts";
import { postJson } from "../live/api.ts";
import { type StepLine, stepLines } from "../model/doctor.ts";
import { command } from "./command.ts";
import { icon } from "./icon.ts";
import { proof } from "./proof.ts";

/** What the doctor found and what a proof says, in the page that they were asked from. */
export function runResults(actions: Actions, context: ViewContext): TemplateResult {
  return html`${result("doctor", "Doctor", actions, context)} ${result("prove", "Proof", actions, context)}`;
}

function result(verb: "doctor" | "prove", title: string, actions: Actions, context: ViewContext): TemplateResult | typeof nothing {
  const run = actions.latest(verb);
  if (run === undefined || run.state === "failed") return nothing;
  const isBusy = run.state === "waiting" || run.state === "running";
  return html`<section class="section" aria-labelledby="run-${verb}" aria-busy=${isBusy ? "true" : "false"}>
    <div class="section-head">
      <h2 id="run-${verb}">${title}</h2>
      ${
        isBusy && run.isStoppable === true
          ? html`<button
              class="button quiet more"
              type="button"
              ?disabled=${!context.liveness.isLive}
              @click=${() => void stop(run, context)}
            >
              Stop
            </button>`
          : html`<button class="button quiet more" type="button" @click=${() => actions.forget(verb)}>Close</button>`
      }
    </div>
    <div class="card pad stack">
      <p role="status">${run.words}</p>
      ${body(run, context)} ${command(run.command)}
    </div>
  </section>`;
}

/** That it has ended comes as news; where it had ended before, that is on its way. */
async function stop({ id }: ActionRun, { frame }: ViewContext): Promise<void> {
  await postJson(`/api/actions/${encodeURIComponent(id)}/stop`, {}, frame.token).catch(() => undefined);
}

function body({ result: has, lines = [] }: ActionRun, context: ViewContext): TemplateResult | typeof nothing {
  if (has?.kind === "doctor") return html`${has.checked.map((one) => checked(one, has.checked.length > 1))} ${exitLine(has.exit)}`;
  if (has?.kind === "proof") return html`${has.proofs.map((one) => proven(one, has.proofs.length > 1, context))} ${exitLine(has.exit)}`;
  if (lines.length === 0) return nothing;
  return html`<ol class="doctor-steps">
    ${lines.map(lineView)}
  </ol>`;
}

function exitLine({ words }: CheckExit): TemplateResult {
  return html`<p class="muted">${words}</p>`;
}

const looks: Readonly<Record<RunLine["kind"], { readonly role: StateRole; readonly shape: StateShape; readonly mark: string }>> = {
  busy: { role: "moving", shape: "two arrows", mark: "" },
  passed: { role: "calm", shape: "check", mark: "passed: " },
  look: { role: "late", shape: "triangle", mark: "look: " },
  failed: { role: "yours", shape: "octagon", mark: "failed: " },
  skipped: { role: "off", shape: "ring", mark: "nothing to check: " },
};

function lineView({ kind, name, text }: RunLine): TemplateResult {
  return stepView({ ...looks[kind], name, text, commands: [] });
}

function checked({ about, diagnosis }: CheckedItem, isNamed: boolean): TemplateResult {
  const { finding } = diagnosis;
  return html`${isNamed ? html`<h3>${about}</h3>` : nothing}
    <ol class="doctor-steps">
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
            ${finding.also.length === 0 ? nothing : html`<p class="muted">Also possible: ${finding.also.map((one) => one.replace(/\.$/, "")).join("; ")}.</p>`}
            ${diagnosis.next === undefined ? nothing : html`<p>${diagnosis.next}.</p>`}
            ${
              diagnosis.sooner === undefined
                ? nothing
                : html`<p class="muted">Sooner, once it is mended:</p>
                    ${command(diagnosis.sooner)}`
            }
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

function proven({ tenant, address, proof: found, words, gaps }: ProvenItem, isNamed: boolean, context: ViewContext): TemplateResult {
  return html`${isNamed ? html`<h3><a href=${mailboxPath({ tenant, address })}>${address}</a></h3>` : nothing}
  ${
    found === undefined
      ? html`<div class="proof role-yours">
          ${icon("dashed ring")}
          <div>${words.map((line) => html`<p>${line}</p>`)}</div>
        </div>`
      : proof(found, context)
  }
  ${
    gaps.length === 0
      ? nothing
      : html`<div class="table-box" tabindex="0" role="group" aria-label="What is missing of ${address}">
          <table class="table">
            <caption class="said">
              What is missing of ${address}
            </caption>
            <thead>
              <tr>
                <th scope="col">Folder</th>
                <th scope="col">Missing</th>
                <th scope="col">UIDs</th>
              </tr>
            </thead>
            <tbody>
              ${gaps.map(
                ({ folder, count, uids }) =>
                  html`<tr>
                    <td class="folder-name">${folder}</td>
                    <td>${formatCounted(count, "message")}</td>
                    <td class="value-cell"><code>${uids}</code></td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`
  }`;
}
