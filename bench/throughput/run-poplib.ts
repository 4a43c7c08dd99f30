import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { watch } from "./processes.ts";
import type { Result } from "./report.ts";
import { versionOf } from "./run-others.ts";
import type { World } from "./world.ts";

/** Of the Python that would run it; empty where there is none. */
export const pythonVersion = (): string => versionOf("python3", ["--version"]);

/** Python's poplib over all mailboxes, by so many processes in parallel, each with its share of the mailboxes. */
export async function runPoplib(world: World, processes: number): Promise<Result> {
  const dir = await mkdtemp(join(world.dir, "poplib-"));
  try {
    const tokenFile = join(dir, "token");
    await writeFile(tokenFile, await world.dovecot.issueToken({ domain: world.tenant.domain }), { mode: 0o600 });
    const { host, port } = world.server;
    const args = [join(import.meta.dirname, "poplib-loop.py"), host, String(port), world.dovecot.caFile, tokenFile];
    const shares = Array.from({ length: processes }, (_, i) => world.addresses.filter((_address, n) => n % processes === i));
    const startedAt = performance.now();
    const children = shares.map((addresses) => watch("python3", [...args, ...addresses], { PATH: process.env["PATH"] }));
    const codes = await Promise.all(children.map((child) => child.ended));
    const seconds = (performance.now() - startedAt) / 1_000;
    const failed = children[codes.findIndex((code) => code !== 0)];
    if (failed) throw new Error(`poplib failed:\n${failed.output().slice(-2_000)}`);
    const read = children.map((child) => JSON.parse(child.output()) as { messages: number; bytes: number });
    const sum = (of: (one: (typeof read)[number]) => number): number => read.reduce((all, one) => all + of(one), 0);
    const messages = sum((one) => one.messages);
    if (messages !== world.messages) throw new Error(`poplib read ${messages} of ${world.messages} messages`);
    return {
      name: `poplib x${processes}`,
      messages,
      seconds,
      bytes: sum((one) => one.bytes),
      cpuMs: children.reduce((all, { usage }) => all + usage.cpuMs, 0),
      peakRssMb: children.reduce((all, { usage }) => all + usage.peakRssMb, 0),
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
