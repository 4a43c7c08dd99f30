import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { consoleEnvironment, consoleNodeFlags } from "@mailfleet/runtime";
import { freePort, startRedis } from "@mailfleet/testkit/servers";
import { readFlags } from "../flags.ts";
import { drawBars } from "../kit/chart.ts";
import { publish } from "../kit/results.ts";
import { median, percentile, round } from "../kit/statistics.ts";
import { pause, until } from "../kit/until.ts";
import { readUsage, watch, type Watched } from "../throughput/processes.ts";
import { fillFleet } from "./fleet-facts.ts";
import { changeList, openList, startBrowser } from "./visits.ts";

const help = `The console with a large fleet: mailboxes as workers leave them in Redis, the console as shipped, and a real Chromium. How long until a browser that
has seen nothing shows something, and rows; from a filter or a keystroke of the search to the rows; the console's CPU with one tab open, and its memory.

  npx mailfleet bench console
  npx mailfleet bench console --mailboxes 1000 --idle-seconds 10

  --mailboxes N     in Redis (default 10000)
  --tenants N       they are spread over (default 20)
  --runs N          of each measurement (default 20)
  --idle-seconds N  for which CPU is counted, once still and once with checks as of a fleet at work (default 60)
  --json            nothing but the result on stdout
`;

const given = readFlags("console", help, {
  numbers: {
    mailboxes: { default: 10_000, min: 100, max: 100_000 },
    tenants: { default: 20, min: 2, max: 500 },
    runs: { default: 20, min: 1, max: 1_000 },
    "idle-seconds": { default: 60, min: 1, max: 3_600 },
  },
});
const { mailboxes, tenants, runs, "idle-seconds": idleSeconds } = given.numbers;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

/** Every mailbox is looked at once in so many seconds, in a fleet at work. */
const pollSeconds = 300;
/** In ms, % of a core, MB. */
const wanted = { content: 1_000, filter: 100, search: 200, idleCpu: 1, rssMb: 150 } as const;
const settleMs = 5_000;
const startMs = 60_000;

const dir = await mkdtemp(join(tmpdir(), "mailfleet-bench-console-"));
const server = await startRedis({ shared: false });
const redis = new Redis(server.url);
const browser = await startBrowser();
let shown: Watched | undefined;
try {
  const fleet = await fillFleet({ redis, keys: redisKeys(), mailboxes, tenants });
  const url = `http://127.0.0.1:${await freePort()}`;
  shown = await startConsole(url);
  const pid = shown.process.pid ?? 0;
  const rss = (): number => Math.round(readUsage(pid)?.rssMb ?? Number.NaN);
  await pause(settleMs);
  const rssAtRest = rss();
  say(`${mailboxes} mailboxes of ${tenants} tenants; the console takes ${rssAtRest} MB`);

  const [content, rows, filter, search]: [number[], number[], number[], number[]] = [[], [], [], []];
  // The first one waits for compression that is done once.
  for (let run = 0; run <= runs; run++) {
    const { page, view, close } = await openList(browser, url);
    if (run === 0) say(`the first browser of all: content after ${round(view.content, 0)} ms, rows after ${round(view.rows, 0)} ms`);
    else {
      content.push(view.content);
      rows.push(view.rows);
    }
    const tenant = `tenant-${(run % tenants) + 1}`;
    const filtered = await changeList(page, { label: "Tenant", value: tenant, prefix: "person-", suffix: `@${tenant}.example` });
    await page.goto("/mailboxes");
    await page.locator("tbody tr").first().waitFor();
    const sought = fleet.refs[(run * 7_919) % fleet.refs.length]?.address ?? "";
    const label = "Address or tenant begins with";
    const found = await changeList(page, { label, value: sought.slice(0, sought.indexOf("@") + 1), prefix: sought, suffix: "" });
    if (run > 0) {
      filter.push(filtered);
      search.push(found);
    }
    await close();
  }
  const times = { content: figuresOf(content), rows: figuresOf(rows), filter: figuresOf(filter), search: figuresOf(search) };
  say(`ms, median and 95 %: ${JSON.stringify(times)}`);

  const tab = await openList(browser, url);
  await pause(settleMs);
  const still = await cpuShare(pid, async () => undefined);
  const atWork = await cpuShare(pid, () => fleet.check(Math.max(1, Math.round(mailboxes / pollSeconds))));
  await tab.close();
  say(`with one tab open: ${still} % of a core while nothing moves, ${atWork} % with ${round(mailboxes / pollSeconds, 1)} checks a second`);

  const figures = {
    mailboxes,
    tenants,
    runs,
    ms: times,
    idleCpuPercent: still,
    atWorkCpuPercent: atWork,
    idleSeconds,
    rssMb: { atRest: rssAtRest, afterVisits: rss(), peak: Math.round(readUsage(pid)?.peakRssMb ?? Number.NaN) },
    wanted,
  };
  const bars = [
    { label: "first content", figure: times.content, most: wanted.content },
    { label: "rows of the list", figure: times.rows, most: wanted.content },
    { label: "filter to rows", figure: times.filter, most: wanted.filter },
    { label: "search to row", figure: times.search, most: wanted.search },
  ];
  await publish(
    "console",
    figures,
    drawBars({
      title: `The console with ${mailboxes.toLocaleString("en-US")} mailboxes in Chromium`,
      note: `medians of ${runs}; ${still} % of a core with one tab open, ${figures.rssMb.afterVisits} MB`,
      unit: "ms",
      bars: bars.map(({ label, figure, most }) => ({
        label,
        value: figure.median,
        text: `${figure.median} ms (95 %: ${figure.p95}; wanted ${most})`,
      })),
    }),
  );
} finally {
  await browser.close();
  await shown?.stop();
  redis.disconnect();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

async function startConsole(url: string): Promise<Watched> {
  const secret = join(dir, "secret");
  await writeFile(secret, "a-secret-that-opens-nothing", { mode: 0o600 });
  const id = "00000000-0000-0000-0000-000000000001";
  const aliases = Array.from({ length: tenants }, (_, i) => `tenant-${i + 1}`);
  const config = {
    redis: { url: server.url },
    dataDir: dir,
    console: { listen: new URL(url).host },
    tenants: Object.fromEntries(aliases.map((alias) => [alias, { tenantId: id, clientId: id, credential: { secretFile: secret } }])),
  };
  const file = join(dir, "mailfleet.yaml");
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  // As `mailfleet up` starts it.
  const env = { ...consoleEnvironment, PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const entry = join(import.meta.dirname, "../../apps/console/src/main.ts");
  const started = watch(process.execPath, [...consoleNodeFlags, entry, "--config", file], env, 500);
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("the console's start", isUp, { giveUpMs: startMs, lookMs: 100, explain: () => started.output() });
  return started;
}

/** % of a core over the idle seconds, while something is done each second. */
async function cpuShare(pid: number, eachSecond: () => Promise<void>): Promise<number> {
  const before = readUsage(pid)?.cpuMs ?? Number.NaN;
  const began = performance.now();
  for (let second = 1; second <= idleSeconds; second++) {
    await eachSecond();
    await pause(began + second * 1_000 - performance.now());
  }
  return round((((readUsage(pid)?.cpuMs ?? Number.NaN) - before) / (performance.now() - began)) * 100);
}

function figuresOf(values: readonly number[]) {
  return { median: round(median(values), 0), p95: round(percentile(values, 0.95), 0), most: round(Math.max(...values), 0) };
}
