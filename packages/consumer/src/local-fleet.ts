import { readFileSync } from "node:fs";
import path from "node:path";

export interface LocalFleet {
  readonly redis: { readonly host: string; readonly port: number; readonly password?: string };
  readonly blobs: string;
}

/**
 * Where a fleet on this machine keeps its queue and blobs, from its data folder: with `npm start` the sandbox's, `.mailfleet/sandbox`; else
 * `dataDir` of the configuration, where mailfleet started Redis itself.
 * @throws Error when no private Redis runs there
 */
export function localFleet(dataDir = ".mailfleet/sandbox"): LocalFleet {
  const file = path.join(dataDir, "redis", "connection.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    throw new Error(`No fleet runs in ${dataDir} (${file}: ${code}). Start one with: npm start -- --keep-events`, { cause: error });
  }
  const { port, password } = JSON.parse(text) as { port: number; password?: string };
  return { redis: { host: "127.0.0.1", port, ...(password !== undefined && { password }) }, blobs: path.join(dataDir, "blobs") };
}
