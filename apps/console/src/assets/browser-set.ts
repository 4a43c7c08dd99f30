import { createHash } from "node:crypto";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { BrowserFiles, BrowserModule } from "./browser-modules.ts";

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

/** Hashes the files and gives them their addresses. */
export function browserSetOf<Page extends string>(given: BrowserFiles<Page>, files: readonly BrowserModule[]): BrowserSet<Page> {
  const modules = new Map(files.map((file) => [file.name, file]));
  const icon = modules.get(given.favicon);
  if (icon === undefined) throw new Error("there is no icon");
  // It has an address of its own, which stays.
  modules.delete(given.favicon);
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
    favicon: compressed(icon.code, icon.type),
  };
}

function closure(modules: ReadonlyMap<string, BrowserModule>, entry: string): string[] {
  const found = new Set<string>();
  const wanted = [...(modules.get(entry)?.imports ?? [])];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    if (found.has(name) || name === entry) continue;
    found.add(name);
    wanted.push(...(modules.get(name)?.imports ?? []));
  }
  return [...found];
}

function compressed(code: string, type: string): ServedFile {
  const plain = Buffer.from(code);
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
