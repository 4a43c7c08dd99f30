import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findBinary } from "@mailfleet/testkit/servers";
import { watch } from "./processes.ts";
import type { Result } from "./report.ts";
import type { World } from "./world.ts";

/** The obvious loop as one process. */
export async function runObviousLoop(world: World): Promise<Result> {
  const token = await world.dovecot.issueToken({ domain: world.tenant.domain });
  const { host, port } = world.server;
  const args = [join(import.meta.dirname, "obvious-loop.ts"), host, String(port), world.dovecot.caFile, token, ...world.addresses];
  const startedAt = performance.now();
  const child = watch(process.execPath, args, { PATH: process.env["PATH"] });
  const code = await child.ended;
  const seconds = (performance.now() - startedAt) / 1_000;
  if (code !== 0) throw new Error(`the obvious loop failed:\n${child.output().slice(-2_000)}`);
  const { messages, bytes } = JSON.parse(child.output()) as { messages: number; bytes: number };
  if (messages !== world.messages) throw new Error(`the obvious loop read ${messages} of ${world.messages} messages`);
  return { name: "obvious loop", messages, seconds, bytes, ...child.usage };
}

const mbsyncAtOnce = 4;

/** mbsync, four in parallel, one store per mailbox. Undefined where it, or its XOAUTH2 plug-in, is not installed. */
export async function runMbsync(world: World): Promise<Result | undefined> {
  if ((await findBinary("mbsync")) === undefined) return undefined;
  const dir = await mkdtemp(join(world.dir, "mbsync-"));
  try {
    const token = await world.dovecot.issueToken({ domain: world.tenant.domain });
    await writeFile(join(dir, "token"), token, { mode: 0o600 });
    const configs: string[] = [];
    for (const [i, address] of world.addresses.entries()) configs.push(await writeMbsyncrc(world, dir, address, i));
    const queue = [...configs];
    const usage = { cpuMs: 0, peakRssMb: 0 };
    const peaks: number[] = [];
    let failure: string | undefined;
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: mbsyncAtOnce }, async () => {
        for (let file = queue.shift(); file !== undefined && failure === undefined; file = queue.shift()) {
          const child = watch("mbsync", ["-c", file, "-a", "-q"], { PATH: process.env["PATH"], HOME: dir });
          const code = await child.ended;
          if (code !== 0) failure = child.output();
          usage.cpuMs += child.usage.cpuMs;
          peaks.push(child.usage.peakRssMb);
        }
      }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    if (failure !== undefined) {
      process.stderr.write(`mbsync is left out: ${failure.trim().split("\n").at(-1)} (XOAUTH2 needs a plug-in for libsasl2)\n`);
      return undefined;
    }
    const got = (await readdir(dir, { recursive: true })).filter((name) => /\/(new|cur)\/.+/.test(name)).length;
    if (got !== world.messages) throw new Error(`mbsync fetched ${got} of ${world.messages} messages`);
    peaks.sort((a, b) => b - a);
    usage.peakRssMb = peaks.slice(0, mbsyncAtOnce).reduce((sum, one) => sum + one, 0);
    return { name: `mbsync x${mbsyncAtOnce}`, messages: world.messages, seconds, bytes: world.bytes, ...usage };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeMbsyncrc(world: World, dir: string, address: string, index: number): Promise<string> {
  const mail = join(dir, `mail${index}`);
  await mkdir(mail);
  const file = join(dir, `mbsyncrc${index}`);
  await writeFile(
    file,
    `IMAPAccount bench
Host localhost
Port ${world.server.port}
User ${address}
PassCmd "cat ${join(dir, "token")}"
SSLType IMAPS
CertificateFile ${world.dovecot.caFile}
AuthMechs XOAUTH2

IMAPStore remote
Account bench

MaildirStore local
Path ${mail}/
Inbox ${mail}/INBOX
SubFolders Verbatim

Channel bench
Far :remote:
Near :local:
Create Near
Sync Pull
SyncState *
`,
  );
  return file;
}

/** For the report: which versions were compared. */
export function versionOf(command: string, args: readonly string[]): string {
  try {
    return (
      execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
        .trim()
        .split("\n")[0] ?? ""
    );
  } catch {
    return "";
  }
}
