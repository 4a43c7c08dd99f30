import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { figuresOf, formatTable, ratioOf, type Result } from "./report.ts";
import { runMailfleet } from "./run-mailfleet.ts";
import { runMbsync, runObviousLoop, versionOf } from "./run-others.ts";
import { openWorld } from "./world.ts";

const help = `The whole pipeline against a Dovecot on this machine, in turns with the obvious loop (imapflow and simpleParser, one process) and,
where it is installed, mbsync at four in parallel (XOAUTH2 needs a plug-in for libsasl2, such as libsasl2-modules-kdexoauth2).

  npx mailfleet bench throughput
  npx mailfleet bench throughput --messages 5000 --runs 1
  npx mailfleet bench throughput --corpus ./mail --json 2>/dev/null

  --messages N    how many in all (default 20000)
  --mailboxes N   spread over this many (default 20)
  --corpus DIR    folder of .eml files, repeated until there are enough (default ../shared/corpus/real where it is, else invented mail)
  --runs N        medians of this many runs (default 3)
  --threads N     parser threads of the worker (default 1)
  --json          nothing but the result on stdout; without it the table is on stderr too
`;

const given = readFlags("throughput", help, {
  numbers: {
    messages: { default: 20_000, min: 1 },
    mailboxes: { default: 20, min: 1 },
    runs: { default: 3, min: 1 },
    threads: { default: 1, min: 1, max: 64 },
  },
  texts: ["corpus"],
});
const wanted = given.numbers;
const shared = join(import.meta.dirname, "../../../shared/corpus/real");
const corpus = given.texts.get("corpus") ?? (existsSync(shared) ? shared : undefined);
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

say(`filling Dovecot with ${wanted.messages} messages in ${wanted.mailboxes} mailboxes`);
const world = await openWorld({
  messages: wanted.messages,
  mailboxes: wanted.mailboxes,
  ...(corpus !== undefined && { corpus }),
});
try {
  const results = { mailfleet: [] as Result[], loop: [] as Result[], mbsync: [] as Result[] };
  // Warm: Dovecot builds its index at the first look, which would be the first contestant's loss.
  await runObviousLoop(world);
  for (let run = 1; run <= wanted.runs; run++) {
    // In turns within a run, so that a drift of the machine hits all of them.
    const contestants = [
      async () => results.mailfleet.push(report(run, await runMailfleet(world, wanted.threads))),
      async () => results.loop.push(report(run, await runObviousLoop(world))),
      async () => {
        const result = await runMbsync(world);
        if (result) results.mbsync.push(report(run, result));
      },
    ];
    for (let i = 0; i < contestants.length; i++) await contestants[(i + run) % contestants.length]?.();
  }
  const rows = [results.mailfleet, results.loop, ...(results.mbsync.length > 0 ? [results.mbsync] : [])].map(figuresOf);
  const ratios = {
    "obvious loop": ratioOf(results.mailfleet, results.loop),
    ...(results.mbsync.length > 0 && { "mbsync x4": ratioOf(results.mailfleet, results.mbsync) }),
  };
  const [ours] = rows;
  const document = {
    throughput: {
      messages: world.messages,
      seconds: ours?.seconds,
      messagesPerSecond: ours?.messagesPerSecond,
      cpuMsPerMessage: ours?.cpuMsPerMessage,
      peakRssMb: ours?.peakRssMb,
      ratios,
      medianBytes: world.medianBytes,
      contestants: rows,
      machine: {
        cpus: cpus().length,
        model: cpus()[0]?.model,
        node: process.versions.node,
        dovecot: versionOf("dovecot", ["--version"]),
        redis: versionOf("redis-server", ["--version"]),
        mbsync: versionOf("mbsync", ["--version"]),
      },
    },
  };
  say(
    `\n${world.messages} messages, ${(world.bytes / 1e6).toFixed(1)} MB, median ${world.medianBytes} bytes, ${wanted.runs} runs, medians\n`,
  );
  say(formatTable(rows, ratios));
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "../results/throughput.json"), `${JSON.stringify(document, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
  await world.close();
}

function report(run: number, result: Result): Result {
  say(`run ${run}: ${result.name} ${Math.round(result.messages / result.seconds)} messages/s, ${Math.round(result.peakRssMb)} MB`);
  return result;
}
