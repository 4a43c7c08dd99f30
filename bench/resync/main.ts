import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { mailboxId, redisKeys, unpackCheckpoint } from "@mailfleet/core";
import { workerNodeFlags } from "@mailfleet/runtime";
import { startSandbox } from "@mailfleet/sandbox";
import { startRedis } from "@mailfleet/testkit/servers";
import { watch, type Watched } from "../throughput/processes.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import { startTally } from "./tally.ts";

const help = `One folder of many messages in the sandbox: first sync, then its UIDVALIDITY changes. Known messages must be found again from
their headers, none fetched, none handed off twice, none lost. Also prints what the checkpoint takes in Redis.

  npx mailfleet bench resync
  npx mailfleet bench resync --messages 5000

  --messages N     in the folder (default 100000)
  --mean-bytes N   average length of a message (default 40000)
  --json           nothing but the result on stdout
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    messages: { type: "string", default: "100000" },
    "mean-bytes": { type: "string", default: "40000" },
    json: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const say = (line: string): void => void (values.json || process.stderr.write(`${line}\n`));
const giveUpMs = 60 * 60_000;
const messages = Number(values.messages);
const keys = redisKeys();

const dir = await mkdtemp(join(tmpdir(), "mailfleet-resync-"));
const sandbox = await startSandbox({
  dataDir: join(dir, "sandbox"),
  tenants: [{ alias: "contoso", mailboxes: 1, messages, meanBytes: Number(values["mean-bytes"]), inboxOnly: true }],
  trickle: 0,
  faults: false,
});
const proxy = await startCountingProxy(sandbox.imap.port);
const server = await startRedis({ shared: false });
const { hostname: host, port } = new URL(server.url);
const redis = new Redis(server.url);
const tally = startTally({ host, port: Number(port) }, keys);
const [tenant] = sandbox.tenants;
const address = tenant?.addresses[0] ?? "";
const id = mailboxId({ tenant: "contoso", address });
let roles: Watched[] = [];
try {
  const inbox = [...sandbox.truth()].filter((one) => one.folder === "INBOX").length;
  const listed = [...sandbox.truth()].filter((one) => one.isMail).length;
  await writeConfig();
  roles = startRoles();
  const first = await phase("first sync", () => isComplete(1));
  const redisBytes = {
    checkpoint: await redis.call("MEMORY", "USAGE", keys.checkpoints(id), "SAMPLES", "0"),
    mailbox: await redis.call("MEMORY", "USAGE", keys.mailbox(id), "SAMPLES", "0"),
  };
  if (process.env["SHOW"]) say(JSON.stringify(await redis.hgetall(keys.checkpoints(id))));
  say(`known downstream ${tally.known()} of ${listed}; checkpoint ${String(redisBytes.checkpoint)} bytes in Redis`);

  tally.restart();
  sandbox.resetUidValidity(address, "INBOX");
  const resync = await phase("resync after a new UIDVALIDITY", () => isComplete(2));
  const counts = tally.counts();
  const lost = listed - tally.known();
  const result = {
    resync: {
      messages: inbox,
      meanBytes: Math.round(first.bytes / inbox),
      firstSync: first,
      afterReset: resync,
      bytesRatio: Number((resync.bytes / first.bytes).toFixed(4)),
      rekeyed: counts["message.rekeyed"] ?? 0,
      addedAgain: counts["message.added"] ?? 0,
      lost,
      duplicates: tally.twice(),
      redisBytes,
      workerPeakRssMb: Math.round(roles[1]?.usage.peakRssMb ?? 0),
      machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.versions.node },
    },
  };
  say(
    `\n${inbox} messages: ${(first.bytes / 1e6).toFixed(0)} MB in ${first.seconds.toFixed(0)} s at first, ` +
      `${(resync.bytes / 1e6).toFixed(1)} MB in ${resync.seconds.toFixed(0)} s after the reset (${(result.resync.bytesRatio * 100).toFixed(2)} %)\n` +
      `rekeyed ${result.resync.rekeyed}, added again ${result.resync.addedAgain}, lost ${lost}, twice ${tally.twice()}`,
  );
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "../results/resync.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  const isGood = lost === 0 && tally.twice() === 0 && result.resync.addedAgain === 0 && result.resync.bytesRatio < 0.02;
  process.exitCode = isGood ? 0 : 1;
} finally {
  await Promise.all(roles.map((role) => role.stop()));
  await tally.close();
  redis.disconnect();
  await server.stop();
  await proxy.close();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
}

interface Phase {
  readonly seconds: number;
  readonly bytes: number;
}

async function phase(what: string, isDone: () => Promise<boolean>): Promise<Phase> {
  const [startedAt, before] = [performance.now(), proxy.received()];
  let nextSay = startedAt + 10_000;
  while (!(await isDone())) {
    const now = performance.now();
    if (now - startedAt > giveUpMs)
      throw new Error(`${what} is not done after ${giveUpMs / 60_000} min\n${roles.map((role) => role.output().slice(-2_000)).join("\n")}`);
    if (now >= nextSay) {
      nextSay += 10_000;
      say(
        `${what}: ${JSON.stringify(tally.counts())}, ${((proxy.received() - before) / 1e6).toFixed(0)} MB, ${Math.round((now - startedAt) / 1_000)} s`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { seconds: Number(((performance.now() - startedAt) / 1_000).toFixed(1)), bytes: proxy.received() - before };
}

/** INBOX has reached this generation, nothing of it is to do, and the consumer has caught up. */
async function isComplete(generation: number): Promise<boolean> {
  const stored = await redis.hget(keys.checkpoints(id), "INBOX");
  const checkpoint = stored === null ? undefined : unpackCheckpoint(stored.split("\n").slice(3).join("\n"));
  if (checkpoint?.generation !== generation || !checkpoint.isVerified || checkpoint.backfillBelow > 1 || checkpoint.previous.length > 0)
    return false;
  const [toDo, history] = await redis.hmget(keys.mailbox(id), "t", "history");
  const left = await redis.llen(`${keys.bullPrefix}:messages:wait`);
  const active = await redis.llen(`${keys.bullPrefix}:messages:active`);
  return Number(toDo ?? 0) === 0 && history === "0" && left + active === 0;
}

function startRoles(): Watched[] {
  const env = { PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const root = join(import.meta.dirname, "../..");
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...flags, join(root, `apps/${role}/src/main.ts`), "--config", join(dir, "mailfleet.yaml")], env);
  return [start("producer", []), start("worker", workerNodeFlags)];
}

async function writeConfig(): Promise<void> {
  await writeFile(join(dir, "secret"), sandbox.secretOf("contoso"), { mode: 0o600 });
  await writeFile(
    join(dir, "mailfleet.yaml"),
    `redis: { url: ${server.url} }
dataDir: ${dir}
tenants:
  contoso:
    tenantId: ${tenant?.tenantId ?? ""}
    clientId: ${tenant?.clientId ?? ""}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: ${sandbox.authority}
      scope: https://outlook.office365.com/.default
      imap: { host: localhost, port: ${proxy.port}, tls: true }
      caFile: ${sandbox.caFile}
    mailboxes: [${address}]
sync: { pollSeconds: 10 }
blobs: { dir: ${join(dir, "blobs")} }
`,
  );
}
