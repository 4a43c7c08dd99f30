import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { round } from "./statistics.ts";

const folder = join(import.meta.dirname, "../results");

/** Where it ran, for the reader of a result. Load is of the last 1, 5 and 15 minutes: the benchmark's own and everything beside it. */
export function describeMachine() {
  return { cpus: cpus().length, model: cpus()[0]?.model, node: process.versions.node, load: loadavg().map((one) => round(one)) };
}

/**
 * Writes NAME.json and NAME.svg under `bench/results/`, and the document as the last line of stdout. `figures` stands under `key`, the
 * benchmark's name, which differs from the file's where one benchmark has several kinds of runs.
 */
export async function publish(key: string, figures: object, picture: string, name: string = key): Promise<void> {
  const document = { [key]: { ...figures, machine: describeMachine() } };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(document, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.svg`), picture);
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
