import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { followEvents, openMessagesQueue } from "@mailfleet/queue";
import { systemClock, workerNodeFlags } from "@mailfleet/runtime";
import { startSandbox } from "@mailfleet/sandbox";
import { createFleetReader, redisOptions } from "@mailfleet/store";
import { startRedis } from "@mailfleet/testkit/servers";
import { readFlags } from "../flags.ts";
import { watch, type Watched } from "../throughput/processes.ts";

const help = `From a message's delivery in the sandbox to its event in the queue, on a fleet that has nothing else to do: a producer and a worker as
processes of their own, one message at a time to one mailbox after the other.

  npx mailfleet bench latency --push
  npx mailfleet bench latency --poll-seconds 5

  --push           IDLE on every mailbox; without it new mail waits for the poll
  --poll-seconds N how often a mailbox is polled (default 300 with --push, else 5)
  --deliveries N   how many messages (default 300)
  --mailboxes N    spread over this many (default 20)
  --gap-ms N       between two deliveries, on average (default 200)
  --json           nothing but the result on stdout
`;

const given = readFlags("latency", help, {
  numbers: {
    "poll-seconds": { min: 1 },
    deliveries: { default: 300, min: 1 },
    mailboxes: { default: 20, min: 1 },
    "gap-ms": { default: 200, min: 0 },
  },
  switches: ["push"],
});
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));
const isPush = given.switches.has("push");
const { deliveries: count, mailboxes, "gap-ms": gapMs } = given.numbers;
const pollSeconds = given.numbers["poll-seconds"] ?? (isPush ? 300 : 5);
const giveUpMs = 120_000 + 2_000 * pollSeconds;
const lookMs = 50;
/** After the first pass, and after the looks that follow on push's connections. */
const settleMs = 3_000;

const dir = await mkdtemp(join(tmpdir(), "mailfleet-latency-"));
const [sandbox, server] = await Promise.all([
  startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes, messages: mailboxes * 5 }],
    trickle: 0,
    faults: false,
  }),
  startRedis({ shared: false }),
]);
const redis = new Redis(server.url);
const keys = redisKeys();
const reader = createFleetReader(redis, keys);
const { hostname: host, port } = new URL(server.url);
const connection = redisOptions({ host, port: Number(port), db: 0, tls: false });
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const queue = openMessagesQueue({ connection, keys, log });
let roles: Watched[] = [];

/** By Message-ID, monotonic ms. */
const delivered = new Map<string, number>();
const latencies: number[] = [];
const following = await followEvents({ connection, keys, log, queue }, ({ event }) => {
  const messageId = event && "message" in event ? event.message?.messageId : undefined;
  const at = messageId === undefined ? undefined : delivered.get(messageId);
  if (messageId === undefined || at === undefined) return;
  latencies.push(performance.now() - at);
  delivered.delete(messageId);
});

try {
  const env = {
    PATH: process.env["PATH"],
    NODE_COMPILE_CACHE: join(dir, "compile-cache"),
    MAILFLEET_REDIS_URL: server.url,
    MAILFLEET_DATA_DIR: join(dir, "data"),
    MAILFLEET_SYNC_PUSH: isPush ? "all" : "none",
    MAILFLEET_SYNC_POLL_SECONDS: String(pollSeconds),
  };
  const root = join(import.meta.dirname, "../..");
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...flags, join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], env);
  roles = [start("producer", []), start("worker", workerNodeFlags)];

  say(`first pass of ${mailboxes} mailboxes${isPush ? ", and an IDLE for each" : ""}`);
  const messages = sandbox.tenants[0]?.messages ?? 0;
  await until(async () => {
    const { handedOff, quarantined } = await reader.fleetLedger();
    const connected = (await reader.processes()).reduce((sum, { push }) => sum + (push?.connected ?? 0), 0);
    return handedOff + quarantined >= messages && (!isPush || connected >= mailboxes);
  });
  await systemClock.sleep(settleMs);

  say(`${count} deliveries, ${gapMs} ms apart on average`);
  const addresses = sandbox.tenants[0]?.addresses ?? [];
  for (let i = 0; i < count; i++) {
    const messageId = `<latency-${i}@bench.example>`;
    const raw = Buffer.from(
      `From: sender@bench.example\r\nTo: ${addresses[i % addresses.length]}\r\nSubject: ${i}\r\nMessage-ID: ${messageId}\r\n\r\n${"x".repeat(2_000)}\r\n`,
    );
    delivered.set(messageId, performance.now());
    sandbox.deliver(addresses[i % addresses.length] ?? "", "INBOX", raw);
    await systemClock.sleep(gapMs * (0.5 + Math.random()));
  }
  await until(() => Promise.resolve(delivered.size === 0));
  const rank = (share: number): number => Math.round(latencies.toSorted((a, b) => a - b)[Math.ceil(share * latencies.length) - 1] ?? 0);
  const worker = roles[1];
  const document = {
    latency: {
      p50Ms: rank(0.5),
      p90Ms: rank(0.9),
      p99Ms: rank(0.99),
      maxMs: rank(1),
      deliveries: latencies.length,
      mailboxes,
      push: isPush,
      pollSeconds,
      workerRssMb: Math.round(worker?.usage.peakRssMb ?? 0),
      machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.versions.node },
    },
  };
  const { p50Ms, p90Ms, p99Ms, maxMs } = document.latency;
  say(`delivery to event: median ${p50Ms} ms, 90 % ${p90Ms} ms, 99 % ${p99Ms} ms, slowest ${maxMs} ms`);
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(
    join(import.meta.dirname, `../results/latency${isPush ? "-push" : ""}.json`),
    `${JSON.stringify(document, undefined, 2)}\n`,
  );
  await Promise.all(roles.map((role) => role.stop()));
  process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
  for (const role of roles) role.process.kill("SIGKILL");
  await following.close();
  await queue.close();
  redis.disconnect();
  await server.stop();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
}

async function until(isReached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  while (!(await isReached())) {
    if (performance.now() > deadline) {
      const logs = roles.map((role) => role.output()).join("\n");
      throw new Error(`not there after ${giveUpMs / 1_000} s, ${delivered.size} deliveries without an event\n${logs.slice(-2_000)}`);
    }
    await systemClock.sleep(lookMs);
  }
}

function ignore(): void {
  // The roles' own logs say what went wrong.
}
