import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli } from "../service/cli-bench.ts";
import { dir, setUpSyncBench, sync } from "../service/sync-bench.ts";
import { cliExamples } from "./cli-examples.ts";

setUpSyncBench({ messages: 20 });

function isOneDocument(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

test(
  "each example of docs/cli.md ends as it is told, over a fleet, and with --json prints one document",
  { timeout: 120_000 },
  async () => {
    await sync("backfill");
    await writeFile(join(dir, "boxes.csv"), "address,protocol\nap@contoso.example,imap\n");
    await mkdir(join(dir, ".mailfleet"), { recursive: true });
    await symlink(join(dir, "sandbox"), join(dir, ".mailfleet/sandbox-alone"));
    const ended: Record<string, unknown> = {};
    const documents: Record<string, boolean> = {};
    for (const [name, { args, exit }] of Object.entries(cliExamples)) {
      if (exit === undefined) continue;
      const words = [...args.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
      const { code, out, err } = await cli(words);
      ended[name] = code === exit ? code : { code, out, err };
      // What was done once may be refused the second time: that is one document as well.
      documents[name] = isOneDocument((await cli([...words, "--json"])).out);
    }
    const told = Object.entries(cliExamples).flatMap(([name, { exit }]) => (exit === undefined ? [] : [[name, exit]]));
    expect(ended).toEqual(Object.fromEntries(told));
    expect(Object.keys(documents).filter((name) => documents[name] === false)).toEqual([]);
  },
);
