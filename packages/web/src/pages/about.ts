import { formatBytes, formatCount } from "@mailfleet/core/browser";
import type { AboutPage, ConfigItem, ProcessItem } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { postJson } from "../live/api.ts";
import { copyText } from "../live/copy.ts";
import type { ViewContext } from "../live/page.ts";
import { type Preferences, preferencesCookie } from "../preferences.ts";
import { failed, pageHead } from "../parts/head.ts";
import { countWords, processesLine } from "../parts/processes.ts";
import { openPage, startPage } from "./open-page.ts";

const page = openPage<"about">({ name: "about", view });
startPage(page);

function view(data: AboutPage, context: ViewContext): TemplateResult {
  return html`
    ${pageHead({ heading: headingOf(data.processes, context) })} ${failed(page.failure, () => void page.reload())}
    <div class="columns">${you(context)} ${redis(data)}</div>
    ${sandbox(context)}
    <div class="columns">${processesLine(data, context)} ${queue(data)}</div>
    ${config(data.config)} ${limitsTable(data)}
  `;
}

function headingOf(processes: readonly ProcessItem[], { frame }: ViewContext): string {
  return `mailfleet ${frame.version}: ${countWords(processes)}`;
}

function you({ frame, preferences }: ViewContext): TemplateResult {
  const { name, role, canSignOut, readOnly } = frame.you;
  return html`<section class="section" aria-labelledby="you">
    <h2 id="you">You</h2>
    <div class="card pad stack">
      <p><strong>${name}</strong>, ${role}${readOnly === undefined ? nothing : html`. ${readOnly}`}</p>
      <div class="choices">
        ${choice(
          "Colours",
          "theme",
          [
            ["system", "as the system"],
            ["light", "light"],
            ["dark", "dark"],
          ],
          preferences,
        )}
        ${choice(
          "Rows",
          "density",
          [
            ["usual", "usual"],
            ["dense", "dense"],
          ],
          preferences,
        )}
        ${choice(
          "Times",
          "zone",
          [
            ["local", "local"],
            ["utc", "UTC"],
          ],
          preferences,
        )}
        ${choice(
          "Single keys",
          "keys",
          [
            ["on", "on"],
            ["off", "off"],
          ],
          preferences,
        )}
      </div>
      <div class="actions">
        <button
          class="button"
          type="button"
          @click=${() => void import("../live/keys-dialog.ts").then(({ openKeys }) => openKeys(preferences))}
        >
          Show the keys
        </button>
        ${role === "operator" && readOnly === undefined ? html`<a class="button" href="/board">Raw queues</a>` : nothing}
        ${canSignOut ? html`<button class="button" type="button" @click=${() => void signOut()}>Sign out</button>` : nothing}
      </div>
    </div>
  </section>`;
}

function choice<Name extends keyof Preferences>(
  label: string,
  name: Name,
  options: readonly (readonly [value: Preferences[Name], words: string])[],
  preferences: Preferences,
): TemplateResult {
  return html`<label class="field"
    ><span>${label}</span
    ><select
      @change=${(event: Event) => {
        document.cookie = preferencesCookie({ ...preferences, [name]: (event.target as HTMLSelectElement).value });
        location.reload();
      }}
    >
      ${options.map(([value, words]) => html`<option value=${value} ?selected=${preferences[name] === value}>${words}</option>`)}
    </select></label
  >`;
}

async function signOut(): Promise<void> {
  await postJson("/api/logout", {}, page.frame.token).catch(() => undefined);
  location.assign("/");
}

function redis({ redis: facts, node }: AboutPage): TemplateResult {
  const { version, used, limit, problems } = facts;
  const memory =
    used === undefined ? "not known" : `${formatBytes(used)}${limit === undefined ? ", no limit" : ` of ${formatBytes(limit)}`}`;
  return html`<section class="section" aria-labelledby="redis">
    <h2 id="redis">What it runs on</h2>
    <div class="card pad stack">
      <dl class="facts">
        <dt>Redis</dt>
        <dd>${version}</dd>
        <dt>Redis' memory</dt>
        <dd>${memory}</dd>
        <dt>Node</dt>
        <dd>${node}</dd>
      </dl>
      ${problems.map((problem) => html`<p class="role-late role-text"><strong>${problem}</strong></p>`)}
    </div>
  </section>`;
}

function queue({ load, marks, queues }: AboutPage): TemplateResult {
  const waiting = load.waiting + load.delayed + load.active;
  return html`<section class="section" aria-labelledby="queue">
    <h2 id="queue">Hand-off</h2>
    <div class="card pad stack">
      <dl class="facts">
        <dt>Events in the queue</dt>
        <dd>${formatCount(waiting)} of ${formatCount(marks.highWater)}, then history stops</dd>
        <dt>Their size</dt>
        <dd>${formatBytes(load.bytes)} of ${formatBytes(marks.highWaterBytes)}</dd>
        <dt>Dead letters of consumers</dt>
        <dd>${formatCount(load.failed)} of ${formatCount(marks.deadLetters)}, then everything stops</dd>
      </dl>
      ${queues === undefined ? nothing : html`<p><a href=${queues}>The raw queues</a>, read only.</p>`}
    </div>
  </section>`;
}

function sandbox({ frame }: ViewContext): TemplateResult | typeof nothing {
  if (!frame.isSandbox) return nothing;
  return html`<section class="section" aria-labelledby="sandbox">
    <h2 id="sandbox">Break something</h2>
    <div class="card pad stack">
      <p>This fleet is the sandbox: everything in it is invented, and nothing leaves this machine.</p>
      <div class="actions"><a class="button" href="/sandbox">Break something</a></div>
    </div>
  </section>`;
}

function config(items: readonly ConfigItem[]): TemplateResult {
  const text = items.map(({ path, value, from }) => `${path}\t${value}\t${from}`).join("\n");
  const hasFrom = items.some(({ from }) => from !== "");
  return html`<section class="section" aria-labelledby="config">
    <div class="section-head">
      <h2 id="config">Configuration as loaded</h2>
      <button class="button quiet more" type="button" @click=${(event: Event) => copyText(text, event.currentTarget)}>
        <span data-copy>Copy</span>
      </button>
    </div>
    <div class="table-box" tabindex="0" role="group" aria-labelledby="config">
      <table class="table list">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            ${hasFrom ? html`<th scope="col">From</th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${items.map(
            ({ path, value, from }) =>
              html`<tr>
                <td class="first"><code>${path}</code></td>
                <td class="value-cell">${value}</td>
                ${hasFrom ? html`<td class="muted">${from}</td>` : nothing}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function limitsTable({ limits }: AboutPage): TemplateResult {
  return html`<section class="section" aria-labelledby="limits">
    <h2 id="limits">Limits</h2>
    <div class="card pad">
      <details>
        <summary>${formatCount(limits.length)} numbers that guard a worker</summary>
        <dl class="facts">
          ${limits.map(
            ({ name, value }) =>
              html`<dt><code>${name}</code></dt>
                <dd>${Number.isInteger(value) ? formatCount(value) : value}</dd>`,
          )}
        </dl>
      </details>
    </div>
  </section>`;
}
