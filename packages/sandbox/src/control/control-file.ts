import { rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../client-files.ts";

/** How a program on this machine finds the control API of a running sandbox: `control.json` beside the configuration, mode 0600. */
export interface ControlFile {
  readonly url: string;
  readonly token: string;
  /** Of the sandbox: where that is gone, the file is what a crash left. */
  readonly pid: number;
}

export function writeControlFile(dataDir: string, control: ControlFile): string {
  const path = join(dataDir, "control.json");
  replaceFile(path, `${JSON.stringify(control)}\n`, 0o600);
  return path;
}

export function removeControlFile(path: string): void {
  rmSync(path, { force: true });
}
