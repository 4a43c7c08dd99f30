import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Secret } from "@mailfleet/core";

/**
 * 32 random bytes as 64 hex digits, made once and kept with mode 0600. Processes that start together agree: the first one writes,
 * the others read.
 */
export async function readOrMakeKey(path: string): Promise<Secret> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `${randomBytes(32).toString("hex")}\n`, { flag: "wx", mode: 0o600, flush: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  // The first writer may not be done yet: its 65 bytes appear at once or not at all, so an empty file is read again.
  for (let tries = 0; tries < 50; tries++) {
    const text = (await readFile(path, "utf8")).trim();
    if (/^[0-9a-f]{64}$/.test(text)) return new Secret(text);
    if (text !== "") break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(
    `${path} does not hold a key of 64 hex digits. Remove it, and a new one is made; cached tokens are then asked for again.`,
  );
}
