import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { mailboxId, redisKeys, unpackCheckpoint } from "@mailfleet/core";
import { workerNodeFlags } from "@mailfleet/runtime";
import { startSandbox } from "@mailfleet/sandbox";
import { startRedis } from "@mailfleet/testkit/servers";
import { readFlags } from "../flags.ts";
import { watch, type Watched } from "../throughput/processes.ts";
import { startCountingProxy } from "../counting-proxy.ts";
import { measureIdleMailboxes } from "./idle-fleet.ts";
import { startTally } from "./tally.ts";

const help = `One folder of many messages in the sandbox. After the first sync it is proven, proven again (which sends only STATUS), and proven with one
message planted that no listing had shown, which is then repaired. Then its UIDVALIDITY changes: known messages must be found again from
their headers, none fetched, none handed off twice, none lost. Also prints what the checkpoint takes in Redis.

  npx mailfleet bench resync
  npx mailfleet bench resync --messages 5000

  --messages N     in the folder (default 100000)
  --mean-bytes N   average length of a message (default 40000)
  --json           nothing but the result on stdout
`;

const given = readFlags("resync", help, {
  numbers: { messages: { default: 100_000, min: 1 }, "mean-bytes": { default: 40_000, min: 6_000, max: 1_000_000 } },
});
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));
const giveUpMs = 60 * 60_000;
const { messages, "mean-bytes": meanBytes } = given.numbers;
const keys = redisKeys();

