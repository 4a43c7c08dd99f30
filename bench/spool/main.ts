import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { mailboxId, redisKeys } from "@mailfleet/core";
import { workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import { freePort, startDovecot, startRedis, startTokenEndpoint } from "@mailfleet/testkit/servers";
import { type CountingProxy, startCountingProxy, type Traffic } from "../counting-proxy.ts";
import { readFlags } from "../flags.ts";
import { watch, type Watched } from "../throughput/processes.ts";

const help = `Large mailboxes that are read over POP3, from a Dovecot on this machine: what a poll without new mail sends and receives, and what the
checkpoint takes in Redis. One mailbox whose UIDLs are decimal numbers, as Exchange's, and one whose UIDLs are hexadecimal texts, which mailfleet
has to remember; and both again with ten messages, to compare with.

  npx mailfleet bench spool
  npx mailfleet bench spool --messages 5000

  --messages N     in each large mailbox (default 100000)
  --polls N        that are measured (default 10)
  --listed-only    hands nothing off of what was there before: the same checkpoints, in a fraction of the time
  --json           nothing but the result on stdout
`;

const given = readFlags("spool", help, {
  numbers: { messages: { default: 100_000, min: 1, max: 1_000_000 }, polls: { default: 10, min: 1, max: 1_000 } },
  switches: ["listed-only"],
});
const { messages, polls } = given.numbers;
const isListedOnly = given.switches.has("listed-only");
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

const fewMessages = 10;
/** Polls after the first sync that are not measured: one of them compares the whole list, which happens once a day from then on. */
const settlingPolls = 3;
const giveUpMs = 60 * 60_000;
const lookMs = 50;
/** Of the server's bytes: session tickets and the numbers in its answers differ by this between two mailboxes. */
const toleratedBytes = 64;
const mostCheckpointBytes = 1_000_000;
const domain = "spool.example";
const tenant = {
  tenantId: "b3a1a5e0-0000-4000-8000-000000000021",
  clientId: "b3a1a5e0-0000-4000-8000-000000000022",
  secret: "bench-secret",
  domain,
};
const keys = redisKeys();

/** A mailbox with a tenant and a proxy of its own, so that its traffic is told from the others'. */
interface Box {
  readonly alias: string;
  readonly address: string;
  readonly uidls: "decimal" | "opaque";
  readonly messages: number;
  readonly proxy: CountingProxy;
}

interface Measured {
  readonly uidls: Box["uidls"];
  readonly messages: number;
  readonly checkpointBytes: number;
  /** The mean of one poll, login and TLS included. */
  readonly poll: Omit<Traffic, "connections">;
}

const dir = await mkdtemp(join(tmpdir(), "mailfleet-spool-"));
const dovecot = await startDovecot({ shared: false, port: await freePort() });
const endpoint = await startTokenEndpoint({ dovecot, tenants: [tenant] });
const server = await startRedis({ shared: false });
const redis = new Redis(server.url);
const boxes: Box[] = [];
let roles: Watched[] = [];
try {
  for (const uidls of ["decimal", "opaque"] as const) {
    for (const [size, count] of [
      ["large", messages],
      ["small", fewMessages],
    ] as const) {
      const address = `${size}-${uidls}@${domain}`;
      const raws = Array.from({ length: count }, (_, i) => ({ raw: Buffer.from(mailNumber(i)) }));
      await dovecot.fill(address, "INBOX", raws);
      await dovecot.setUidls(address, uidls);
      boxes.push({ alias: `${size}-${uidls}`, address, uidls, messages: count, proxy: await startCountingProxy(dovecot.pop3.port) });
      say(`filled ${address} with ${count} messages`);
    }
  }
  const config = await writeConfig();
  const startedAt = performance.now();
  roles = startRoles(config);
  await untilAll("the first sync", (box) => isSynced(box));
  const firstSeconds = (performance.now() - startedAt) / 1_000;
  say(`first sync of ${boxes.length} mailboxes in ${firstSeconds.toFixed(0)} s`);
  const rows = await measure();
  const ledger = await redis.hmget(keys.fleetLedger, "l", "h", "x", "q", "t");
  const result = {
    spool: {
      messages,
      firstSeconds: Number(firstSeconds.toFixed(1)),
      isListedOnly,
      mailboxes: rows,
      ledger: ledger.map((one) => Number(one ?? 0)),
      machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.versions.node },
    },
  };
  for (const row of rows) {
    const { roundTrips, received, sent } = row.poll;
    say(
      `${row.messages} messages, ${row.uidls} UIDLs: a poll is ${roundTrips} round trips, ${received} bytes from the server and ${sent} to it; checkpoint ${row.checkpointBytes} bytes`,
    );
  }
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "../results/spool.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = rows.every((row) => isFlat(row, rows) && row.checkpointBytes < mostCheckpointBytes) ? 0 : 1;
} finally {
  await Promise.all(roles.map((role) => role.stop()));
  redis.disconnect();
  await server.stop();
  for (const box of boxes) await box.proxy.close();
  await endpoint.stop();
  await dovecot.stop();
  await rm(dir, { recursive: true, force: true });
}

