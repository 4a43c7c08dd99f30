import { formatCounted, formatIn } from "@mailfleet/core/browser";
import type { FaultItem, FaultRequest, FaultSuggestion, OrderedFault, SandboxPage } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { errorWords, postJson } from "../live/api.ts";
import type { ViewContext } from "../live/page.ts";
import { command } from "../parts/command.ts";
import { actionButton, failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { icon } from "../parts/icon.ts";
import { openPage, startPage } from "./open-page.ts";

const lasting = [1, 5, 15] as const;

interface Choice {
  readonly name: string;
  /** `tenant:contoso`, `mailbox`, or empty for everywhere. */
  readonly place: string;
  readonly mailbox: string;
  /** Empty: until it is taken back. */
  readonly minutes: string;
}

let choice: Choice = { name: "", place: "", mailbox: "", minutes: "5" };
let isBusy = false;

const page = openPage<"sandbox">({ name: "sandbox", view, patch: (data) => ({ data, reload: true }) });
startPage(page);

function view(data: SandboxPage, context: ViewContext): TemplateResult {
  const { active, groups, suggestions, trouble } = data;
  return html`
    ${pageHead({
      heading:
        active.length === 0 ? "Nothing goes wrong on purpose." : `${formatCounted(active.length, "fault is", "faults are")} ordered.`,
      crumbs: html`<a href="/about">About</a> / break something`,
      sub: html`<p class="muted">
          This fleet is the sandbox: everything in it is invented, and nothing leaves this machine. Break something, and watch
          <a href="/">the fleet</a> recover with unaccounted 0.
        </p>
        ${readOnlyLine(context)}`,
    })}
    ${failed(trouble ?? page.failure, () => void page.reload())} ${now(active, context)} ${begin(suggestions, context)}
    ${context.mayAct ? form(data, context) : nothing} ${catalogue(groups)}
  `;
}

function now(active: readonly OrderedFault[], context: ViewContext): TemplateResult {
  const ends = ({ until }: OrderedFault): string =>
    until === undefined ? "until it is taken back" : `ends ${formatIn(until, context.now)}`;
  return html`<section class="section" aria-labelledby="now">
    <div class="section-head">
      <h2 id="now">Now</h2>
      ${active.length < 2 ? nothing : actionButton({ label: "End all", css: "quiet", isBusy, onClick: () => void clear({}) }, context)}
    </div>
    ${
      active.length === 0
        ? html`<div class="card nothing"><p>All servers of the sandbox are well.</p></div>`
        : html`<div class="card causes">
            ${active.map(
              (fault) =>
                html`<article class="cause role-late">
                  ${icon("triangle")}
                  <p><strong>${fault.name}</strong>, ${fault.place}: ${fault.says}</p>
                  ${actionButton({ label: `End ${fault.name}`, isBusy, onClick: () => void clear({ id: fault.id }) }, context)}
                  <p class="cause-next muted">struck ${formatCounted(fault.struck, "time")}, ${ends(fault)}</p>
                </article>`,
            )}
          </div>`
    }
  </section>`;
}

function begin(suggestions: readonly FaultSuggestion[], context: ViewContext): TemplateResult | typeof nothing {
  if (suggestions.length === 0) return nothing;
  return html`<section class="section" aria-labelledby="begin">
    <h2 id="begin">To begin with</h2>
    <div class="card pad stack">
      ${suggestions.map(
        ({ label, watch, order }) =>
          html`<div class="field">
            ${context.mayAct ? html`<div class="actions">${actionButton({ label, isBusy, onClick: () => void add(order) }, context)}</div>` : html`<strong>${label}</strong>`}
            <p class="muted">${watch}</p>
          </div>`,
      )}
    </div>
  </section>`;
}

function form({ groups, tenants }: SandboxPage, context: ViewContext): TemplateResult {
  const chosen = groups.flatMap(({ faults }) => faults).find(({ name }) => name === choice.name);
  const change = (more: Partial<Choice>): void => {
    choice = { ...choice, ...more };
    page.draw();
  };
  const picked = (event: Event): string => (event.target as HTMLSelectElement | HTMLInputElement).value;
  return html`<section class="section" aria-labelledby="any">
    <h2 id="any">Any fault, anywhere</h2>
    <form
      class="card pad stack"
      @submit=${(event: Event) => {
        event.preventDefault();
        if (chosen !== undefined) void add(orderOf(chosen));
      }}
    >
      <div class="choices">
        <label class="field"
          ><span>Fault</span
          ><select @change=${(event: Event) => change({ name: picked(event), place: "" })}>
            <option value="" ?selected=${choice.name === ""}>Choose one</option>
            ${groups.map(
              ({ title, faults }) =>
                html`<optgroup label=${title}>
                  ${faults.map(({ name }) => html`<option value=${name} ?selected=${choice.name === name}>${name}</option>`)}
                </optgroup>`,
            )}
          </select></label
        >
        <label class="field"
          ><span>Where</span
          ><select @change=${(event: Event) => change({ place: picked(event) })}>
            <option value="" ?selected=${choice.place === ""}>everywhere</option>
            ${
              chosen?.places.includes("tenant") === true
                ? tenants.map(
                    (alias) =>
                      html`<option value="tenant:${alias}" ?selected=${choice.place === `tenant:${alias}`}>tenant ${alias}</option>`,
                  )
                : nothing
            }
            ${chosen?.places.includes("mailbox") === true ? html`<option value="mailbox" ?selected=${choice.place === "mailbox"}>one mailbox</option>` : nothing}
          </select></label
        >
        ${
          choice.place === "mailbox"
            ? html`<label class="field"
                ><span>Mailbox</span
                ><input
                  type="text"
                  required
                  autocomplete="off"
                  spellcheck="false"
                  .value=${choice.mailbox}
                  @input=${(event: Event) => change({ mailbox: picked(event) })}
              /></label>`
            : nothing
        }
        ${
          chosen?.isOnce === true
            ? nothing
            : html`<label class="field"
                ><span>How long</span
                ><select @change=${(event: Event) => change({ minutes: picked(event) })}>
                  ${lasting.map((minutes) => html`<option value=${minutes} ?selected=${choice.minutes === String(minutes)}>${minutes} min</option>`)}
                  <option value="" ?selected=${choice.minutes === ""}>until it is ended</option>
                </select></label
              >`
        }
      </div>
      ${chosen === undefined ? nothing : html`<p role="status">${chosen.says}</p>`}
      <div class="actions">
        <button class="button primary" type="submit" ?disabled=${chosen === undefined || isBusy || !context.liveness.isLive}>
          Break it
        </button>
      </div>
      <div class="field">
        <span class="muted">With its parameters, in a terminal</span
        >${command(`npx mailfleet sandbox fault show${chosen === undefined ? "" : ` ${chosen.name}`}${context.frame.options}`)}
      </div>
    </form>
  </section>`;
}

function orderOf({ name, isOnce }: FaultItem): FaultRequest {
  const { place, mailbox, minutes } = choice;
  return {
    name,
    ...(place.startsWith("tenant:") && { tenant: place.slice("tenant:".length) }),
    ...(place === "mailbox" && { mailbox: mailbox.trim().toLowerCase() }),
    ...(minutes !== "" && !isOnce && { minutes: Number(minutes) }),
  };
}

function catalogue(groups: SandboxPage["groups"]): TemplateResult {
  return html`<section class="section" aria-labelledby="all">
    <h2 id="all">What each of them does</h2>
    <div class="card pad stack">
      ${groups.map(
        ({ title, faults }) =>
          html`<details>
            <summary>${title}</summary>
            <dl class="facts">
              ${faults.map(
                ({ name, says }) =>
                  html`<dt><code>${name}</code></dt>
                    <dd>${says}</dd>`,
              )}
            </dl>
          </details>`,
      )}
    </div>
  </section>`;
}

function add(order: FaultRequest): Promise<void> {
  return send("/api/sandbox/faults", order);
}

function clear(which: { readonly id?: number }): Promise<void> {
  return send("/api/sandbox/faults/clear", which);
}

async function send(path: string, body: object): Promise<void> {
  isBusy = true;
  page.draw();
  try {
    await postJson(path, body, page.frame.token);
  } catch (error) {
    const { toastError } = await import("../live/toasts.ts");
    const { what, todo } = errorWords(error);
    toastError(what, todo);
  }
  isBusy = false;
  await page.reload();
}
