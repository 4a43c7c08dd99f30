import { readdir, readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { expect, test } from "vitest";

test("the client imports Node's modules and its own files, and nothing of mailfleet", async () => {
  const here = import.meta.dirname;
  const files = (await readdir(here)).filter((name) => !/\.test\.ts$|^(transcript-harness|memory-server)\.ts$/.test(name));
  const foreign: string[] = [];
  for (const file of files) {
    const text = await readFile(path.join(here, file), "utf8");
    for (const [, from = ""] of text.matchAll(/^(?:import|export)\b[^;]*? from "([^"]+)";/gms)) {
      if (!from.startsWith("./") && !isBuiltin(from)) foreign.push(`${file}: ${from}`);
    }
  }
  expect(files).toContain("pop3-client.ts");
  expect(foreign).toEqual([]);
});
