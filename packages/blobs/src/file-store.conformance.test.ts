import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeBlobStore, fakeClock, seededChance } from "@mailfleet/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { createFileStore } from "./file-store.ts";

const dirs: string[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

describeBlobStore(
  "the file store",
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "mailfleet-blobs-"));
    dirs.push(dir);
    let seed = 1;
    const open = () => createFileStore({ dir, clock: fakeClock(), chance: seededChance(seed++) });
    return {
      store: open(),
      reopen: async () => open(),
      async loseIndex() {
        for (const name of (await readdir(dir, { recursive: true })).filter((one) => one.endsWith(".seg"))) await rm(join(dir, name));
      },
    };
  },
  { describe, test, expect },
);
