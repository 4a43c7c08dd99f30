import { formatAgo, formatBytes, formatClock, formatCount, formatCounted, formatDay, mailboxPath } from "@mailfleet/core/browser";
import { causeWords, ownerWords } from "@mailfleet/core/browser/letters";
import type { DeadLettersPage, DiscardedItem, LetterCauseItem, LetterItem } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import { Actions } from "../live/actions.ts";
import type { ViewContext } from "../live/page.ts";
import { areOtherLetters, letterLink, oldestOf, type Whose, whoseOf } from "../model/letters.ts";
import { actionButton, failed, pageHead, readOnlyLine } from "../parts/head.ts";
import { icon } from "../parts/icon.ts";
import { ago } from "../parts/time.ts";
import { openPage, startPage } from "./open-page.ts";

const whose = whoseOf(location.search);
let chosen: ReadonlySet<string> = new Set();

const page = openPage<"dead-letters">({
  name: "dead-letters",
  view,
  patch: (data, { summary }) => ({ data, reload: areOtherLetters(data, summary) }),
});
const actions = new Actions(page);
startPage(page);

function view(data: DeadLettersPage, context: ViewContext): TemplateResult {
  const { sentence, letters, listedAt, discarded } = data;
  const causes = data.causes.filter(({ owner }) => whose === "all" || owner.kind === (whose === "consumers" ? "consumer" : "message"));
  const oldest = oldestOf(data.causes);
  return html`
    ${pageHead({
      heading: oldest === undefined ? sentence : `${sentence} The oldest is ${formatAgo(oldest, context.now).replace(" ago", " old")}.`,
      sub: html`<p class="muted">Listed ${ago(listedAt, context)}.</p>
        ${readOnlyLine(context)}`,
    })}
    ${failed(page.failure, () => void page.reload())}
    ${letters === 0 ? html`<div class="empty"><p>Nothing failed. What a consumer cannot handle, and messages that were set aside, appear here by their cause.</p></div>` : html`${whoseLinks()} ${list(causes, data, context)}`}
    ${discardedSection(discarded, context)} ${selectionBar(context)}
  `;
}

function whoseLinks(): TemplateResult {
  const link = (value: Whose, words: string): TemplateResult =>
    html`<a href=${letterLink(value)} aria-current=${whose === value ? "true" : nothing}>${words}</a>`;
  return html`<nav class="views" aria-label="Whose">
    ${link("all", "All")} ${link("consumers", "Consumers")} ${link("messages", "Messages")}
  </nav>`;
}

function list(causes: readonly LetterCauseItem[], data: DeadLettersPage, context: ViewContext): TemplateResult {
  if (causes.length === 0) return html`<div class="empty"><p>None of these.</p></div>`;
  return html`<section class="section" aria-labelledby="causes">
    <h2 id="causes" class="said">Causes</h2>
    <div class="card causes">
      ${repeat(
        causes,
        ({ id }) => id,
        (cause) => causeRow(cause, data, context),
      )}
    </div>
  </section>`;
}

function causeRow(cause: LetterCauseItem, { opened }: DeadLettersPage, context: ViewContext): TemplateResult {
  const { id, owner, letters, since, isStillFailing } = cause;
  const isOpen = opened?.causeId === id;
  return html`<article class="letter-cause ${isOpen ? "open" : ""}">
    <div class="cause ${owner.kind === "consumer" ? "role-late" : "role-off"}">
      ${icon(owner.kind === "consumer" ? "triangle" : "two bars")}
      <h3 class="cause-line"><span class="muted">${ownerWords(owner)}:</span> ${causeWords(cause)}</h3>
      <strong class="number">${formatCount(letters)}</strong>
      <span class="actions">
        ${actionButton({ label: `Replay ${formatCount(letters)}`, onClick: () => void ask("replay", { letterCause: id }) }, context)}
        <a
          class="button quiet"
          href=${letterLink(whose, isOpen ? undefined : id)}
          aria-expanded=${isOpen ? "true" : "false"}
          aria-label="${isOpen ? "Close" : "Open"} ${id}"
          >${isOpen ? "Close" : "Open"}</a
        >
      </span>
      <p class="cause-next muted">
        <code>${id}</code
        >${since === undefined ? nothing : ` since ${formatClock(since, context)}`}${isStillFailing ? html`, <strong class="role-late role-text">still failing</strong>: the last came within ten minutes` : nothing}
      </p>
    </div>
    ${isOpen && opened !== undefined ? openedTable(cause, opened, context) : nothing}
  </article>`;
}

