import { existsSync } from "node:fs";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { drawBars } from "../kit/chart.ts";
import { publish } from "../kit/results.ts";
import { buildPrograms } from "./build-programs.ts";
import { holdContest } from "./contest.ts";
import { formatTable } from "./report.ts";
import { versionOf } from "./run-others.ts";
import { pythonVersion } from "./run-poplib.ts";
import { openWorld } from "./world.ts";

const help = `The whole pipeline against a Dovecot on this machine, in turns with the obvious loop (imapflow and simpleParser, one process) and,
where it is installed, mbsync at four in parallel (XOAUTH2 needs a plug-in for libsasl2, such as libsasl2-modules-kdexoauth2). Over POP3 the
others are Python's poplib in one process and in four, which fetch and hold each message and do nothing else. On this machine nobody waits for
the network; with --rtt-ms some of the messages are read once more, by everyone, from a server that is so far away.

  npx mailfleet bench throughput
  npx mailfleet bench throughput --protocol pop3
  npx mailfleet bench throughput --messages 5000 --runs 1
  npx mailfleet bench throughput --corpus ./mail --json 2>/dev/null

  --protocol P    imap (default) or pop3
  --messages N    how many in all (default 60000; a start takes as long as some 3000)
  --mailboxes N   spread over this many (default 20)
  --corpus DIR    folder of .eml files, repeated until there are enough (default ../shared/corpus/real where it is, else invented mail)
  --runs N        medians of this many runs (default 3)
  --rtt-ms N      round trip to the far server, 0 for none (default 10 over POP3, 0 over IMAP)
  --far-messages N   how many from there (default 5000, or all if they are fewer)
  --threads N     parser threads of the worker (default 1)
  --json          nothing but the result on stdout; without it the table is on stderr too
`;

const given = readFlags("throughput", help, {
  numbers: {
    messages: { default: 60_000, min: 1 },
    mailboxes: { default: 20, min: 1 },
    runs: { default: 3, min: 1 },
    threads: { default: 1, min: 1, max: 64 },
    "rtt-ms": { min: 0, max: 1_000 },
    "far-messages": { min: 1 },
  },
  texts: ["corpus"],
  choices: { protocol: ["imap", "pop3"] },
});
const wanted = given.numbers;
const shared = join(import.meta.dirname, "../../../shared/corpus/real");
const corpus = given.texts.get("corpus") ?? (existsSync(shared) ? shared : undefined);
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

const { protocol } = given.choices;
/** Exchange is never on this machine; over IMAP the contestants differ less by it, and mbsync takes its time. */
const rttMs = wanted["rtt-ms"] ?? (protocol === "pop3" ? 10 : 0);

const programs = await buildPrograms();
const near = await measure("on this machine", wanted.messages, 0);
const far = rttMs > 0 ? await measure(`${rttMs} ms away`, wanted["far-messages"] ?? Math.min(wanted.messages, 5_000), rttMs) : undefined;
const figures = {
  protocol,
  ...near,
  ratios: { ...near.ratios, ...(far && renamed(far.ratios, (name) => `${name}, ${rttMs} ms away`)) },
  ...(far && { far: { rttMs, ...far } }),
  versions: {
    dovecot: versionOf("dovecot", ["--version"]),
    redis: versionOf("redis-server", ["--version"]),
    ...(protocol === "imap" ? { mbsync: versionOf("mbsync", ["--version"]) } : { python: pythonVersion() }),
  },
};
const barsOf = ({ contestants }: typeof near, where: string) =>
  contestants.map(({ name, messagesPerSecond }) => ({
    label: `${name}${where}`,
    value: messagesPerSecond,
    text: `${Math.round(messagesPerSecond).toLocaleString("en-US")}/s`,
    isOwn: name === "mailfleet",
  }));
const picture = drawBars({
  title: `Messages per second over ${protocol === "imap" ? "IMAP" : "POP3"}`,
  note: `${near.messages.toLocaleString("en-US")} messages in ${wanted.mailboxes} mailboxes of a Dovecot on this machine, medians of ${wanted.runs} runs`,
  unit: "messages/s",
  bars: [...barsOf(near, ""), ...(far ? barsOf(far, `, ${rttMs} ms away`) : [])],
});
await publish("throughput", figures, picture, `throughput${protocol === "imap" ? "" : `-${protocol}`}`);

function renamed<T>(record: Readonly<Record<string, T>>, toName: (name: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [toName(name), value]));
}

async function measure(where: string, messages: number, distanceMs: number) {
  say(`filling Dovecot with ${messages} messages in ${wanted.mailboxes} mailboxes, ${where}`);
  const { mailboxes, runs, threads } = wanted;
  const world = await openWorld({ protocol, rttMs: distanceMs, messages, mailboxes, ...(corpus !== undefined && { corpus }) });
  try {
    const { rows, ratios } = await holdContest(world, { runs, threads, programs, say });
    const [{ seconds, messagesPerSecond, cpuMsPerMessage, peakRssMb }] = rows;
    const { medianBytes, bytes } = world;
    say(`\n${where}: ${messages} messages, ${(bytes / 1e6).toFixed(1)} MB, median ${medianBytes} bytes, ${runs} runs, medians\n`);
    say(`${formatTable(rows, ratios)}\n`);
    const ours = { messages: world.messages, seconds, messagesPerSecond, cpuMsPerMessage, peakRssMb };
    return { ...ours, ratios, medianBytes, contestants: rows };
  } finally {
    await world.close();
  }
}
