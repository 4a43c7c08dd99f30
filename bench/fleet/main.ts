import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { type BenchFleet, startBenchFleet } from "../kit/bench-fleet.ts";
import { drawLines } from "../kit/chart.ts";
import { startEventSink } from "../kit/event-sink.ts";
import { publish } from "../kit/results.ts";
import { percentile, round } from "../kit/statistics.ts";
import { pause } from "../kit/until.ts";
import { watchFirstPass } from "./first-pass.ts";
import { splitBytes, usedMemory } from "./redis-bytes.ts";

const help = `A fleet from nothing: mailboxes of many tenants in the sandbox, an empty Redis, a producer and workers as shipped. How long until each mailbox
was passed once, history included; what Redis holds for an idle mailbox; what a worker takes; and how old the last look at a mailbox is from then on.

  npx mailfleet bench fleet
  npx mailfleet bench fleet --mailboxes 500 --tenants 5 --fresh-seconds 30

  --mailboxes N      in all (default 10000)
  --tenants N        they are spread over (default 50)
  --messages N       in each mailbox, on average (default 5)
  --workers N        processes (default 2)
  --poll-seconds N   sync.pollSeconds (default 300)
  --logins N         sync.loginsPerSecond: logins of one tenant (default 10, as for a tenant of Microsoft's)
  --fresh-seconds N  for how long after the first pass ages are sampled (default 60)
  --within-minutes N the first pass is given up after (default 6); what was reached by then is told, and the exit code is 1
  --json             nothing but the result on stdout
`;

const given = readFlags("fleet", help, {
  numbers: {
    mailboxes: { default: 10_000, min: 1, max: 1_000_000 },
    tenants: { default: 50, min: 1, max: 1_000 },
    messages: { default: 5, min: 0, max: 10_000 },
    workers: { default: 2, min: 1, max: 64 },
    "poll-seconds": { default: 300, min: 1, max: 86_400 },
    logins: { default: 10, min: 1, max: 1_000 },
    "within-minutes": { default: 6, min: 1, max: 1_440 },
    "fresh-seconds": { default: 60, min: 1, max: 86_400 },
  },
});
const {
  mailboxes,
  tenants,
  messages,
  workers,
  logins,
  "poll-seconds": pollSeconds,
  "fresh-seconds": freshSeconds,
  "within-minutes": withinMinutes,
} = given.numbers;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

const sampleMs = 5_000;
/** What is wanted, drawn beside what was measured. */
const firstPassLine = 300;

const dir = await mkdtemp(join(tmpdir(), "mailfleet-fleet-"));
const sizes = Array.from({ length: tenants }, (_, i) => Math.floor(mailboxes / tenants) + (i < mailboxes % tenants ? 1 : 0));
const fleet = await startBenchFleet({
  dir,
  tenants: sizes.flatMap((size, i) => (size === 0 ? [] : [{ alias: `tenant-${i + 1}`, mailboxes: size, messages: size * messages }])),
  settings: { sync: { pollSeconds, freshWithinSeconds: 2 * pollSeconds, loginsPerSecond: logins, push: "none" } },
});
try {
  const emptyBytes = await usedMemory(fleet);
  const sink = startEventSink(fleet.server.url);
  say(`${mailboxes} mailboxes of ${tenants} tenants, ${mailboxes * messages} messages, ${workers} workers`);
  const startedAt = performance.now();
  fleet.start("producer");
  for (let i = 0; i < workers; i++) fleet.start("worker");
  const pass = await watchFirstPass(fleet, startedAt, withinMinutes * 60_000, (line) =>
    say(`${line}; CPU in s: ${JSON.stringify(cpuSeconds(fleet))}`),
  );
  const cpu = cpuSeconds(fleet);
  const ledger = await fleet.reader.fleetLedger();
  say(
    `${mailboxes - pass.left} mailboxes passed in ${pass.seconds.toFixed(1)} s, ${ledger.handedOff} messages handed off; CPU in s: ${JSON.stringify(cpu)}`,
  );
  const freshness = await sampleAges(fleet);
  await sink.close();
  const redisBytes = (await usedMemory(fleet)) - emptyBytes;
  const split = await splitBytes(fleet);
  const rss = [...fleet.roles].filter(([, role]) => role === "worker").map(([{ usage }]) => usage.peakRssMb);
  const figures = {
    mailboxes,
    // Without all of them there was no first pass.
    firstPassSeconds: pass.left === 0 ? round(pass.seconds, 1) : null,
    passed: mailboxes - pass.left,
    checked: pass.progress.at(-1)?.[1],
    redisBytesPerMailbox: Math.round(redisBytes / mailboxes),
    workerRssMb: Math.round(Math.max(...rss)),
    tenants,
    messages: ledger.handedOff,
    workers,
    pollSeconds,
    loginsPerSecond: logins,
    redisBytes: split,
    freshness,
    producerRssMb: Math.round(
      Math.max(...[...fleet.roles].filter(([, role]) => role === "producer").map(([{ usage }]) => usage.peakRssMb)),
    ),
    sandboxRssMb: Math.round(fleet.sandbox.watched.usage.peakRssMb),
    cpuSeconds: cpu,
  };
  say(
    `Redis ${figures.redisBytesPerMailbox} bytes a mailbox (${JSON.stringify(split)}); worker ${figures.workerRssMb} MB at most\n` +
      `age of the last look: median ${freshness.p50Seconds} s, 99 % ${freshness.p99Seconds} s, oldest ${freshness.maxSeconds} s`,
  );
  const picture = drawLines({
    title: `${(mailboxes - pass.left).toLocaleString("en-US")} of ${mailboxes.toLocaleString("en-US")} mailboxes passed ${Math.round(pass.seconds)} s after a cold start`,
    note: `${tenants} tenants, ${messages} messages a mailbox, ${workers} workers; sandbox and Redis on the same machine`,
    xLabel: "seconds since the start of producer and workers",
    yLabel: "mailboxes",
    series: [
      { name: "looked at", points: pass.progress.map(([seconds, checked]) => [seconds, checked] as const) },
      { name: "passed, history included", points: pass.progress.map(([seconds, , passed]) => [seconds, passed] as const) },
    ],
    mark: { value: mailboxes, label: `all, wanted within ${firstPassLine} s` },
  });
  await publish("fleet", figures, picture);
  process.exitCode = pass.left === 0 ? 0 : 1;
} finally {
  await fleet.close();
  await rm(dir, { recursive: true, force: true });
}

function cpuSeconds({ roles, sandbox }: BenchFleet) {
  const of = (wanted: string): number =>
    round([...roles].filter(([, role]) => role === wanted).reduce((sum, [{ usage }]) => sum + usage.cpuMs, 0) / 1_000, 1);
  return { workers: of("worker"), producer: of("producer"), sandbox: round(sandbox.watched.usage.cpuMs / 1_000, 1) };
}

/** Of all mailboxes at each sample: what an operator sees who looks at any time. */
async function sampleAges({ reader }: BenchFleet) {
  const ages: number[] = [];
  const endAt = performance.now() + freshSeconds * 1_000;
  while (performance.now() < endAt) {
    const now = await reader.now();
    for (const { checkedAt } of await reader.mailboxes()) if (checkedAt !== undefined) ages.push((now - checkedAt) / 1_000);
    await pause(Math.min(sampleMs, endAt - performance.now()));
  }
  const rank = (share: number): number => round(percentile(ages, share), 1);
  return { p50Seconds: rank(0.5), p90Seconds: rank(0.9), p99Seconds: rank(0.99), maxSeconds: rank(1), samples: ages.length };
}
