// Appends every event as a line of JSON to one file a day, and the raw message beside it by its hash: an archive that `jq` reads.
//   npm start -- --keep-events       (in another terminal)
//   npx node examples/archive.ts ./archive [data folder]
import { mkdir, open, rename, stat } from "node:fs/promises";
import path from "node:path";
import { consume, localFleet, type MailfleetEvent } from "@mailfleet/consumer";

const [folder = "archive", dataDir] = process.argv.slice(2);

async function append(file: string, line: string): Promise<void> {
  await using handle = await open(file, "a", 0o600);
  await handle.appendFile(line);
  // On the disk before the event is acknowledged.
  await handle.datasync();
}

async function keepRaw(event: MailfleetEvent): Promise<void> {
  if (!("raw" in event) || !event.raw) return;
  const file = path.join(folder, "raw", event.raw.sha256.slice(0, 2), `${event.raw.sha256}.eml`);
  if (await stat(file).catch(() => undefined)) return;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  {
    await using handle = await open(`${file}.part`, "w", 0o600);
    // To the last byte or an error: one write alone may be cut short by a disk that is full.
    await handle.writeFile(event.raw.open());
    await handle.datasync();
  }
  await rename(`${file}.part`, file);
}

await mkdir(folder, { recursive: true, mode: 0o700 });
await consume({ ...localFleet(dataDir), name: "archive", concurrency: 1 }, async (event) => {
  await keepRaw(event);
  await append(path.join(folder, `${event.at.slice(0, 10)}.ndjson`), `${JSON.stringify(event)}\n`);
});
console.error(`Listening: every event is written to ${folder}. Ctrl-C ends.`);