function openedTable(
  cause: LetterCauseItem,
  { letters, total }: NonNullable<DeadLettersPage["opened"]>,
  context: ViewContext,
): TemplateResult {
  return html`<div class="opened">
    <div class="table-note">
      <span
        >${total > letters.length ? `The first ${formatCount(letters.length)} of ${formatCount(total)}.` : formatCounted(total, "letter")}</span
      >
      ${actionButton({ label: `Discard ${formatCount(cause.letters)}`, css: "danger", onClick: () => void ask("discard", { letterCause: cause.id }) }, context)}
    </div>
    <div class="table-box" tabindex="0" role="group" aria-label="Letters of ${cause.id}">
      <table class="table list">
        <caption class="said">
          Letters of ${cause.id}, without their content
        </caption>
        <thead>
          <tr>
            ${context.mayAct ? html`<th scope="col" class="pick"><span class="said">Select</span></th>` : nothing}
            <th scope="col">Mailbox</th>
            <th scope="col">Folder</th>
            <th scope="col" class="number">UID</th>
            <th scope="col" class="number">Received</th>
            <th scope="col" class="number">Size</th>
            <th scope="col" class="number">Tries</th>
            <th scope="col">Last error</th>
            ${context.mayAct ? html`<th scope="col"><span class="said">Reveal</span></th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${repeat(
            letters,
            ({ id }) => id,
            (letter) => letterRow(letter, context),
          )}
        </tbody>
      </table>
    </div>
  </div>`;
}

function letterRow(letter: LetterItem, context: ViewContext): TemplateResult {
  const { id, tenant, mailbox, folder, uid, receivedAt, bytes, tries, lastError, type } = letter;
  const isChosen = chosen.has(id);
  const name = mailbox ?? type ?? id;
  return html`<tr data-row tabindex="-1" class=${isChosen ? "chosen" : ""}>
    ${
      context.mayAct
        ? html`<td class="pick">
            <label
              ><input
                type="checkbox"
                aria-label="Select ${name} ${uid ?? ""}"
                .checked=${live(isChosen)}
                @change=${(event: Event) => toggle(id, (event.target as HTMLInputElement).checked)}
            /></label>
          </td>`
        : nothing
    }
    <td class="first">
      ${tenant === undefined || mailbox === undefined ? name : html`<a href=${mailboxPath({ tenant, address: mailbox })}>${mailbox}</a>`}
    </td>
    <td data-label="folder">${folder ?? html`<span class="muted">not known</span>`}</td>
    <td class="number" data-label="UID">${uid === undefined ? "" : formatCount(uid)}</td>
    <td class="number" data-label="received">${ago(receivedAt, context, "not known")}</td>
    <td class="number" data-label="size">${bytes === undefined ? "" : formatBytes(bytes)}</td>
    <td class="number" data-label="tries">${tries === undefined ? "" : formatCount(tries)}</td>
    <td class="full error-cell">${lastError ?? ""}</td>
    ${
      context.mayAct
        ? html`<td>
            <button
              class="button quiet"
              type="button"
              ?disabled=${!context.liveness.isLive}
              aria-label="Reveal ${name} ${uid ?? ""}"
              @click=${() => void reveal(letter)}
            >
              Reveal
            </button>
          </td>`
        : nothing
    }
  </tr>`;
}

async function reveal(letter: LetterItem): Promise<void> {
  const { revealLetter } = await import("../live/reveal-dialog.ts");
  revealLetter(letter, page, actions);
}

function toggle(id: string, isChosen: boolean): void {
  const next = new Set(chosen);
  if (isChosen) next.add(id);
  else next.delete(id);
  chosen = next;
  page.draw();
}

async function ask(
  verb: "replay" | "discard",
  select: { readonly letterCause: string } | { readonly letters: readonly string[] },
): Promise<void> {
  const run = await actions.ask({ verb, select });
  if (run !== undefined) chosen = new Set();
  page.draw();
}

function selectionBar(context: ViewContext): TemplateResult | typeof nothing {
  if (chosen.size === 0 || !context.mayAct) return nothing;
  const letters = [...chosen];
  return html`<div class="selection" role="region" aria-label="Selection">
    <strong>${formatCounted(chosen.size, "letter")} selected</strong>
    ${actionButton({ label: `Replay ${formatCount(chosen.size)}`, css: "primary", onClick: () => void ask("replay", { letters }) }, context)}
    ${actionButton({ label: `Discard ${formatCount(chosen.size)}`, css: "danger", onClick: () => void ask("discard", { letters }) }, context)}
    <button
      class="button quiet"
      type="button"
      @click=${() => {
        chosen = new Set();
        page.draw();
      }}
    >
      Clear
    </button>
  </div>`;
}

function discardedSection(discarded: readonly DiscardedItem[], context: ViewContext): TemplateResult | typeof nothing {
  if (discarded.length === 0) return nothing;
  return html`<section class="section" aria-labelledby="discarded">
    <h2 id="discarded">Discarded, kept for seven days</h2>
    <div class="card causes">
      ${discarded.map(
        ({ id, at, who, letters, cause, until }) =>
          html`<article class="cause role-off">
            ${icon("two bars")}
            <p>${cause === "" ? "letters that were chosen one by one" : html`cause <code>${cause}</code>`}</p>
            <strong class="number">${formatCount(letters)}</strong>
            ${actionButton({ label: "Restore", onClick: () => void actions.run({ verb: "restore", target: { discarded: id } }) }, context)}
            <p class="cause-next muted">by ${who}, ${formatAgo(at, context.now)}; gone on ${formatDay(until, context.zone)}</p>
          </article>`,
      )}
    </div>
  </section>`;
}
