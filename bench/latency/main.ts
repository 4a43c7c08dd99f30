import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { untilPassed } from "../fleet/first-pass.ts";
import { startBenchFleet } from "../kit/bench-fleet.ts";
import { drawLines } from "../kit/chart.ts";
import { startEventSink } from "../kit/event-sink.ts";
import { publish } from "../kit/results.ts";
import { percentile, round } from "../kit/statistics.ts";
import { pause, until } from "../kit/until.ts";
import { deliver, latenciesOf, type Latencies, summarise } from "./arrivals.ts";
import { followEventTimes } from "./event-times.ts";

const help = `From a message's delivery in the sandbox to its event in the queue, first of a fleet that has nothing else to do, then of the same fleet while
three more tenants bring a history of a million messages. Mail trickles in one message at a time, to pushed mailboxes and to polled ones. Times are
those of the delivery in the sandbox and of the commit in Redis.

  npx mailfleet bench latency
  npx mailfleet bench latency --mailboxes 40 --pushed 20 --backlog 0 --poll-seconds 5

  --mailboxes N    with fresh mail (default 5000)
  --pushed N       of them with an IDLE; the others are polled (default 400)
  --poll-seconds N sync.pollSeconds (default 60)
  --backlog N      messages of the three tenants' history; 0: the idle fleet alone (default 1000000)
  --seconds N      for how long mail trickles in, idle and again under the backlog (default 75)
  --per-second N   messages to pushed mailboxes; as many to polled ones (default 4)
  --workers N      processes (default 2)
  --for-history N  of them, for history alone, and the others for new mail (worker.lane); 0: all of them for both (default 1)
  --json           nothing but the result on stdout
`;

const given = readFlags("latency", help, {
  numbers: {
    mailboxes: { default: 5_000, min: 1, max: 100_000 },
    pushed: { default: 400, min: 0, max: 100_000 },
    "poll-seconds": { default: 60, min: 1, max: 3_600 },
    backlog: { default: 1_000_000, min: 0, max: 100_000_000 },
    seconds: { default: 75, min: 1, max: 3_600 },
    "per-second": { default: 4, min: 1, max: 1_000 },
    workers: { default: 2, min: 1, max: 64 },
    "for-history": { default: 1, min: 0, max: 63 },
  },
});
const {
  mailboxes,
  "poll-seconds": pollSeconds,
  backlog,
  seconds,
  "per-second": perSecond,
  workers,
  "for-history": forHistory,
} = given.numbers;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

const messagesEach = 2;
const tenantSize = 100;
const backlogTenants = backlog === 0 ? [] : ["history-1", "history-2", "history-3"];
const backlogMailboxes = 10;
const firstPassMs = 30 * 60_000;
const connectMs = 5 * 60_000;
/** After the first pass, the looks that follow on push's connections, and the processes' first seconds. */
const settleMs = 5_000;
/** A poll may be late by so much before its message counts as missing. */
const patienceMs = 2 * pollSeconds * 1_000 + 30_000;
/** The backlog is at work once the history of all of its mailboxes was listed. */
const listedShare = 0.95;
const lookMs = 500;
const shares = Array.from({ length: 200 }, (_, i) => (i + 1) / 200);

