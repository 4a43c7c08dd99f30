import { readFileSync } from "node:fs";

/** The version in a program's own package.json. */
export function programVersion(packageJson: URL): string {
  return (JSON.parse(readFileSync(packageJson, "utf8")) as { version: string }).version;
}
