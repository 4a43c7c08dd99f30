import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readFlags } from "../flags.ts";
import { untilPassed } from "../fleet/first-pass.ts";
import { usedMemory } from "../fleet/redis-bytes.ts";
import { startBenchFleet } from "../kit/bench-fleet.ts";
import { drawLines } from "../kit/chart.ts";
import { startEventSink } from "../kit/event-sink.ts";
import { publish } from "../kit/results.ts";
import { round } from "../kit/statistics.ts";
import { pause } from "../kit/until.ts";
import { readUsage, type Watched } from "../throughput/processes.ts";
import { askProbe, compareProbes, growthOfLastHalf, type Track } from "./samples.ts";

const help = `A fleet at work for an hour: mailboxes are polled and pushed, mail arrives steadily, events are taken away. Resident memory of each process every
ten seconds and its live heap every minute; the slope of the last half with its standard error; and what each process holds of timers,
connections, listeners and the like at the start and at the end.

  npx mailfleet bench soak
  npx mailfleet bench soak --minutes 3

  --minutes N        (default 60)
  --mailboxes N      (default 200)
  --poll-seconds N   (default 10)
  --per-second N     messages that arrive (default 4)
  --json             nothing but the result on stdout
`;

const given = readFlags("soak", help, {
  numbers: {
    minutes: { default: 60, min: 1, max: 7 * 24 * 60 },
    mailboxes: { default: 200, min: 2, max: 10_000 },
    "poll-seconds": { default: 10, min: 1, max: 3_600 },
    "per-second": { default: 4, min: 1, max: 1_000 },
  },
});
const { minutes, mailboxes, "poll-seconds": pollSeconds, "per-second": perSecond } = given.numbers;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

const messagesEach = 20;
const firstPassMs = 15 * 60_000;
const sampleMs = 10_000;
/** Stops the process for a moment each time. */
const probeMs = 60_000;
/** Before the first probe: pools are filled and the first polls are over. */
const settleMs = 15_000;

