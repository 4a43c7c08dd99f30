import { randomBytes } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { StoredWeight } from "@mailfleet/core";
import { syncFolder } from "./disk.ts";

/**
 * No pack holds blobs of two mailboxes (decision 0002), so nothing is rewritten: a mailbox is one folder, and that goes. It gets another
 * name first, in one step: whatever is written under the old name from then on belongs to a new life of the mailbox and stays.
 */
export async function eraseMailbox(path: string): Promise<StoredWeight> {
  const parent = dirname(path);
  await rename(path, `${path}.erased-${randomBytes(8).toString("hex")}`).catch(unlessMissing);
  let sum: StoredWeight = { files: 0, bytes: 0 };
  // One that was cut short left its folder under that name.
  for (const name of await erasedOf(path)) {
    const folder = join(parent, name);
    sum = add(sum, await weigh(folder));
    await rm(folder, { recursive: true, force: true });
  }
  await syncFolder(parent).catch(unlessMissing);
  return sum;
}

/** What is under the mailbox's name, and what an erasure that was cut short left. */
export async function weighMailbox(path: string): Promise<StoredWeight> {
  let sum = await weigh(path);
  for (const name of await erasedOf(path)) sum = add(sum, await weigh(join(dirname(path), name)));
  return sum;
}

async function erasedOf(path: string): Promise<string[]> {
  const names = (await readdir(dirname(path)).catch(unlessMissing)) ?? [];
  return names.filter((name) => name.startsWith(`${basename(path)}.erased-`));
}

async function weigh(folder: string): Promise<StoredWeight> {
  let [files, bytes] = [0, 0];
  for (const entry of (await readdir(folder, { recursive: true, withFileTypes: true }).catch(unlessMissing)) ?? []) {
    if (entry.isDirectory()) continue;
    files++;
    bytes += (await stat(join(entry.parentPath, entry.name)).catch(unlessMissing))?.size ?? 0;
  }
  return { files, bytes };
}

function add(a: StoredWeight, b: StoredWeight): StoredWeight {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
