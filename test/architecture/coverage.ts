import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { repository } from "./workspace.ts";

/** A document in which each row says which tests show it: `| id | what | shown by |`. */
export interface Coverage {
  /** In the order of the document: id and what it is shown by. */
  readonly rows: ReadonlyMap<string, string>;
}

/** @param id of a row, as in its first cell */
export function readCoverage(file: string, id: RegExp): Coverage {
  const text = readFileSync(path.join(repository, file), "utf8");
  const row = new RegExp(`^\\| +(${id.source}) +\\| (?:.*?) +\\| (.*?) +\\|$`, "gm");
  return { rows: new Map([...text.matchAll(row)].map(([, name = "", shown = ""]) => [name, shown])) };
}

export interface Claim {
  readonly file: string;
  readonly titles: readonly string[];
}

/** `` `file` "title", "title" `` */
export function claimsOf(shown: string): readonly Claim[] {
  return [...shown.matchAll(/`([^`]+\.(?:test\.)?(?:ts|mjs|yml))`((?:,? "[^"]+")+)/g)].map(([, file = "", list = ""]) => ({
    file,
    titles: [...list.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title),
  }));
}

/** Titles that are not in their file; all of them where the file is not there. */
export function missingOf({ file, titles }: Claim): readonly string[] {
  const at = path.join(repository, file);
  const source = existsSync(at) ? readFileSync(at, "utf8") : "";
  return titles.filter((title) => !source.includes(title));
}
