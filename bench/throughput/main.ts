import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { figuresOf, formatTable, ratioOf, type Result } from "./report.ts";
import { runMailfleet } from "./run-mailfleet.ts";
import { runMbsync, runObviousLoop, versionOf } from "./run-others.ts";
import { pythonVersion, runPoplib } from "./run-poplib.ts";
import { openWorld } from "./world.ts";

const help = `The whole pipeline against a Dovecot on this machine, in turns with the obvious loop (imapflow and simpleParser, one process) and,
where it is installed, mbsync at four in parallel (XOAUTH2 needs a plug-in for libsasl2, such as libsasl2-modules-kdexoauth2). Over POP3 the
others are Python's poplib in one process and in four, which fetch and hold each message and do nothing else.

  npx mailfleet bench throughput
  npx mailfleet bench throughput --protocol pop3
  npx mailfleet bench throughput --messages 5000 --runs 1
  npx mailfleet bench throughput --corpus ./mail --json 2>/dev/null

  --protocol P    imap (default) or pop3
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
  choices: { protocol: ["imap", "pop3"] },
});
const wanted = given.numbers;
const shared = join(import.meta.dirname, "../../../shared/corpus/real");
const corpus = given.texts.get("corpus") ?? (existsSync(shared) ? shared : undefined);
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

say(`filling Dovecot with ${wanted.messages} messages in ${wanted.mailboxes} mailboxes`);
const { protocol } = given.choices;
const world = await openWorld({
  protocol,
  messages: wanted.messages,
  mailboxes: wanted.mailboxes,
  ...(corpus !== undefined && { corpus }),
});
try {
  const contestants = protocol === "imap" ? othersByImap() : othersByPop3();
  const runners = [() => runMailfleet(world, wanted.threads), ...contestants.runners];
  const results: Result[][] = runners.map(() => []);
  // Dovecot builds its index at the first look, which would be the first contestant's loss.
  await contestants.warmUp();
  for (let run = 1; run <= wanted.runs; run++) {
    // In turns within a run, so that a drift of the machine hits all of them.
    for (let i = 0; i < runners.length; i++) {
      const turn = (i + run) % runners.length;
      const result = await runners[turn]?.();
      if (result) results[turn]?.push(report(run, result));
    }
  }
  const [own = [], ...others] = results.filter((some) => some.length > 0);
  const rows = [own, ...others].map(figuresOf);
  const ratios = Object.fromEntries(others.map((theirs) => [theirs[0]?.name ?? "", ratioOf(own, theirs)]));
  const [ours] = rows;
  const document = {
    throughput: {
      protocol,
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
        ...(protocol === "imap" ? { mbsync: versionOf("mbsync", ["--version"]) } : { python: pythonVersion() }),
      },
    },
  };
  say(
    `\n${world.messages} messages, ${(world.bytes / 1e6).toFixed(1)} MB, median ${world.medianBytes} bytes, ${wanted.runs} runs, medians\n`,
  );
  say(formatTable(rows, ratios));
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(
    join(import.meta.dirname, `../results/throughput${protocol === "imap" ? "" : `-${protocol}`}.json`),
    `${JSON.stringify(document, undefined, 2)}\n`,
  );
  process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
  await world.close();
}

function report(run: number, result: Result): Result {
  say(`run ${run}: ${result.name} ${Math.round(result.messages / result.seconds)} messages/s, ${Math.round(result.peakRssMb)} MB`);
  return result;
}

interface Others {
  readonly runners: readonly (() => Promise<Result | undefined>)[];
  readonly warmUp: () => Promise<unknown>;
}

function othersByImap(): Others {
  return { runners: [() => runObviousLoop(world), () => runMbsync(world)], warmUp: () => runObviousLoop(world) };
}

/** Without Python there is nobody to compare with, and mailfleet's own figures are worth having all the same. */
function othersByPop3(): Others {
  if (pythonVersion() !== "") return { runners: [1, 4].map((count) => () => runPoplib(world, count)), warmUp: () => runPoplib(world, 4) };
  process.stderr.write("no python3 on this machine: poplib is left out, and there are no ratios\n");
  return { runners: [], warmUp: () => runMailfleet(world, wanted.threads) };
}