/** A poll of the large mailbox is what a poll of the small one with the same UIDLs is. */
function isFlat(row: Measured, rows: readonly Measured[]): boolean {
  const small = rows.find((other) => other.uidls === row.uidls && other.messages === fewMessages);
  if (small === undefined) return false;
  return row.poll.roundTrips <= small.poll.roundTrips && row.poll.received <= small.poll.received + toleratedBytes;
}

function mailNumber(n: number): string {
  return `From: a@b.example\nSubject: message ${n}\nMessage-ID: <${n}@b.example>\n\n${"x".repeat(n % 500)}\n`;
}

async function isSynced(box: Box): Promise<boolean> {
  const id = mailboxId({ tenant: box.alias, address: box.address });
  const [checkedAt, history, toDo] = await redis.hmget(keys.mailbox(id), "checkedAt", "history", "t");
  return checkedAt !== null && history === "0" && Number(toDo ?? 0) === 0;
}

/** Whole polls only: from a moment between two of them to another one. */
async function measure(): Promise<readonly Measured[]> {
  const before = new Map<Box, Traffic>();
  const after = new Map<Box, Traffic>();
  const synced = new Map(boxes.map((box) => [box, box.proxy.traffic().connections]));
  await untilAll(
    "a comparison of the whole",
    async (box) => box.proxy.traffic().connections >= (synced.get(box) as number) + settlingPolls,
  );
  await untilAll("a quiet moment", async (box) => {
    if (!before.has(box)) await quietTraffic(box).then((traffic) => before.set(box, traffic));
    return true;
  });
  await untilAll("the polls", async (box) => {
    if (after.has(box)) return true;
    const traffic = await quietTraffic(box);
    if (traffic.connections - (before.get(box) as Traffic).connections < polls) return false;
    after.set(box, traffic);
    return true;
  });
  const rows: Measured[] = [];
  for (const box of boxes) {
    const [first, last] = [before.get(box) as Traffic, after.get(box) as Traffic];
    const count = last.connections - first.connections;
    const mean = (of: (traffic: Traffic) => number): number => Number(((of(last) - of(first)) / count).toFixed(1));
    const id = mailboxId({ tenant: box.alias, address: box.address });
    rows.push({
      uidls: box.uidls,
      messages: box.messages,
      checkpointBytes: Number(await redis.call("MEMORY", "USAGE", keys.checkpoints(id), "SAMPLES", "0")),
      poll: { roundTrips: mean((t) => t.roundTrips), received: mean((t) => t.received), sent: mean((t) => t.sent) },
    });
  }
  return rows;
}

/** Once nothing has moved for a moment that is long within a poll and short between two. */
async function quietTraffic(box: Box): Promise<Traffic> {
  const quietMs = 250;
  let last = box.proxy.traffic();
  let since = performance.now();
  while (performance.now() - since < quietMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    const now = box.proxy.traffic();
    if (now.received !== last.received || now.sent !== last.sent) [last, since] = [now, performance.now()];
  }
  return last;
}

async function untilAll(what: string, isReached: (box: Box) => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const reached = await Promise.all(boxes.map(isReached));
    if (reached.every(Boolean)) return;
    if (performance.now() > deadline)
      throw new Error(`${what} is not reached\n${roles.map((role) => role.output().slice(-2_000)).join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function startRoles(config: string): Watched[] {
  const root = join(import.meta.dirname, "../..");
  const env = { ...workerEnvironment, PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...flags, join(root, `apps/${role}/src/main.ts`), "--config", config], env);
  return [start("producer", []), start("worker", workerNodeFlags)];
}

async function writeConfig(): Promise<string> {
  await writeFile(join(dir, "secret"), tenant.secret, { mode: 0o600 });
  const file = join(dir, "mailfleet.yaml");
  const tenants = boxes.map(
    ({ alias, address, proxy }) => `  ${alias}:
    tenantId: ${tenant.tenantId}
    clientId: ${tenant.clientId}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: ${endpoint.authority}
      scope: https://outlook.office365.com/.default
      pop3: { host: localhost, port: ${proxy.port}, tls: true }
      caFile: ${dovecot.caFile}
    protocol: pop3
    mailboxes: [${address}]
`,
  );
  await writeFile(
    file,
    `redis: { url: "${server.url}" }
dataDir: ${dir}
tenants:
${tenants.join("")}sync: { pollSeconds: 2, backfill: ${isListedOnly ? "false" : "true"} }
downstream: { highWater: 10000000, highWaterBytes: 100000000000 }
blobs: { dir: ${join(dir, "blobs")} }
`,
  );
  return file;
}
