import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "amaro";

/** What a package of views has for browsers: files by `ROOT/path`. */
export interface BrowserFiles<Page extends string = string> {
  readonly roots: Readonly<Record<string, string>>;
  readonly entries: Readonly<Record<Page, string>>;
  readonly styles: readonly string[];
  readonly imports: Readonly<Record<string, string>>;
  readonly favicon: string;
}

/** One file of the set, as browsers read it. Plain data: it crosses threads. */
export interface BrowserModule {
  readonly name: string;
  readonly code: string;
  readonly type: string;
  /** Static imports of files of the set. */
  readonly imports: readonly string[];
}

const types: Readonly<Record<string, string>> = {
  ".ts": "text/javascript; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Reads and strips (types and comments) all files that the pages reach. @throws Error where one of them is missing */
export function readBrowserModules(given: BrowserFiles): readonly BrowserModule[] {
  const modules = new Map<string, BrowserModule>();
  const wanted = [...Object.values<string>(given.entries), ...given.styles, ...Object.values(given.imports), given.favicon];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (modules.has(name)) continue;
    const module = readModule(given, name);
    modules.set(name, module);
    wanted.push(...module.imports, ...dynamicImports(module, given));
  }
  return [...modules.values()];
}

function readModule(given: BrowserFiles, name: string): BrowserModule {
  const extension = path.posix.extname(name);
  const type = types[extension];
  if (type === undefined) throw new Error(`${name} is no file for browsers`);
  const source = readFileSync(locate(given, name), "utf8");
  const code = (strips[extension] ?? String)(source);
  return { name, code, type, imports: extension === ".css" ? [] : importsOf(code, staticImport, name, given) };
}

/** A file with fewer lines is minified. */
const minifiedLines = 100;

function transformed(source: string): string {
  return transformSync(source, { mode: "transform", sourceMap: false }).code;
}

/** A vendor's module that comes with its comments is sent without them, but for the notice of its licence; one that is minified stays as it is. */
function withoutComments(source: string): string {
  if (source.split("\n").length < minifiedLines) return source;
  const code = transformed(source);
  return `${/^\s*\/\*[^]*?\*\//.exec(source)?.[0] ?? ""}\n${code}`;
}

/** Sheets are all ours: no string in them looks like a comment. */
function plainStyles(source: string): string {
  return source.replace(/\/\*[^]*?\*\//g, "").replace(/\n\s+/g, "\n");
}

const strips: Readonly<Record<string, (source: string) => string>> = { ".ts": transformed, ".js": withoutComments, ".css": plainStyles };

/** @throws Error for a root that is not given, or a path that leaves it */
function locate({ roots }: BrowserFiles, name: string): string {
  const [root = "", ...rest] = name.split("/");
  const dir = Object.hasOwn(roots, root) ? roots[root] : undefined;
  if (dir === undefined || rest.includes("..") || rest.length === 0) throw new Error(`${name} is in none of the roots`);
  return path.join(dir, ...rest);
}

const staticImport = /(?:^|[;}\s])(?:import|export)\b(?:[^"'();]*?\bfrom\s*)?["']([^"']+)["']/g;
const dynamicImport = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

function dynamicImports({ name, code, type }: BrowserModule, given: BrowserFiles): string[] {
  return type === types[".css"] ? [] : importsOf(code, dynamicImport, name, given);
}

/** Words in a text that look like an import name no file, and are left out. */
function importsOf(code: string, pattern: RegExp, importer: string, given: BrowserFiles): string[] {
  const found = new Set<string>();
  for (const [, specifier = ""] of code.matchAll(pattern)) {
    const name = specifier.startsWith(".") ? path.posix.join(path.posix.dirname(importer), specifier) : given.imports[specifier];
    if (name !== undefined && !name.startsWith("..") && existsSync(locate(given, name))) found.add(name);
  }
  return [...found];
}