const dir = await mkdtemp(join(tmpdir(), "mailfleet-latency-"));
const sizes = Array.from({ length: Math.ceil(mailboxes / tenantSize) }, (_, i) => Math.min(tenantSize, mailboxes - i * tenantSize));
const aliases = sizes.map((_, i) => `fresh-${i + 1}`);
/** Spread over the tenants: push connects at two a second for each. */
const pushed = pickPushed(Math.min(given.numbers.pushed, mailboxes));
const fleet = await startBenchFleet({
  dir,
  tenants: sizes.map((size, i) => ({ alias: aliases[i] as string, mailboxes: size, messages: size * messagesEach, inboxOnly: true })),
  // A mail server is not slowed by what we read of it: with one process for all, new mail waits until it made history's messages.
  ...(backlog > 0 && {
    tenantsApart: backlogTenants.map((alias) => ({
      alias,
      mailboxes: backlogMailboxes,
      messages: Math.ceil(backlog / backlogTenants.length),
    })),
  }),
  withoutMailboxes: backlogTenants,
  settings: (tenants) => ({
    sync: {
      pollSeconds,
      freshWithinSeconds: Math.max(600, 2 * pollSeconds),
      push: pushed.flatMap(([tenant, index]) => tenants[tenant]?.addresses[index] ?? []),
    },
  }),
});
try {
  const sink = startEventSink(fleet.server.url);
  const passAt = performance.now();
  fleet.start("producer");
  for (let i = 0; i < workers; i++) fleet.start("worker", { MAILFLEET_WORKER_LANE: laneOf(i) });
  say(`first pass of ${mailboxes} mailboxes`);
  await untilPassed(fleet, passAt, firstPassMs, say, (alias) => aliases.includes(alias));
  await until(
    `an IDLE for each of ${pushed.length} mailboxes`,
    async () => (await fleet.reader.processes()).reduce((sum, { push }) => sum + (push?.connected ?? 0), 0) >= pushed.length,
    { giveUpMs: connectMs, lookMs, explain: () => fleet.output() },
  );
  await pause(settleMs);
  const times = await followEventTimes(fleet.server.url, (alias) => aliases.includes(alias));
  const chosen = new Set(pushed.map(([tenant, index]) => `${tenant}/${index}`));
  const boxes = aliases.flatMap((_, tenant) =>
    (fleet.sandbox.tenants[tenant]?.addresses ?? []).map((address, index) => ({ address, isPushed: chosen.has(`${tenant}/${index}`) })),
  );
  const stretch = async (what: string) => {
    say(`${what}: mail for ${seconds} s`);
    const [byPush, byPoll] = await Promise.all(
      [true, false].map(async (isPushed) => {
        const addresses = boxes.filter((box) => box.isPushed === isPushed).map(({ address }) => address);
        const deliveries = await deliver({ sandbox: fleet.sandbox, addresses, perSecond, seconds });
        const latencies = await latenciesOf(times, deliveries, patienceMs);
        return { latencies, summary: summarise(latencies, deliveries.length) };
      }),
    );
    for (const [way, one] of [
      ["push", byPush],
      ["poll", byPoll],
    ] as const)
      if (one && one.summary.deliveries > 0) say(`${what}, by ${way}: ${sentence(one.summary)}`);
    return { byPush, byPoll };
  };
  const idle = await stretch("idle");
  const history = backlog === 0 ? undefined : await startBacklog();
  const loaded = history && (await stretch("under the backlog"));
  const left = history && (await history.look());
  await times.close();
  await sink.close();
  const push = (loaded ?? idle).byPush?.summary ?? summarise([], 0);
  const figures = {
    p50Ms: push.p50Ms,
    p99Ms: push.p99Ms,
    idleP50Ms: idle.byPush?.summary.p50Ms,
    idleP99Ms: idle.byPush?.summary.p99Ms,
    p99Ratio: round(push.p99Ms / (idle.byPush?.summary.p99Ms ?? Number.NaN)),
    mailboxes,
    pushed: pushed.length,
    pollSeconds,
    workers,
    forHistory,
    push: { idle: idle.byPush?.summary, loaded: loaded?.byPush?.summary },
    poll: { idle: idle.byPoll?.summary, loaded: loaded?.byPoll?.summary },
    ...(history &&
      left && {
        backlog: {
          messages: backlog,
          handedOff: left.handedOff - history.handedOff,
          leftAtTheEnd: left.toDo,
          messagesPerSecond: round((left.handedOff - history.handedOff) / ((left.at - history.at) / 1_000), 0),
        },
      }),
    workerRssMb: Math.round(Math.max(...[...fleet.roles].filter(([, role]) => role === "worker").map(([{ usage }]) => usage.peakRssMb))),
    sandboxRssMb: Math.round(fleet.sandbox.watched.usage.peakRssMb),
  };
  say(`by push, p99 ${figures.p99Ms} ms, ${figures.p99Ratio} times that of the idle fleet`);
  const curve = (latencies: readonly number[] = []) => shares.map((share) => [share * 100, percentile(latencies, share)] as const);
  const picture = drawLines({
    title: `Delivery to event by push: median ${push.p50Ms} ms, 99 % ${push.p99Ms} ms${loaded ? " under the backlog" : ""}`,
    note: `${mailboxes.toLocaleString("en-US")} mailboxes, ${pushed.length} of them pushed${loaded ? `; three tenants bring ${backlog.toLocaleString("en-US")} messages of history` : ""}`,
    xLabel: "per cent of messages",
    yLabel: "ms at most",
    series: [
      { name: "idle", points: curve(idle.byPush?.latencies) },
      ...(loaded ? [{ name: "under the backlog", points: curve(loaded.byPush?.latencies) }] : []),
    ],
    ...(loaded && idle.byPush && { mark: { value: 2 * idle.byPush.summary.p99Ms, label: "twice the idle fleet's 99 %" } }),
  });
  await publish("latency", figures, picture);
} finally {
  await fleet.close();
  await rm(dir, { recursive: true, force: true });
}

function laneOf(worker: number): string {
  if (forHistory === 0) return "both";
  return worker < workers - forHistory ? "fresh" : "backfill";
}

/** Tenant and place of each pushed mailbox. */
function pickPushed(count: number): readonly (readonly [tenant: number, index: number])[] {
  const picked: [number, number][] = [];
  for (let index = 0; picked.length < count; index++)
    for (const [tenant, size] of sizes.entries()) if (index < size && picked.length < count) picked.push([tenant, index]);
  return picked;
}

/** Resolves once all of its mailboxes were listed. */
async function startBacklog() {
  const look = async () => {
    const ledgers = await fleet.reader.tenantLedgers();
    const ours = backlogTenants.flatMap((alias) => ledgers.get(alias) ?? []);
    const sum = (of: "listed" | "handedOff" | "toDo"): number => ours.reduce((all, one) => all + one[of], 0);
    return { listed: sum("listed"), handedOff: sum("handedOff"), toDo: sum("toDo"), at: performance.now() };
  };
  const refs = (fleet.sandboxApart?.tenants ?? []).flatMap(({ alias, addresses }) =>
    addresses.map((address) => ({ tenant: alias, address, protocol: "imap" as const })),
  );
  say(`${refs.length} mailboxes with ${backlog} messages are registered`);
  await fleet.registry.register(refs, 0);
  await until("the history's listing", async () => (await look()).listed >= listedShare * backlog, {
    giveUpMs: connectMs,
    lookMs,
    explain: () => fleet.output(),
  });
  return { ...(await look()), look };
}

function sentence({ deliveries, p50Ms, p90Ms, p99Ms, maxMs, missing }: Latencies): string {
  return `${deliveries} messages: median ${p50Ms} ms, 90 % ${p90Ms} ms, 99 % ${p99Ms} ms, slowest ${maxMs} ms${missing > 0 ? `, ${missing} MISSING` : ""}`;
}
