import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type BrowserFiles, readBrowserModules } from "./browser-modules.ts";
import { type BrowserSet, browserSetOf } from "./browser-set.ts";

function given(more: Record<string, string> = {}): BrowserFiles<"fleet"> {
  const dir = mkdtempSync(path.join(tmpdir(), "browser-set-"));
  const files = {
    "web/pages/fleet.ts": `import { html } from "lit";\nimport { age, type Age } from "../words.ts";\nexport const shown: Age = age;\nvoid import("../later.ts");\nvoid html;\n`,
    "web/words.ts": `export { age } from "./age.ts";\nexport type Age = number;\nconst text = 'import x from "./none.ts"';\nvoid text;\n`,
    "web/age.ts": "export const age: number = 1;\n",
    "web/later.ts": "export const later: string = 'x';\n",
    "web/secret.ts": "export const secret = 1;\n",
    "web/base.css": "body { margin: 0 }\n",
    "web/icon.svg": "<svg></svg>",
    "lit/lit.js": "export const html=1;",
    ...more,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  }
  return {
    roots: { web: path.join(dir, "web"), lit: path.join(dir, "lit") },
    entries: { fleet: "web/pages/fleet.ts" },
    styles: ["web/base.css"],
    imports: { lit: "lit/lit.js" },
    favicon: "web/icon.svg",
  };
}

const buildBrowserSet = (files: BrowserFiles<"fleet">): BrowserSet<"fleet"> => browserSetOf(files, readBrowserModules(files));

test("what a page reaches is served without its types, and nothing else is", () => {
  const set = buildBrowserSet(given());
  const names = [...set.files.keys()].map((name) => name.replace(/^\/m\/[0-9a-f]{16}\//, "")).sort();
  expect(names).toEqual(["lit/lit.js", "web/age.ts", "web/base.css", "web/later.ts", "web/pages/fleet.ts", "web/words.ts"]);
  const words = set.files.get(set.entry("fleet").replace("pages/fleet.ts", "words.ts"));
  expect(words?.type).toBe("text/javascript; charset=utf-8");
  expect(words?.plain.toString()).not.toContain("type Age");
  expect(brotliDecompressSync(words?.br ?? "")).toEqual(words?.plain);
  expect(gunzipSync(words?.gzip ?? "")).toEqual(words?.plain);
});

test("a page's modules are named in advance, but for those that are loaded later", () => {
  const set = buildBrowserSet(given());
  expect(set.preload("fleet").map((name) => name.split("/").slice(3).join("/"))).toEqual(["lit/lit.js", "web/words.ts", "web/age.ts"]);
  expect(set.styles).toEqual([expect.stringMatching(/^\/m\/[0-9a-f]{16}\/web\/base\.css$/)]);
});

test("addresses change with any content, and only then", () => {
  const before = buildBrowserSet(given()).entry("fleet");
  expect(buildBrowserSet(given()).entry("fleet")).toBe(before);
  expect(buildBrowserSet(given({ "web/age.ts": "export const age: number = 2;\n" })).entry("fleet")).not.toBe(before);
});

test("the policy's hash is that of the import map as it stands in the page", () => {
  const { importMap, importMapHash } = buildBrowserSet(given());
  expect(JSON.parse(importMap)).toEqual({ imports: { lit: expect.stringMatching(/^\/m\/[0-9a-f]{16}\/lit\/lit\.js$/) } });
  expect(importMapHash).toBe(`sha256-${createHash("sha256").update(importMap).digest("base64")}`);
});

test("a file outside of its root is no file", () => {
  const files = given();
  expect(() => buildBrowserSet({ ...files, styles: ["web/../../etc/passwd.css"] })).toThrow("in none of the roots");
  expect(() => buildBrowserSet({ ...files, styles: ["etc/passwd.css"] })).toThrow("in none of the roots");
  expect(() => buildBrowserSet({ ...files, styles: ["web/secret.key"] })).toThrow("no file for browsers");
});
