import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");

/** Producer and worker as the image has them, in a folder where they find their libraries. @returns the folder, with a `.mjs` for each program */
export async function buildPrograms(): Promise<string> {
  const folder = join(root, "node_modules/.cache/mailfleet/roles");
  await promisify(execFile)(process.execPath, [join(root, "scripts/build-roles.mjs"), folder]);
  return folder;
}
