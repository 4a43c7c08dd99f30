import { expect, test } from "vitest";
import { Refusal } from "./refusal.ts";
import { refusalPage, wantsPage } from "./refusal-page.ts";

const files = { styles: ["/m/1/web/styles/tokens.css"], entry: "/m/1/web/pages/notice.ts" };
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

test("a browser that loads a page is told in one; our pages, programs and whoever changes something get JSON", () => {
  expect(wantsPage({ method: "GET", headers: { accept: browser } })).toBe(true);
  expect(wantsPage({ method: "HEAD", headers: { accept: browser } })).toBe(true);
  for (const accept of [undefined, "*/*", "application/json", "text/event-stream"])
    expect(wantsPage({ method: "GET", headers: accept === undefined ? {} : { accept } }), accept).toBe(false);
  expect(wantsPage({ method: "POST", headers: { accept: browser } })).toBe(false);
});

test("the page says the words of the refusal, in the viewer's colours, and loads by itself when it can be made", () => {
  const away = new Refusal("NOT_LIVE", "Redis does not answer, so this page cannot be made now.", { todo: "Load it again in a moment." });
  const page = refusalPage(away, "mailfleet-view=theme-dark", files);
  const { error } = away.toJSON();
  expect(page).toContain(`<h1>${error.what}</h1>`);
  expect(page).toContain(`<p id="todo">${error.todo}</p>`);
  expect(page).toContain("<title>Service Unavailable · mailfleet</title>");
  expect(page).toContain('<html lang="en" data-theme="dark"');
  expect(page).toContain('href="/m/1/web/styles/tokens.css"');
  expect(page).toContain(`<script type="module" src="${files.entry}"></script>`);
  expect(page).not.toMatch(/<script>|\son[a-z]+=|\sstyle=/);
});

test("what no waiting mends has no script", () => {
  for (const code of ["NOT_FOUND", "FORBIDDEN", "WRONG_HOST", "FAILED", "TOO_MANY"] as const)
    expect(refusalPage(new Refusal(code, "no"), undefined, files)).not.toContain("<script");
  expect(refusalPage(new Refusal("NOT_LIVE", "no"), undefined, { styles: [] })).not.toContain("<script");
});

test("what stands in a refusal stays text", () => {
  const page = refusalPage(new Refusal("NOT_FOUND", "<b>x</b>", { todo: "<i>", command: "a && b" }), undefined, files);
  expect(page).toContain("<h1>&lt;b&gt;x&lt;/b&gt;</h1>");
  expect(page).toContain("<code>a &amp;&amp; b</code>");
  expect(page).not.toMatch(/<[bi]>/);
});