const dir = await mkdtemp(join(tmpdir(), "mailfleet-soak-"));
const half = mailboxes >> 1;
const fleet = await startBenchFleet({
  dir,
  tenants: [
    { alias: "polled", mailboxes: mailboxes - half, messages: (mailboxes - half) * messagesEach },
    { alias: "pushed", mailboxes: half, messages: half * messagesEach },
  ],
  settings: { sync: { pollSeconds, freshWithinSeconds: Math.max(600, 2 * pollSeconds), push: ["*@pushed.example"] } },
  nodeFlags: ["--disable-warning=ExperimentalWarning", "--import", pathToFileURL(join(import.meta.dirname, "probe.ts")).href],
});
try {
  const sink = startEventSink(fleet.server.url);
  const passAt = performance.now();
  fleet.start("producer");
  fleet.start("worker");
  await untilPassed(fleet, passAt, firstPassMs, say);
  await pause(settleMs);
  say(`${mailboxes} mailboxes passed; ${minutes} minutes from now`);
  const roles = [...fleet.roles].map(([watched, name]) => ({ watched, track: emptyTrack(name) }));
  const redis = emptyTrack("Redis");
  const startedAt = performance.now();
  const minuteNow = (): number => (performance.now() - startedAt) / 60_000;
  const arrivals = startArrivals();
  let probeAt = 0;
  // Connections of push are still being opened when the first pass is done: what is held is compared over the last half, as memory is.
  let isHalfProbed = false;
  let saidMinute = -1;
  while (minuteNow() < minutes) {
    for (const { watched, track } of roles) track.rssMb.push([minuteNow(), readUsage(watched.process.pid ?? 0)?.rssMb ?? Number.NaN]);
    redis.rssMb.push([minuteNow(), (await usedMemory(fleet)) / 1024 / 1024]);
    if (performance.now() >= probeAt) {
      probeAt = performance.now() + probeMs;
      const isHalf: boolean = !isHalfProbed && minuteNow() >= minutes / 2;
      isHalfProbed ||= isHalf;
      await probeAll(roles, minuteNow(), isHalf);
    }
    if (Math.floor(minuteNow() / 5) > saidMinute) {
      saidMinute = Math.floor(minuteNow() / 5);
      say(
        `minute ${Math.round(minuteNow())}: ${roles.map(({ track }) => `${track.name} ${Math.round(track.rssMb.at(-1)?.[1] ?? 0)} MB`).join(", ")}`,
      );
    }
    await pause(sampleMs);
  }
  arrivals.stop();
  await pause(2 * pollSeconds * 1_000);
  await probeAll(roles, minuteNow(), true);
  await sink.close();
  const { handedOff } = await fleet.reader.fleetLedger();
  const tracks = [...roles.map(({ track }) => track), redis];
  const growth = Object.fromEntries(
    tracks.map(({ name, rssMb, heapMb }) => [
      name,
      { rss: growthOfLastHalf(rssMb), ...(heapMb.length > 0 && { heap: growthOfLastHalf(heapMb) }) },
    ]),
  );
  const worker = growth["worker"]?.rss;
  const figures = {
    hours: round(minutes / 60),
    slopeMbPerHour: worker?.mbPerHour ?? Number.NaN,
    slopeError: worker?.standardError ?? Number.NaN,
    mailboxes,
    pollSeconds,
    perSecond,
    delivered: arrivals.count(),
    handedOff,
    growth,
    held: Object.fromEntries(roles.map(({ track }) => [track.name, compareProbes(track.probes)])),
  };
  for (const [name, { rss, heap }] of Object.entries(growth))
    say(
      `${name}: ${rss.mbPerHour} MB an hour, standard error ${rss.standardError}: ${rss.isGrowing ? "grows" : "not distinguishable from zero"}` +
        (heap === undefined ? "" : `; live heap ${heap.mbPerHour} (${heap.standardError})`),
    );
  for (const [name, held] of Object.entries(figures.held)) say(`${name}, at half time and at the end: ${JSON.stringify(held)}`);
  const picture = drawLines({
    title: `Memory over ${minutes} minutes: worker ${signed(figures.slopeMbPerHour)} MB an hour (standard error ${figures.slopeError})`,
    note: `${mailboxes} mailboxes, half of them pushed, polled every ${pollSeconds} s; ${perSecond} messages a second`,
    xLabel: "minutes",
    yLabel: "MB",
    series: [
      ...tracks.map(({ name, rssMb }) => ({ name: name === "Redis" ? "Redis, used memory" : name, points: rssMb })),
      { name: "worker's live heap", points: roles.find(({ track }) => track.name === "worker")?.track.heapMb ?? [] },
    ],
  });
  await publish("soak", figures, picture);
} finally {
  await fleet.close();
  await rm(dir, { recursive: true, force: true });
}

function emptyTrack(name: string): Track {
  return { name, rssMb: [], heapMb: [], probes: [] };
}

interface Probing {
  readonly watched: Watched;
  readonly track: Track;
}

async function probeAll(roles: readonly Probing[], minute: number, isWhole: boolean): Promise<void> {
  for (const { watched, track } of roles) {
    const probed = await askProbe(watched.process, isWhole);
    if (!probed) continue;
    if (isWhole) track.probes.push(probed);
    track.heapMb.push([minute, probed.heapMb]);
  }
}

/** To one mailbox after the other, polled and pushed in turns. */
function startArrivals(): { count(): number; stop(): void } {
  const [polled = [], pushed = []] = fleet.sandbox.tenants.map(({ addresses }) => addresses);
  let count = 0;
  const timer = setInterval(() => {
    const some = count % 2 === 0 ? polled : pushed;
    const address = some[(count >> 1) % some.length] ?? "";
    const text = `From: sender@bench.example\r\nTo: ${address}\r\nSubject: ${count}\r\nMessage-ID: <soak-${count}@bench.example>\r\n\r\n${"x".repeat(2_000)}\r\n`;
    void fleet.sandbox.deliver(address, text);
    count++;
  }, 1_000 / perSecond);
  return { count: () => count, stop: () => clearInterval(timer) };
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
