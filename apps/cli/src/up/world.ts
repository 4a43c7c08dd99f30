import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Redis } from "./redis-type.ts";
import { CliError } from "../cli-error.ts";

export interface WorldOptions {
  /** mailfleet's folder, absolute. */
  readonly dataDir: string;
  /** Folder of mails, absolute. */
  readonly corpus?: string;
  readonly seed?: string;
}

/**
 * The folder of one sandbox world: its Redis, its blobs and the sandbox's own files. Another seed or another corpus is another world,
 * whose UIDs must never meet the checkpoints of the first. A corpus that changed is another one too: its mails get new UIDs.
 * @throws CliError 2 for a corpus that is not there
 */
export function worldDir({ dataDir, corpus, seed }: WorldOptions): string {
  if (corpus === undefined && seed === undefined) return path.join(dataDir, "sandbox");
  const hash = createHash("sha256").update(JSON.stringify([seed ?? "", corpus ?? ""]));
  if (corpus !== undefined) for (const entry of listCorpus(corpus)) hash.update(entry);
  return path.join(dataDir, `sandbox-${hash.digest("hex").slice(0, 10)}`);
}

function listCorpus(corpus: string): string[] {
  try {
    if (!statSync(corpus).isDirectory()) return [fingerprint(corpus)];
    const entries = readdirSync(corpus, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => fingerprint(path.join(entry.parentPath, entry.name)))
      .sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new CliError(2, {
      code: "CORPUS_UNREADABLE",
      what: `The corpus ${corpus} cannot be read: ${code === "ENOENT" ? "there is no such folder" : code}.`,
      next: "Nothing was started.",
      todo: ["Name a folder of .eml or .mbox files: npx mailfleet up --corpus DIR"],
    });
  }
}

function fingerprint(file: string): string {
  try {
    const { size, mtimeMs } = statSync(file);
    return `${file}\0${size}\0${mtimeMs}\n`;
  } catch {
    // A broken link: the sandbox says what it thinks of it.
    return `${file}\0gone\n`;
  }
}

/** The sandbox's name in Redis. */
const fleetName = "mailfleet";

/**
 * The name a world uses in a Redis that is not ours alone: `mailfleet`, or with the world's id behind it when another world has that name.
 * Two worlds under one name would take each other's mail for handed off.
 */
export async function claimName(redis: Redis, dir: string): Promise<string> {
  const id = worldId(dir);
  for (const name of [fleetName, `${fleetName}-${id}`]) {
    const key = `{${name}}:mf:world`;
    await redis.set(key, id, "NX");
    if ((await redis.get(key)) === id) return name;
  }
  throw new CliError(1, { code: "NAME_TAKEN", what: "Another world uses this Redis under every name that this one could have." });
}

function worldId(dir: string): string {
  const file = path.join(dir, "world-id");
  try {
    const id = readFileSync(file, "utf8").trim();
    if (/^[0-9a-f]{8}$/.test(id)) return id;
  } catch {
    // The first start.
  }
  const id = randomBytes(4).toString("hex");
  writeFileSync(file, `${id}\n`, { mode: 0o600 });
  return id;
}
