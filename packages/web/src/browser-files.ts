import { createRequire } from "node:module";
import path from "node:path";
import { type PageName, pageNames } from "./shell.ts";

/**
 * What a console serves to browsers. Files are named by `ROOT/path`, with forward slashes; a root is a folder on this machine, and modules
 * refer to each other inside it by relative paths, so that one address prefix a set keeps them whole.
 */
export interface BrowserFiles {
  /** Root's name and its folder, absolute. */
  readonly roots: Readonly<Record<string, string>>;
  /**
   * Entry module of each page, and of the notice in place of one that cannot be made now; TypeScript, like all of ours that it imports:
   * whoever serves it strips the types.
   */
  readonly entries: Readonly<Record<PageName | "notice", string>>;
  /** In the order in which a page links them. */
  readonly styles: readonly string[];
  /** For the import map: what browser code imports by name, and the file that stands for it. Two are style sheets, asked for by name later. */
  readonly imports: Readonly<Record<string, string>>;
  readonly favicon: string;
}

/** Our own files beside this one, and the vendors' as they are published for browsers: Node's conditions would choose builds for a server. */
export function browserFiles(): BrowserFiles {
  const require = createRequire(import.meta.url);
  return {
    roots: {
      web: import.meta.dirname,
      core: path.dirname(require.resolve("@mailfleet/core")),
      "lit-html": path.dirname(path.dirname(require.resolve("lit-html"))),
      uplot: path.dirname(require.resolve("uplot/dist/uPlot.esm.js")),
    },
    entries: Object.fromEntries([...pageNames, "notice"].map((name) => [name, `web/pages/${name}.ts`])) as Record<
      PageName | "notice",
      string
    >,
    styles: ["tokens", "base", "layout", "parts", "charts"].map((name) => `web/styles/${name}.css`),
    imports: {
      "@mailfleet/core/browser": "core/browser/index.ts",
      "@mailfleet/core/browser/letters": "core/words/letters.ts",
      "lit-html": "lit-html/lit-html.js",
      "lit-html/directive.js": "lit-html/directive.js",
      "lit-html/directives/live.js": "lit-html/directives/live.js",
      "lit-html/directives/repeat.js": "lit-html/directives/repeat.js",
      uplot: "uplot/uPlot.esm.js",
      "uplot/style": "uplot/uPlot.min.css",
      "uplot/tokens": "web/styles/uplot.css",
    },
    favicon: "web/favicon.svg",
  };
}
