import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { proofNames } from "@mailfleet/checks";
import { mailboxNames, type MailboxRef, type PurgePlace } from "@mailfleet/core";
import { maskLines } from "./mask-lines.ts";

/** What a log line becomes that was about the mailbox: when it was is in the lines around it. */
const purgedLine = '{"level":"info","msg":"purged"}';

/**
 * What commands and `up` keep in the data folder of this machine.
 * @param logsIn where `up` logs: the data folder, or the one around it where that is a sandbox's
 */
export function localTraces(dataDir: string, logsIn: string): PurgePlace {
  const act = async (mailbox: MailboxRef, isDone: boolean): Promise<{ proofs: number; lines: number }> => {
    const names = mailboxNames(mailbox);
    let lines = 0;
    for (const name of ["mailfleet.log", "mailfleet.log.1"]) lines += await maskLines(path.join(logsIn, name), names, isDone, purgedLine);
    // Who looked at content, and when, stays.
    lines += await maskLines(path.join(dataDir, "reveals.jsonl"), names, isDone);
    for (const name of await filesIn(path.join(dataDir, "dead-letters")))
      lines += await maskLines(path.join(dataDir, "dead-letters", name), names, isDone);
    const folder = path.join(dataDir, "proofs");
    const isProof = proofNames(mailbox);
    const proofs = (await filesIn(folder)).filter(isProof);
    if (isDone) for (const name of proofs) await rm(path.join(folder, name), { force: true });
    return { proofs: proofs.length, lines };
  };
  return {
    name: `the files in ${dataDir}`,
    weigh: (mailbox) => act(mailbox, false),
    purge: (mailbox) => act(mailbox, true),
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(names.map(async (name) => ((await stat(path.join(folder, name))).isFile() ? [name] : [])));
  return files.flat();
}
