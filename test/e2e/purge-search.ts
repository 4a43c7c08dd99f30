import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Redis } from "ioredis";
import type { MailEvent } from "@mailfleet/core";

/** In which places a text stands: names of keys, values as Redis would write them to its file, slow log, and every file of the folders. */
export async function searchEverywhere(
  redis: Redis,
  folders: readonly string[],
  needles: readonly string[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const look = (where: string, bytes: Buffer): void => {
    for (const needle of needles) if (bytes.includes(needle)) found.set(needle, [...(found.get(needle) ?? []), where]);
  };
  for await (const keys of redis.scanStream({ count: 1_000 }) as AsyncIterable<string[]>) {
    for (const key of keys) {
      look(`key ${key}`, Buffer.from(key));
      const value = await redis.dumpBuffer(key);
      if (value) look(`value of ${key}`, value);
    }
  }
  look("the slow log", Buffer.from(JSON.stringify(await redis.slowlog("GET", 1_000))));
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      look(`name ${file}`, Buffer.from(file));
      // Redis unlinks its old files while they are listed.
      if (entry.isFile()) look(file, await readFile(file).catch(() => Buffer.alloc(0)));
    }
  }
  return found;
}

/**
 * What tells the mail of one mailbox from that of all others: its address, and of each of its messages key, subject, Message-ID, hash, pack and
 * a line of its body; only what none of the others has.
 * @param raws each message's bytes as text, by its key
 */
export function needlesOf(address: string, events: readonly MailEvent[], raws: ReadonlyMap<string, string>): string[] {
  const others = events
    .filter((event) => event.mailbox !== address)
    .map((event) => JSON.stringify(event) + (raws.get(event.key) ?? ""))
    .join("\n");
  const words = events
    .filter((event) => event.mailbox === address)
    .flatMap((event) => {
      if (event.type !== "message.added") return [event.key];
      const { subject = "", messageId = "" } = event.message;
      const pack = /^pack:[^/]+\/([0-9a-f]+)\//.exec(event.raw.ref)?.[1] ?? "";
      const raw = raws.get(event.key) ?? "";
      const lines = raw.slice(raw.indexOf("\r\n\r\n") + 4).split("\r\n");
      return [
        event.key,
        subject,
        messageId,
        event.raw.sha256,
        pack,
        lines.find((line) => line.length > 20 && !others.includes(line)) ?? "",
      ];
    });
  return [...new Set([address, ...words])].filter(
    (word) => word.length > 7 && /^[\x20-\x7e]+$/.test(word) && !/["\\]/.test(word) && !others.includes(word),
  );
}
