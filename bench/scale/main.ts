import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mailboxId, type MailboxRef, redisKeys } from "@mailfleet/core";
import { readFlags } from "../flags.ts";
import { type BenchFleet, startBenchFleet } from "../kit/bench-fleet.ts";
import { drawBars } from "../kit/chart.ts";
import { startEventSink } from "../kit/event-sink.ts";
import { publish } from "../kit/results.ts";
import { median, round } from "../kit/statistics.ts";
import { until } from "../kit/until.ts";

const help = `The same mailboxes by 1, 2, 4 and 8 worker processes, from a server that is a round trip away: each worker has one slot of each lane, so it
waits for the network nearly all of its time, and more workers wait for more mailboxes at once. Every worker has passed a few other mailboxes
before, so start-up is in no figure; the time is from the registration of the mailboxes to the end of the last one's history.

  npx mailfleet bench scale
  npx mailfleet bench scale --mailboxes 16 --messages 2

  --mailboxes N    read by each number of workers (default 112)
  --messages N     in each (default 5)
  --rtt-ms N       round trip to the server (default 50)
  --workers N      the most (default 8); powers of two below it as well
  --runs N         medians of this many (default 1)
  --json           nothing but the result on stdout
`;

const given = readFlags("scale", help, {
  numbers: {
    mailboxes: { default: 112, min: 1, max: 10_000 },
    messages: { default: 5, min: 0, max: 10_000 },
    "rtt-ms": { default: 50, min: 1, max: 1_000 },
    workers: { default: 8, min: 1, max: 64 },
    runs: { default: 1, min: 1, max: 20 },
  },
});
const { mailboxes, messages, "rtt-ms": rttMs, workers: most, runs } = given.numbers;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

/** Of the measured mailboxes; more than one, so that no tenant's cap is met. */
const tenants = 8;
/** Mailboxes that each worker has passed before it counts. */
const warmUpEach = 4;
const warm = "warm-up";
const giveUpMs = 20 * 60_000;
const lookMs = 100;
/** Wanted of eight workers. */
const wanted = 6;
const keys = redisKeys();

interface Passed {
  readonly workers: number;
  readonly seconds: number;
  /** CPU of all processes that ran, over the time and the cores there are: near 1 the machine is the limit, not the round trips. */
  readonly cpuSeconds: number;
}

const counts = powersUpTo(most);
const all: Passed[] = [];
for (let run = 1; run <= runs; run++) {
  for (const workers of counts) {
    const passed = await measure(workers);
    all.push(passed);
    say(
      `run ${run}: ${workers} workers: ${mailboxes} mailboxes in ${passed.seconds.toFixed(1)} s, ${passed.cpuSeconds.toFixed(1)} s of CPU`,
    );
  }
}
const secondsOf = (workers: number): readonly number[] => all.filter((one) => one.workers === workers).map(({ seconds }) => seconds);
/** Run by run, because machines drift. */
const speedups = counts.map((workers) => {
  const [ones, these] = [secondsOf(1), secondsOf(workers)];
  return { workers, speedup: round(median(these.map((seconds, i) => (ones[i] as number) / seconds))), seconds: round(median(these), 1) };
});
for (const { workers, speedup } of speedups) say(`${workers} workers: ${speedup.toFixed(2)} times the work of one`);
const figures = {
  ...Object.fromEntries(speedups.map(({ workers, speedup }) => [workers, speedup])),
  mailboxes,
  messages,
  rttMs,
  runs,
  seconds: Object.fromEntries(speedups.map(({ workers, seconds }) => [workers, seconds])),
  measured: all,
};
const picture = drawBars({
  title: `${mailboxes} mailboxes from a server ${rttMs} ms away, by 1 to ${most} workers`,
  note: `one slot of each lane in each worker, ${messages} messages a mailbox, ${runs === 1 ? "one run" : `medians of ${runs} runs`}`,
  unit: "x",
  bars: speedups.map(({ workers, speedup, seconds }) => ({
    label: workers === 1 ? "1 worker" : `${workers} workers`,
    value: speedup,
    text: `${speedup.toFixed(2)} x (${seconds} s)`,
  })),
  ...(most >= 8 && { mark: { value: wanted, label: `wanted of 8: ${wanted} x` } }),
});
await publish("scale", figures, picture);

