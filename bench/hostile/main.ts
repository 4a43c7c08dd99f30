import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { queueNames, redisKeys } from "@mailfleet/core";
import { workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import { startSandbox } from "@mailfleet/sandbox";
import { startRedis } from "@mailfleet/testkit/servers";
import { readFlags } from "../flags.ts";
import { watch, type Watched } from "../throughput/processes.ts";
import { latencyOf, placeOf, readOutcomes, startArrivals } from "./arrivals.ts";
import { plantHostileSet, plantLarge, type Planted } from "./hostile-set.ts";

const help = `The hostile set in one mailbox, then many messages of 25 MB at once in others, while ordinary mail arrives elsewhere. Prints the
worker's peak memory against its configured cap, and how long ordinary mail waits, against the same run before anything hostile arrived.

  npx mailfleet bench hostile
  npx mailfleet bench hostile --idle 10 --large 8

  --idle N      seconds of ordinary mail alone, before (default 60)
  --large N     messages of 25 MB, dealt over eight mailboxes (default 64)
  --others N    mailboxes that receive ordinary mail, one message each per second (default 8)
  --memory N    worker.memoryMb (default 768)
  --json        nothing but the result on stdout
`;

const given = readFlags("hostile", help, {
  numbers: {
    idle: { default: 60, min: 1 },
    large: { default: 64, min: 0 },
    others: { default: 8, min: 1 },
    memory: { default: 768, min: 512, max: 65_536 },
  },
});
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));
const giveUpMs = 15 * 60_000;
/** Fewer arrivals say nothing about a 99th percentile. */
const atLeastMs = 10_000;
const largeMailboxes = 8;
const { idle: idleSeconds, large: largeCount, others, memory: memoryMb } = given.numbers;