const dir = await mkdtemp(join(tmpdir(), "mailfleet-resync-"));
const idle = await measureIdleMailboxes(join(dir, "idle"), startRoles, writeConfig);
say(
  `an idle mailbox of ${idle.messagesPerMailbox} messages in ${idle.foldersPerMailbox.median} folders: checkpoint ${idle.checkpointBytes.median} bytes in Redis (largest ${idle.checkpointBytes.max}, ${idle.foldersPerMailbox.max} folders), and ${idle.mailboxBytes} bytes beside it`,
);
const sandbox = await startSandbox({
  dataDir: join(dir, "sandbox"),
  tenants: [{ alias: "contoso", mailboxes: 1, messages, meanBytes, inboxOnly: true }],
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
  const config = await writeConfig({ sandbox, redisUrl: server.url, dir, imapPort: proxy.port });
  roles = startRoles(config);
  const first = await phase("first sync", () => isComplete(1));
  const redisBytes = {
    checkpoint: await redis.call("MEMORY", "USAGE", keys.checkpoints(id), "SAMPLES", "0"),
    mailbox: await redis.call("MEMORY", "USAGE", keys.mailbox(id), "SAMPLES", "0"),
  };
  say(`known downstream ${tally.known()} of ${listed}; checkpoint ${String(redisBytes.checkpoint)} bytes in Redis`);

  const proofs = await proveAndRepair();

  tally.restart();
  sandbox.resetUidValidity(address, "INBOX");
  const resync = await phase("resync after a new UIDVALIDITY", () => isComplete(2));
  const counts = tally.counts();
  const lost = listed + 1 - tally.known();
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
      idleMailbox: idle,
      redisBytes,
      proofs,
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
  const isProven =
    proofs.first.exitCode === 0 && proofs.planted.exitCode === 1 && proofs.planted.gaps === 1 && proofs.repaired.exitCode === 0;
  const isCheap = Object.keys(proofs.unchanged.commands).every((verb) => ["STATUS", "LIST"].includes(verb));
  const isGood =
    isProven && isCheap && lost === 0 && tally.twice() === 0 && result.resync.addedAgain === 0 && result.resync.bytesRatio < 0.02;
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

interface Proof {
  readonly exitCode: number;
  readonly seconds: number;
  readonly gaps: number;
  /** What was sent to the server beside the login, by verb. */
  readonly commands: Readonly<Record<string, number>>;
}

/** The workers stand still for it, so that the planted message is found by the proof and by nothing else. */
async function proveAndRepair(): Promise<{ first: Proof; unchanged: Proof; planted: Proof; repaired: Proof }> {
  await Promise.all(roles.map((role) => role.stop()));
  const first = await prove("first proof", []);
  const unchanged = await prove("second proof, nothing moved", []);
  const uids = new Set([...sandbox.truth()].filter((one) => one.folder === "INBOX").map((one) => one.uid));
  let hole = 1;
  while (uids.has(hole)) hole++;
  sandbox.plant(address, "INBOX", hole, Buffer.from("Message-ID: <planted@bench>\r\nSubject: planted\r\n\r\nx\r\n"));
  const planted = await prove("proof with a planted message", []);
  roles = startRoles(join(dir, "mailfleet.yaml"));
  const repaired = await prove("repair", ["--repair"]);
  return { first, unchanged, planted, repaired };
}

async function prove(what: string, flags: readonly string[]): Promise<Proof> {
  const before = new Map(sandbox.counters.commands);
  const startedAt = performance.now();
  const cli = join(import.meta.dirname, "../../apps/cli/src/main.ts");
  const run = watch(process.execPath, [cli, "prove", address, "--config", join(dir, "mailfleet.yaml"), "--json", ...flags], {
    PATH: process.env["PATH"],
  });
  const exitCode = await run.ended;
  const login = new Set(["CAPABILITY", "ID", "AUTHENTICATE", "NAMESPACE", "LOGOUT"]);
  const commands = [...sandbox.counters.commands].flatMap(([verb, count]) => {
    const sent = count - (before.get(verb) ?? 0);
    return sent > 0 && verb === verb.toUpperCase() && !login.has(verb) ? [[verb, sent] as const] : [];
  });
  const gaps = Number(/"gaps":(\d+)/.exec(run.output())?.[1] ?? Number.NaN);
  const proof = {
    exitCode,
    seconds: Number(((performance.now() - startedAt) / 1_000).toFixed(1)),
    gaps,
    commands: Object.fromEntries(commands),
  };
  say(`${what}: ${JSON.stringify(proof)}`);
  if (exitCode > 1 || Number.isNaN(gaps)) say(run.output().slice(-1_000));
  return proof;
}

interface Phase {
  readonly seconds: number;
  readonly bytes: number;
}

async function phase(what: string, isDone: () => Promise<boolean>): Promise<Phase> {
  const [startedAt, before] = [performance.now(), proxy.traffic().received];
  let nextSay = startedAt + 10_000;
  while (!(await isDone())) {
    const now = performance.now();
    if (now - startedAt > giveUpMs)
      throw new Error(`${what} is not done after ${giveUpMs / 60_000} min\n${roles.map((role) => role.output().slice(-2_000)).join("\n")}`);
    if (now >= nextSay) {
      nextSay += 10_000;
      say(
        `${what}: ${JSON.stringify(tally.counts())}, ${((proxy.traffic().received - before) / 1e6).toFixed(0)} MB, ${Math.round((now - startedAt) / 1_000)} s`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { seconds: Number(((performance.now() - startedAt) / 1_000).toFixed(1)), bytes: proxy.traffic().received - before };
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

function startRoles(config: string): Watched[] {
  const env = { PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const root = join(import.meta.dirname, "../..");
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...flags, join(root, `apps/${role}/src/main.ts`), "--config", config], env);
  return [start("producer", []), start("worker", workerNodeFlags)];
}

async function writeConfig(options: {
  sandbox: Awaited<ReturnType<typeof startSandbox>>;
  redisUrl: string;
  dir: string;
  imapPort: number;
}): Promise<string> {
  const [first] = options.sandbox.tenants;
  const file = join(options.dir, "mailfleet.yaml");
  await writeFile(join(options.dir, "secret"), options.sandbox.secretOf("contoso"), { mode: 0o600 });
  await writeFile(
    file,
    `redis: { url: ${options.redisUrl} }
dataDir: ${options.dir}
tenants:
  contoso:
    tenantId: ${first?.tenantId ?? ""}
    clientId: ${first?.clientId ?? ""}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: ${options.sandbox.authority}
      scope: https://outlook.office365.com/.default
      imap: { host: localhost, port: ${options.imapPort}, tls: true }
      caFile: ${options.sandbox.caFile}
    mailboxes: [${(first?.addresses ?? []).join(", ")}]
sync: { pollSeconds: 10 }
blobs: { dir: ${join(options.dir, "blobs")} }
`,
  );
  return file;
}
