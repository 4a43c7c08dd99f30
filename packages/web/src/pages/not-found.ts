import { html, type TemplateResult } from "lit-html";
import { pageHead } from "../parts/head.ts";
import { openPage, startPage } from "./open-page.ts";

startPage(openPage<"not-found">({ name: "not-found", view }));

function view({ what }: { readonly what: string }): TemplateResult {
  return html`${pageHead({ heading: `There is no ${what.replace(/^an? /, "")} here.` })}
    <div class="empty">
      <p>It may have been removed, or the address may have a slip.</p>
      <p><a href="/">The fleet</a> · <a href="/mailboxes">Find a mailbox</a></p>
    </div>`;
}