const dir = await mkdtemp(join(tmpdir(), "mailfleet-hostile-"));
const sandbox = await startSandbox({
  dataDir: join(dir, "sandbox"),
  tenants: [{ alias: "contoso", mailboxes: 1 + largeMailboxes + others, messages: 10 * (1 + largeMailboxes + others) }],
  trickle: 0,
  faults: false,
});
const server = await startRedis({ shared: false });
const { hostname: host, port } = new URL(server.url);
const queue = new Queue(queueNames.messages, { connection: { host, port: Number(port) }, prefix: redisKeys().bullPrefix });
const addresses = sandbox.tenants[0]?.addresses ?? [];
const [victim = "", ...rest] = addresses;
const [largeAddresses, ordinaryAddresses] = [rest.slice(0, largeMailboxes), rest.slice(largeMailboxes)];
let roles: Watched[] = [];
try {
  await writeConfig();
  roles = startRoles();
  const before = [...sandbox.truth()].filter((one) => one.isMail && one.folder === "INBOX");
  await until("first sync", async () => (await readOutcomes(queue)).outcomes.size >= before.length);

  say(`ordinary mail alone for ${idleSeconds} s`);
  const idle = startArrivals(sandbox, ordinaryAddresses, 1_000 / others);
  await pause(idleSeconds * 1_000);
  idle.stop();
  await until("ordinary mail", async () => hasAll(idle.at.keys()));
  const idlePeakMb = workerPeak();

  say(`the hostile set in ${victim}, ordinary mail meanwhile`);
  const { hostile, ordinary } = plantHostileSet(sandbox, victim);
  const during = await whileOrdinaryMailArrives("the hostile set", [...hostile, ...ordinary]);
  const hostilePeakMb = workerPeak();

  say(`${largeCount} messages of 25 MB in ${largeMailboxes} mailboxes, ordinary mail meanwhile`);
  const large = plantLarge(sandbox, largeAddresses, largeCount);
  const crowded = await whileOrdinaryMailArrives("the large messages", large);

  const { outcomes, twice } = await readOutcomes(queue);
  const outcomeOf = ({ address, uid }: Planted) => outcomes.get(placeOf(address, uid));
  const latency = { idle: latencyOf(idle.at, outcomes), hostile: latencyOf(during.at, outcomes), crowded: latencyOf(crowded.at, outcomes) };
  const ratio = (pick: "p50Ms" | "p99Ms"): number => round(latency.hostile[pick] / Math.max(1, latency.idle[pick]));
  const peakRssMb = workerPeak();
  const planted = [...hostile, ...ordinary, ...large];
  const result = {
    hostile: {
      messages: hostile.length,
      handedOff: hostile.filter((one) => outcomeOf(one)?.type === "message.added").length,
      withReason: hostile.filter((one) => outcomeOf(one)?.type === "message.added" && outcomeOf(one)?.code !== undefined).length,
      quarantined: hostile.filter((one) => outcomeOf(one)?.type === "message.quarantined").length,
      behindThem: ordinary.filter((one) => outcomeOf(one)?.type === "message.added").length,
      large: large.filter((one) => outcomeOf(one)?.type === "message.added" && outcomeOf(one)?.code === undefined).length,
      lost: planted.filter((one) => !outcomeOf(one)).length,
      twice,
      seconds: during.seconds,
      largeSeconds: crowded.seconds,
      memoryMb,
      peakMb: { idle: Math.round(idlePeakMb), hostile: Math.round(hostilePeakMb), large: Math.round(peakRssMb) },
      memoryRatio: round(peakRssMb / memoryMb),
      latency,
      latencyRatio: { p50: ratio("p50Ms"), p99: ratio("p99Ms") },
      outcomes: Object.fromEntries(hostile.map((one) => [one.name, describe(outcomeOf(one))])),
      machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.versions.node },
    },
  };
  const { lost, latencyRatio, memoryRatio, handedOff, quarantined, seconds, peakMb } = result.hostile;
  const said = (name: string, one: keyof typeof latency): string =>
    `\n  ${name.padEnd(28)} p50 ${String(latency[one].p50Ms).padStart(6)} ms, p99 ${String(latency[one].p99Ms).padStart(6)} ms`;
  say(
    `\n${hostile.length} hostile messages: ${handedOff} handed off, ${quarantined} quarantined, ${lost} lost, in ${seconds.toFixed(0)} s` +
      `\nworker's peak ${peakMb.large} MB of ${memoryMb} MB configured: ${memoryRatio.toFixed(2)} x (idle ${peakMb.idle} MB, hostile set ${peakMb.hostile} MB)` +
      `\nordinary mail, from arrival to queue:${said("alone", "idle")}${said("beside the hostile set", "hostile")}${said("beside the large messages", "crowded")}` +
      `\n  hostile to idle: p50 ${latencyRatio.p50.toFixed(2)} x, p99 ${latencyRatio.p99.toFixed(2)} x`,
  );
  if (!given.json) {
    await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
    await writeFile(join(import.meta.dirname, "../results/hostile.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = lost === 0 && twice === 0 && memoryRatio <= 1.1 ? 0 : 1;
} finally {
  await Promise.all(roles.map((role) => role.stop()));
  await queue.close();
  await server.stop();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
}

interface Measured {
  readonly at: ReadonlyMap<string, number>;
  readonly seconds: number;
}

/** Until all of `planted` has an outcome, and at least as long as is worth measuring. */
async function whileOrdinaryMailArrives(what: string, planted: readonly Planted[]): Promise<Measured> {
  const startedAt = performance.now();
  const arrivals = startArrivals(sandbox, ordinaryAddresses, 1_000 / others);
  await until(what, async () => hasAll(planted.map(({ address, uid }) => placeOf(address, uid))));
  const seconds = round((performance.now() - startedAt) / 1_000);
  await pause(atLeastMs - seconds * 1_000);
  arrivals.stop();
  await until("ordinary mail", async () => hasAll(arrivals.at.keys()));
  return { at: arrivals.at, seconds };
}

function describe(outcome: { readonly type: string; readonly code: string | undefined } | undefined): string {
  if (!outcome) return "lost";
  return outcome.code === undefined ? outcome.type : `${outcome.type} ${outcome.code}`;
}

async function hasAll(places: Iterable<string>): Promise<boolean> {
  const { outcomes } = await readOutcomes(queue);
  return [...places].every((place) => outcomes.has(place));
}

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  while (!(await isDone())) {
    if (performance.now() > deadline)
      throw new Error(`${what} is not done after ${giveUpMs / 60_000} min\n${roles.map((role) => role.output().slice(-3_000)).join("\n")}`);
    await pause(500);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

function workerPeak(): number {
  return roles[1]?.usage.peakRssMb ?? 0;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function startRoles(): Watched[] {
  const root = join(import.meta.dirname, "../..");
  const env = { ...workerEnvironment, PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...flags, join(root, `apps/${role}/src/main.ts`), "--config", join(dir, "mailfleet.yaml")], env);
  return [start("producer", []), start("worker", workerNodeFlags)];
}

async function writeConfig(): Promise<void> {
  const [tenant] = sandbox.tenants;
  await writeFile(join(dir, "secret"), sandbox.secretOf("contoso"), { mode: 0o600 });
  await writeFile(
    join(dir, "mailfleet.yaml"),
    `redis: { url: ${server.url} }
dataDir: ${dir}
tenants:
  contoso:
    tenantId: ${tenant?.tenantId}
    clientId: ${tenant?.clientId}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: ${sandbox.authority}
      scope: https://outlook.office365.com/.default
      imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }
      caFile: ${sandbox.caFile}
    protocol: imap
    mailboxes: [${addresses.join(", ")}]
sync: { pollSeconds: 1 }
blobs: { dir: ${join(dir, "blobs")} }
worker: { memoryMb: ${memoryMb} }
`,
  );
}
