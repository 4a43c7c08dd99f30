import { formatCount, formatDay, formatIn, formatRate } from "@mailfleet/core/browser";
import type { TenantItem } from "@mailfleet/core/console";
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { ViewContext } from "../live/page.ts";
import { listLink, tenantLink } from "../model/links.ts";
import { flash } from "./flash.ts";
import { statesBar } from "./states.ts";
import { ago } from "./time.ts";

/** One row a tenant; cards on a phone. */
export function tenantTable(tenants: readonly TenantItem[], context: ViewContext): TemplateResult {
  return html`<section class="section" aria-labelledby="tenants">
    <h2 id="tenants">Tenants</h2>
    <div class="table-box">
      <table class="table list">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col" class="number">Mailboxes</th>
            <th scope="col">States</th>
            <th scope="col" class="number">Oldest check</th>
            <th scope="col" class="number">Messages/s</th>
            <th scope="col" class="number">To do</th>
            <th scope="col" class="number">Credential ends</th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            tenants,
            ({ alias }) => alias,
            (tenant) => row(tenant, context),
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function row(tenant: TenantItem, context: ViewContext): TemplateResult {
  const { alias, mailboxes, pop3, states, ledger, oldestCheck, messagesPerSecond } = tenant;
  return html`<tr data-row tabindex="-1">
    <td class="first">
      <a href=${tenantLink(alias)}>${alias}</a
      >${pop3 > 0 ? html` <span class="mark">POP3${pop3 === mailboxes ? "" : ` ${formatCount(pop3)}`}</span>` : nothing}
    </td>
    <td class="number" data-label="mailboxes">
      <a class="quiet-link" href=${listLink({ tenants: [alias] })}>${formatCount(mailboxes)}</a>
    </td>
    <td class="full bar-cell">${statesBar(states, "small")}</td>
    <td class="number" data-label="oldest check">${ago(oldestCheck, context)}</td>
    <td class="number" data-label="messages/s" ${flash(messagesPerSecond)}>${formatRate(messagesPerSecond).replace("/s", "")}</td>
    <td class="number" data-label="to do" ${flash(ledger.toDo)}>${formatCount(ledger.toDo)}</td>
    <td class="number" data-label="credential ends">${ends(tenant, context)}</td>
  </tr>`;
}

const soonMs = 60 * 86_400_000;

function ends({ expiresAt }: TenantItem, { now, zone }: ViewContext): TemplateResult {
  if (expiresAt === undefined) return html`<span class="muted">not known</span>`;
  if (expiresAt <= now) return html`<strong class="role-yours role-text">ended</strong>`;
  const words = html`<span title=${formatIn(expiresAt, now)}>${formatDay(expiresAt, zone)}</span>`;
  return expiresAt - now < soonMs ? html`<strong class="role-late role-text">${words}</strong>` : words;
}
