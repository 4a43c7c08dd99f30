import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

export const repository = path.join(import.meta.dirname, "../..");

export interface Document {
  /** From the repository's root, with `/`. */
  readonly file: string;
  readonly text: string;
}

/** Every page of the repository, also those that are not committed yet. */
export function documents(): readonly Document[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"];
  return execFileSync("git", args, { cwd: repository, encoding: "utf8" })
    .split("\0")
    .filter((file) => file !== "" && existsSync(path.join(repository, file)))
    .map((file) => ({ file, text: readFileSync(path.join(repository, file), "utf8") }));
}
