import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { transformSync } from "amaro";

/** What a package of views has for browsers: files by `ROOT/path`. */
export interface BrowserFiles<Page extends string = string> {
  readonly roots: Readonly<Record<string, string>>;
  readonly entries: Readonly<Record<Page, string>>;
  readonly styles: readonly string[];
  readonly imports: Readonly<Record<string, string>>;
  readonly favicon: string;
}

/** One file as it is sent, in the encodings that browsers ask for. */
export interface ServedFile {
  readonly type: string;
  readonly plain: Buffer;
  /** Made when it is first asked for, and kept: a start waits for none of it. */
  readonly br: Buffer;
  readonly gzip: Buffer;
}

/** Everything that browsers load, stripped once and compressed once; addresses change with the content, so that they may be kept for ever. */
export interface BrowserSet<Page extends string = string> {
  /** By path, such as `/m/3f2a…/core/console/index.ts`. Nothing else is served, whatever a path says. */
  readonly files: ReadonlyMap<string, ServedFile>;
  readonly styles: readonly string[];
  /** Exactly the text that stands in the page. */
  readonly importMap: string;
  /** For the policy: `sha256-…` of that text. */
  readonly importMapHash: string;
  entry(page: Page): string;
  /** What the page's entry imports, directly or not, at once. */
  preload(page: Page): readonly string[];
  readonly favicon: ServedFile;
}

interface Module {
  readonly name: string;
  readonly code: Buffer;
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

/** Reads, strips (types, and comments with them) and hashes all files that the pages reach. @throws Error where one of them is missing */
export function buildBrowserSet<Page extends string>(given: BrowserFiles<Page>): BrowserSet<Page> {
  const modules = new Map<string, Module>();
  const wanted = [...Object.values<string>(given.entries), ...given.styles, ...Object.values(given.imports)];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (modules.has(name)) continue;
    const module = readModule(given, name);
    modules.set(name, module);
    wanted.push(...module.imports, ...dynamicImports(module, given));
  }
  const hash = createHash("sha256");
  for (const name of [...modules.keys()].sort()) hash.update(`${name}\0`).update(modules.get(name)?.code ?? "");
  const prefix = `/m/${hash.digest("hex").slice(0, 16)}/`;
  const importMap = JSON.stringify({
    imports: Object.fromEntries(Object.entries(given.imports).map(([name, file]) => [name, `${prefix}${file}`])),
  });
  return {
    files: new Map([...modules.values()].map(({ name, code, type }) => [`${prefix}${name}`, compressed(code, type)])),
    styles: given.styles.map((name) => `${prefix}${name}`),
    importMap,
    importMapHash: `sha256-${createHash("sha256").update(importMap).digest("base64")}`,
    entry: (page) => `${prefix}${given.entries[page]}`,
    preload: (page) => closure(modules, given.entries[page]).map((name) => `${prefix}${name}`),
    favicon: compressed(readFileSync(locate(given, given.favicon)), types[".svg"] ?? ""),
  };
}

function readModule(given: BrowserFiles, name: string): Module {
  const extension = path.posix.extname(name);
  const type = types[extension];
  if (type === undefined) throw new Error(`${name} is no file for browsers`);
  const source = readFileSync(locate(given, name), "utf8");
  const code = extension === ".ts" ? transformed(source) : extension === ".js" ? withoutComments(source) : source;
  return { name, code: Buffer.from(code), type, imports: extension === ".css" ? [] : importsOf(code, staticImport, name, given) };
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

/** @throws Error for a root that is not given, or a path that leaves it */
function locate({ roots }: BrowserFiles, name: string): string {
  const [root = "", ...rest] = name.split("/");
  const dir = Object.hasOwn(roots, root) ? roots[root] : undefined;
  if (dir === undefined || rest.includes("..") || rest.length === 0) throw new Error(`${name} is in none of the roots`);
  return path.join(dir, ...rest);
}

const staticImport = /(?:^|[;}\s])(?:import|export)\b(?:[^"'();]*?\bfrom\s*)?["']([^"']+)["']/g;
const dynamicImport = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

function dynamicImports({ name, code, type }: Module, given: BrowserFiles): string[] {
  return type === types[".css"] ? [] : importsOf(code.toString(), dynamicImport, name, given);
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

function closure(modules: ReadonlyMap<string, Module>, entry: string): string[] {
  const found = new Set<string>();
  const wanted = [...(modules.get(entry)?.imports ?? [])];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    if (found.has(name) || name === entry) continue;
    found.add(name);
    wanted.push(...(modules.get(name)?.imports ?? []));
  }
  return [...found];
}

function compressed(plain: Buffer, type: string): ServedFile {
  let br: Buffer | undefined;
  let gzip: Buffer | undefined;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
  return {
    type,
    plain,
    get br() {
      return (br ??= brotliCompressSync(plain, { params }));
    },
    get gzip() {
      return (gzip ??= gzipSync(plain, { level: 9 }));
    },
  };
}
