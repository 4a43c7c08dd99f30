import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type YAMLError } from "yaml";
import type { ConfigProblem } from "./config.ts";
import { showPath } from "./show.ts";

export type Path = readonly PropertyKey[];

/** A YAML text as plain data, with the line of every key. */
export interface YamlSource {
  /** Maps (without prototype), arrays, strings, numbers, booleans and null. Undefined for an empty text. */
  readonly value: unknown;
  /** Line of the deepest part of `path` that is there, from 1. */
  lineOf(path: Path): number;
  readonly problems: readonly ConfigProblem[];
  /** False when the text cannot be read at all; with true, problems are about single keys and the rest can be checked. */
  readonly isReadable: boolean;
}

/** A configuration is small; aliases that multiply, and nesting without end, are attacks or accidents. */
const maxNodes = 500_000;
const maxAliasedNodes = 10_000;
const maxDepth = 32;

interface Walk {
  readonly doc: Document;
  readonly lines: Map<string, number>;
  readonly counter: LineCounter;
  readonly problems: ConfigProblem[];
  nodes: number;
  aliasedNodes: number;
}

/** Never throws. Messages never quote the text: a secret may stand right where the mistake is. */
export function readYaml(text: string): YamlSource {
  const counter = new LineCounter();
  const problems: ConfigProblem[] = [];
  const lines = new Map<string, number>();
  let value: unknown;
  let isReadable = false;
  try {
    const doc = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false, logLevel: "silent" });
    // The first only: those behind it mostly follow from it.
    const [error] = doc.errors;
    if (error !== undefined) problems.push(syntaxProblem(error, counter));
    else {
      value = toValue({ doc, lines, counter, problems, nodes: 0, aliasedNodes: 0 }, doc.contents, [], 0);
      isReadable = true;
    }
  } catch {
    problems.push({ line: undefined, path: "", found: "is not YAML that can be read", expected: "expected a YAML map of settings" });
  }
  return {
    value,
    problems,
    isReadable,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(lineKey(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function toValue(walk: Walk, node: unknown, path: Path, depth: number, isAliased = false): unknown {
  walk.nodes += 1;
  if (isAliased) walk.aliasedNodes += 1;
  if (walk.nodes > maxNodes || walk.aliasedNodes > maxAliasedNodes || depth > maxDepth) throw new RangeError("too much YAML");
  if (isAlias(node)) return toValue(walk, node.resolve(walk.doc), path, depth + 1, true);
  if (isScalar(node)) return plainScalar(node.value);
  if (isSeq(node)) {
    return node.items.map((item, index) => {
      const itemPath = [...path, index];
      noteLine(walk, itemPath, item);
      return toValue(walk, item, itemPath, depth + 1, isAliased);
    });
  }
  if (!isMap(node)) return undefined;
  const out = Object.create(null) as Record<string, unknown>;
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(plainScalar(pair.key.value)) : undefined;
    if (key === undefined) {
      walk.problems.push({ line: lineAt(walk, pair.key), path: showPath(path), found: "has a key that is not a word" });
      continue;
    }
    const keyPath = [...path, key];
    const first = walk.lines.get(lineKey(keyPath));
    if (Object.hasOwn(out, key)) {
      walk.problems.push({
        line: lineAt(walk, pair.key),
        path: showPath(keyPath),
        found: `is there twice, first on line ${first ?? "?"}`,
        expected: "expected once",
      });
      continue;
    }
    noteLine(walk, keyPath, pair.key);
    out[key] = toValue(walk, pair.value, keyPath, depth + 1, isAliased);
  }
  return out;
}

function plainScalar(value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return JSON.stringify(value);
}

function noteLine(walk: Walk, path: Path, node: unknown): void {
  const line = lineAt(walk, node);
  if (line !== undefined) walk.lines.set(lineKey(path), line);
}

function lineAt(walk: Walk, node: unknown): number | undefined {
  const range =
    typeof node === "object" && node !== null && "range" in node ? (node.range as readonly number[] | null | undefined) : undefined;
  return range?.[0] === undefined ? undefined : walk.counter.linePos(range[0]).line;
}

function lineKey(path: Path): string {
  return JSON.stringify(path);
}

function syntaxProblem(error: YAMLError, counter: LineCounter): ConfigProblem {
  return { line: counter.linePos(error.pos[0]).line || 1, path: "", found: `is not YAML: ${syntaxWords(error.code)}` };
}

function syntaxWords(code: YAMLError["code"]): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "a tab is used to indent; expected spaces";
    case "BAD_INDENT":
      return "the indentation does not fit the lines around it";
    case "BAD_SCALAR_START":
      return "a value begins with a character that needs quotes";
    case "MULTILINE_IMPLICIT_KEY":
    case "BLOCK_AS_IMPLICIT_KEY":
      return "a key goes over more than one line; a colon or a quote may be missing";
    case "MISSING_CHAR":
      return "a quote, bracket, comma or colon is missing";
    case "BAD_DQ_ESCAPE":
      return "a backslash in double quotes means nothing here; use single quotes";
    case "MULTIPLE_DOCS":
      return "there is more than one document (---)";
    case "BAD_ALIAS":
    case "ALIAS_PROPS":
    case "MULTIPLE_ANCHORS":
      return "an anchor or alias (& or *) cannot be used like this";
    case "TAG_RESOLVE_FAILED":
    case "MULTIPLE_TAGS":
    case "BAD_COLLECTION_TYPE":
      return "a tag (!) is not known here";
    case "DUPLICATE_KEY":
      return "a key is there twice";
    case "BAD_DIRECTIVE":
    case "BAD_PROP_ORDER":
    case "BLOCK_IN_FLOW":
    case "IMPOSSIBLE":
    case "KEY_OVER_1024_CHARS":
    case "NON_STRING_KEY":
    case "RESOURCE_EXHAUSTION":
    case "UNEXPECTED_TOKEN":
      return "something stands where it cannot be read";
  }
}
