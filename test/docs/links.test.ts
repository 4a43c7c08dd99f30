import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Document, documents, repository } from "./documents.ts";
import { proseOf, slug } from "./markdown.ts";

/** Targets of links and pictures, in Markdown and in HTML. */
function targetsOf({ text }: Document): string[] {
  const prose = proseOf(text);
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?[^)]*\)/g)].map((match) => match[1] ?? "");
  const html = [...prose.matchAll(/\b(?:href|src|srcset)="([^"]+)"/g)].map((match) => match[1] ?? "");
  return [...inline, ...html];
}

/** Anchors that GitHub gives a page: its headings, the second of a name with `-1`, and `<a id="…">`. */
function anchorsOf(text: string): ReadonlySet<string> {
  const body = text.replace(/^[ ]*```[^]*?^[ ]*```/gm, "");
  const seen = new Map<string, number>();
  const anchors = new Set([...body.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? ""));
  for (const match of body.matchAll(/^#{1,6} +(.+)$/gm)) {
    const name = slug(match[1] ?? "");
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    anchors.add(before === 0 ? name : `${name}-${before}`);
  }
  return anchors;
}

function problemOf({ file, text }: Document, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [where = "", anchor] = target.split("#", 2);
  const full = where === "" ? path.join(repository, file) : path.join(repository, path.dirname(file), decodeURI(where));
  if (!existsSync(full)) return `${file}: ${target} is not there`;
  if (anchor === undefined || !full.endsWith(".md")) return undefined;
  const there = where === "" ? text : readFileSync(full, "utf8");
  return anchorsOf(there).has(anchor) ? undefined : `${file}: ${target} has no such heading`;
}

test("every link between documents leads to a file and a heading that are there", () => {
  const all = documents();
  expect(all.length).toBeGreaterThan(20);
  expect(all.flatMap((one) => targetsOf(one).flatMap((target) => problemOf(one, target) ?? []))).toEqual([]);
});

test.each([
  ["a file that is not there", "[x](gone.md)", "README.md: gone.md is not there"],
  ["a heading that is not there", "[x](#nowhere)\n\n# Here", "README.md: #nowhere has no such heading"],
  ["a picture that is not there", '<img src="docs/gone.png">', "README.md: docs/gone.png is not there"],
])("%s is found", (_name, text, problem) => {
  const one = { file: "README.md", text };
  expect(targetsOf(one).map((target) => problemOf(one, target))).toEqual([problem]);
});

test.each(["[x](#two-words)\n\n## Two `words`", "[x](#again-1)\n\n# Again\n\n# Again", "`[x](gone.md)`", "[x](https://example.com/gone)"])(
  "%j is sound",
  (text) => {
    const one = { file: "README.md", text };
    expect(targetsOf(one).flatMap((target) => problemOf(one, target) ?? [])).toEqual([]);
  },
);

test("every page of docs is in its index", () => {
  const index = readFileSync(path.join(repository, "docs/README.md"), "utf8");
  const pages = documents()
    .map(({ file }) => file)
    .filter((file) => /^docs\/[^/]+\.md$/.test(file) && file !== "docs/README.md");
  expect(pages.filter((file) => !index.includes(`](${path.basename(file)})`))).toEqual([]);
});
