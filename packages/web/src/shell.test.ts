import { expect, test } from "vitest";
import { browserFiles } from "./browser-files.ts";
import { existsSync } from "node:fs";
import path from "node:path";
import { preferencesCookie, readPreferences, usualPreferences } from "./preferences.ts";
import { jsonForHtml, pageNames, shellPage, type ShellInput } from "./shell.ts";

const input: ShellInput = {
  page: "fleet",
  title: "Fleet",
  heading: "All 60 mailboxes are fresh.",
  data: { sentence: "x" },
  preferences: usualPreferences,
  letters: 1_243,
  styles: ["/m/1/web/styles/tokens.css"],
  importMap: `{"imports":{}}`,
  entry: "/m/1/web/pages/fleet.ts",
  preload: [],
};

test("what a mailbox, a folder or a tenant is called can neither end the data nor become an element", () => {
  const hostile = `</script><script>alert(1)</script><!-- <b>`;
  const page = shellPage({ ...input, heading: hostile, title: hostile, data: { folder: hostile } });
  expect(page.match(/<script/g)).toHaveLength(3);
  expect(page).not.toContain("<b>");
  expect(page).not.toContain("alert(1)</script>");
  const data = /<script type="application\/json" id="page">(.*)<\/script>/.exec(page)?.[1] ?? "";
  expect(JSON.parse(data)).toEqual({ folder: hostile });
});

test("line separators in data are still one JSON document", () => {
  expect(JSON.parse(jsonForHtml({ a: "\u2028<\u2029" }))).toEqual({ a: "\u2028<\u2029" });
});

test("no element has a style attribute or an inline handler, which the policy forbids", () => {
  for (const page of pageNames) {
    const text = shellPage({ ...input, page });
    expect(text).not.toMatch(/\sstyle=/);
    expect(text).not.toMatch(/\son[a-z]+=/);
  }
});

test("who is not signed in sees neither navigation nor counts", () => {
  const text = shellPage({ ...input, page: "login" });
  expect(text).not.toContain("<nav");
  expect(text).not.toContain("1,243");
});

test("the navigation names the page that is open, and where a page belongs", () => {
  expect(shellPage(input)).toContain(`<a href="/" aria-current="page">`);
  expect(shellPage({ ...input, page: "mailbox" })).toContain(`<a href="/mailboxes" aria-current="true">`);
});

test("a chosen theme is there with the first byte", () => {
  expect(shellPage(input)).toContain(`<html lang="en" data-density="usual">`);
  const preferences = { ...usualPreferences, theme: "dark", density: "dense" } as const;
  expect(shellPage({ ...input, preferences })).toContain(`<html lang="en" data-theme="dark" data-density="dense">`);
});

test("preferences come back out of their cookie, among others and from anybody", () => {
  const chosen = { theme: "dark", density: "dense", zone: "utc", keys: "off" } as const;
  const cookie = preferencesCookie(chosen).split(";")[0];
  expect(readPreferences(`a=b; ${cookie}; c=d`)).toEqual(chosen);
  expect(readPreferences(undefined)).toEqual(usualPreferences);
  expect(readPreferences("mailfleet-view=theme-pink.density-<b>.zone")).toEqual(usualPreferences);
});

test("every file that a console is told to serve is there", () => {
  const { roots, entries, styles, imports, favicon } = browserFiles();
  for (const name of [...Object.values(entries), ...styles, ...Object.values(imports), favicon]) {
    const [root = "", ...rest] = name.split("/");
    expect(existsSync(path.join(roots[root] ?? "", ...rest)), name).toBe(true);
  }
});
