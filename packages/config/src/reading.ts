import { createScrubber } from "@mailfleet/core";
import type { ConfigProblem } from "./config.ts";
import type { Environment } from "./environment.ts";
import type { ReadFile } from "./files.ts";
import { showName, showPath } from "./show.ts";
import type { Path } from "./yaml-source.ts";

/** One reading of a configuration: what the parts of it share, and where they report. */
export interface Reading {
  /** Relative names in the configuration begin here. */
  readonly folder: string;
  readonly env: Environment;
  readonly readFile: ReadFile;
  report(path: Path, found: string, expected?: string): void;
  warn(path: Path, found: string, expected?: string): void;
  /** A problem in another file than the configuration's. */
  reportIn(file: string, line: number, found: string, expected?: string): void;
  /** A problem of an environment variable that is no value of the configuration. */
  reportVariable(name: string, found: string, expected?: string): void;
  warnVariable(name: string, found: string, expected?: string): void;
  /** A value that no message may show. */
  hide(secret: string): void;
  /** True when something at or under the path was reported. */
  hasProblem(path: Path): boolean;
  /** `line 12` or the variable's name. */
  placeOf(path: Path): string;
  /** True when the value comes from the environment. */
  isFromEnvironment(path: Path): boolean;
}

export interface ReadingRecord {
  readonly reading: Reading;
  /** Problems that were found before this reading began. */
  include(problems: readonly ConfigProblem[]): void;
  /** In the order of lines, the environment last; scrubbed. */
  problems(): readonly ConfigProblem[];
  warnings(): readonly ConfigProblem[];
}

interface Origin {
  lineOf(path: Path): number | undefined;
  /** The variable that gave the value at exactly this path. */
  variableAt(path: Path): string | undefined;
}

export function startReading(base: Pick<Reading, "folder" | "env" | "readFile">, origin: Origin): ReadingRecord {
  const problems: (ConfigProblem & { readonly order: number })[] = [];
  const warnings: ConfigProblem[] = [];
  const reported: string[] = [];
  const secrets: string[] = [];

  function located(path: Path, found: string, expected: string | undefined): ConfigProblem {
    const variable = origin.variableAt(path);
    const detail = { found, ...(expected !== undefined && { expected }) };
    if (variable !== undefined) return { line: "env", path: variable, ...detail };
    return { line: origin.lineOf(path), path: showPath(path), ...detail };
  }

  function include(more: readonly ConfigProblem[]): void {
    for (const problem of more)
      problems.push({ ...problem, order: typeof problem.line === "number" ? problem.line : Number.MAX_SAFE_INTEGER });
  }

  const reading: Reading = {
    ...base,
    report(path, found, expected) {
      reported.push(pathKey(path));
      include([located(path, found, expected)]);
    },
    warn(path, found, expected) {
      warnings.push(located(path, found, expected));
    },
    reportIn(file, line, found, expected) {
      problems.push({ line, path: file, found, ...(expected !== undefined && { expected }), order: Number.MAX_SAFE_INTEGER - 1 });
    },
    reportVariable(name, found, expected) {
      problems.push({ line: "env", path: name, found, ...(expected !== undefined && { expected }), order: Number.MAX_SAFE_INTEGER });
    },
    warnVariable(name, found, expected) {
      warnings.push({
        line: "env",
        path: /^[A-Z0-9_]{1,80}$/.test(name) ? name : showName(name),
        found,
        ...(expected !== undefined && { expected }),
      });
    },
    hide: (secret) => void secrets.push(secret),
    hasProblem: (path) => reported.some((key) => key.startsWith(pathKey(path))),
    placeOf: (path) => origin.variableAt(path) ?? `line ${origin.lineOf(path) ?? "?"}`,
    isFromEnvironment: (path) => origin.variableAt(path) !== undefined,
  };

  function scrubbed(given: readonly ConfigProblem[]): ConfigProblem[] {
    const scrub = createScrubber(secrets);
    return given.map(({ line, path, found, expected }) => ({
      line,
      path: scrub(path),
      found: scrub(found),
      ...(expected !== undefined && { expected: scrub(expected) }),
    }));
  }

  return {
    reading,
    include,
    problems: () => scrubbed(problems.toSorted((a, b) => a.order - b.order)),
    warnings: () => scrubbed(warnings),
  };
}

function pathKey(path: Path): string {
  return path.map((part) => `${String(part)}\u0000`).join("");
}