async function measure(workers: number): Promise<Passed> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-scale-"));
  const aliases = Array.from({ length: tenants }, (_, i) => `far-${i + 1}`);
  const sizes = aliases.map((_, i) => Math.floor(mailboxes / tenants) + (i < mailboxes % tenants ? 1 : 0));
  const measured = aliases.flatMap((alias, i) => {
    const size = sizes[i] as number;
    return size === 0 ? [] : [{ alias, mailboxes: size, messages: size * messages, inboxOnly: true }];
  });
  const warmUp = { alias: warm, mailboxes: workers * warmUpEach, messages: workers * warmUpEach * messages, inboxOnly: true };
  const fleet = await startBenchFleet({
    dir,
    tenants: [warmUp, ...measured],
    withoutMailboxes: measured.map(({ alias }) => alias),
    settings: { sync: { concurrency: 1, backfillConcurrency: 1, push: "none", pollSeconds: 3_600, freshWithinSeconds: 7_200 } },
    rttMs,
  });
  try {
    const sink = startEventSink(fleet.server.url);
    for (let i = 0; i < workers; i++) fleet.start("worker");
    await reach(fleet, "the workers' start", async () => {
      const processes = await fleet.reader.processes();
      return processes.filter(({ role }) => role === "worker").length === workers;
    });
    fleet.start("producer");
    await untilDone(
      fleet,
      "the warm-up",
      refsOf(fleet, (alias) => alias === warm),
    );
    const refs = refsOf(fleet, (alias) => alias !== warm);
    const before = cpuSeconds(fleet);
    const startedAt = await fleet.reader.now();
    await fleet.registry.register(refs, 0);
    const endedAt = await untilDone(fleet, "the mailboxes", refs);
    const passed = { workers, seconds: (endedAt - startedAt) / 1_000, cpuSeconds: round(cpuSeconds(fleet) - before, 1) };
    await sink.close();
    return passed;
  } finally {
    await fleet.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function refsOf({ sandbox }: BenchFleet, isWanted: (alias: string) => boolean): readonly MailboxRef[] {
  return sandbox.tenants
    .filter(({ alias }) => isWanted(alias))
    .flatMap(({ alias, addresses }) => addresses.map((address) => ({ tenant: alias, address, protocol: "imap" as const })));
}

/** Resolves with when the last of them was settled, epoch ms by Redis' clock. */
async function untilDone(fleet: BenchFleet, what: string, refs: readonly MailboxRef[]): Promise<number> {
  let endedAt = 0;
  await reach(fleet, what, async () => {
    const pipeline = fleet.redis.pipeline();
    for (const ref of refs) pipeline.hmget(keys.mailbox(mailboxId(ref)), "checkedAt", "history", "t");
    const states = ((await pipeline.exec()) ?? []).map(([, values]) => values as (string | null)[]);
    endedAt = Math.max(...states.map(([checkedAt]) => Number(checkedAt ?? 0)));
    return states.every(([checkedAt, history, toDo]) => checkedAt && history === "0" && Number(toDo ?? 0) === 0);
  });
  return endedAt;
}

function reach(fleet: BenchFleet, what: string, isReached: () => Promise<boolean>): Promise<void> {
  return until(what, isReached, { giveUpMs, lookMs, explain: () => fleet.output() });
}

function cpuSeconds({ roles, sandbox }: BenchFleet): number {
  return [...roles.keys(), sandbox.watched].reduce((sum, { usage }) => sum + usage.cpuMs, 0) / 1_000;
}

function powersUpTo(limit: number): readonly number[] {
  const powers: number[] = [];
  for (let power = 1; power <= limit; power *= 2) powers.push(power);
  return powers;
}
