import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eraseMailbox, weighMailbox } from "./erase-mailbox.ts";

let dir: string;
let box: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-erase-"));
  box = join(dir, "contoso", "0123");
  await mkdir(join(box, "202611"), { recursive: true });
  await writeFile(join(box, "202611", "a.pack"), "12345");
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test("an erasure that was cut short is counted and done by the next one", async () => {
  // As it is once the folder has its other name and some of it is gone.
  await rename(box, `${box}.erased-00ff`);
  await mkdir(box);
  await writeFile(join(box, "b.tmp"), "678");
  expect(await weighMailbox(box)).toEqual({ files: 2, bytes: 8 });
  expect(await eraseMailbox(box)).toEqual({ files: 2, bytes: 8 });
  expect(await readdir(join(dir, "contoso"))).toEqual([]);
});

test("a mailbox of which nothing is stored, in a store that is not there yet, is none", async () => {
  const nowhere = join(dir, "none", "contoso", "0123");
  expect(await weighMailbox(nowhere)).toEqual({ files: 0, bytes: 0 });
  expect(await eraseMailbox(nowhere)).toEqual({ files: 0, bytes: 0 });
});
