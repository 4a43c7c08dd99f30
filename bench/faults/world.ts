import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createFleetReader, type FleetReader } from "@mailfleet/store";
import { freePort, testAuthority } from "@mailfleet/testkit/servers";
import { MortalRedis, SupervisedRole } from "../chaos/supervised-fleet.ts";
import type { InjectedFault } from "./injected-fault.ts";

/** One row with the tenant that is its own. */
export interface Placed {
  readonly row: InjectedFault;
  readonly tenant: string;
  /** The first one is the one that is hit, where not the whole tenant is. */
  readonly addresses: readonly string[];
}

export interface World {
  readonly sandbox: Sandbox;
  readonly placed: readonly Placed[];
  /** Tenants without any fault: what goes on around them must not be felt there. */
  readonly healthy: readonly string[];
  readonly reader: FleetReader;
  readonly redis: Redis;
  readonly configFile: string;
  /** Starts producer and workers, and resolves when they are ready. */
  startRoles(): Promise<void>;
  outputs(): string;
  close(): Promise<void>;
}

const mailboxesEach = 3;
const messagesEach = 3;
const healthyTenants = 4;
const workers = 2;

/** A sandbox with a tenant for each row, Redis, and roles that are not yet started. */
export async function startWorld(dir: string, seed: number, rows: readonly InjectedFault[]): Promise<World> {
  const aliases = rows.map((_, i) => `row${String(i + 1).padStart(2, "0")}`);
  const healthy = Array.from({ length: healthyTenants }, (_, i) => `healthy${String(i + 1)}`);
  const sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    seed,
    tenants: [...aliases, ...healthy].map((alias) => ({ alias, mailboxes: mailboxesEach, messages: mailboxesEach * messagesEach })),
    trickle: 0,
    faults: false,
  });
  const placed = rows.map((row, i): Placed => {
    const tenant = aliases[i] ?? "";
    const addresses = sandbox.tenants.find((one) => one.alias === tenant)?.addresses ?? [];
    return { row, tenant, addresses: row.isUnknownMailbox ? [`nobody@${tenant}.example`, ...addresses] : addresses };
  });
  const silent = await listenSilently(createServer());
  const foreign = await listenSilently(await foreignServer(join(dir, "foreign")));
  const port = await freePort();
  const server = new MortalRedis(dir, port);
  await server.start();
  const redis = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null });
  const configFile = await writeConfig(sandbox, dir, server.url, placed, healthy, { silent: silent.port, foreign: foreign.port });
  const roles: SupervisedRole[] = [];
  return {
    sandbox,
    placed,
    healthy,
    redis,
    reader: createFleetReader(redis, redisKeys()),
    configFile,
    async startRoles() {
      const fleet = { configFile, dir, redisPort: port, producers: 1, workers };
      roles.push(new SupervisedRole("producer", 1, fleet));
      for (let i = 1; i <= workers; i++) roles.push(new SupervisedRole("worker", i, fleet));
      while (!roles.every((role) => role.isReady)) await new Promise((resolve) => setTimeout(resolve, 100));
    },
    outputs: () => roles.map((role) => role.output).join(""),
    async close() {
      for (const role of roles) await role.stop();
      redis.disconnect();
      await server.stop();
      silent.close();
      foreign.close();
      await sandbox.close();
    },
  };
}

/** A mail host whose certificate is of an authority that nobody here trusts. */
async function foreignServer(dir: string): Promise<Server> {
  await mkdir(dir, { recursive: true });
  const { certFile, keyFile } = await (await testAuthority(dir)).issue("localhost");
  return createTlsServer({ cert: await readFile(certFile), key: await readFile(keyFile) });
}

/** Takes connections and never says a word. */
async function listenSilently(server: Server): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function writeConfig(
  sandbox: Sandbox,
  dir: string,
  redisUrl: string,
  placed: readonly Placed[],
  healthy: readonly string[],
  ports: { readonly silent: number; readonly foreign: number },
): Promise<string> {
  const closed = await freePort();
  const lines = [
    `redis: { url: ${redisUrl} }`,
    `dataDir: ${JSON.stringify(dir)}`,
    `blobs: { dir: ${JSON.stringify(join(dir, "blobs"))} }`,
    "tenants:",
  ];
  const add = async (alias: string, addresses: readonly string[], { endpoint, isPop3 }: Partial<InjectedFault>): Promise<void> => {
    const tenant = sandbox.tenants.find((one) => one.alias === alias);
    if (!tenant) throw new Error(`no tenant ${alias}`);
    const secretFile = join(dir, "sandbox", `secret-${alias}`);
    await readFile(secretFile);
    const imap = mailHost(endpoint, sandbox, { ...ports, closed });
    lines.push(
      `  ${alias}:`,
      `    tenantId: ${tenant.tenantId}`,
      `    clientId: ${tenant.clientId}`,
      `    credential: { secretFile: ${JSON.stringify(secretFile)} }`,
      "    cloud: custom",
      `    endpoints: { authority: ${JSON.stringify(sandbox.authority)}, scope: "https://outlook.office365.com/.default", imap: ${JSON.stringify({ ...imap, tls: true })}, pop3: ${JSON.stringify({ ...sandbox.pop3, tls: true })}, caFile: ${JSON.stringify(sandbox.caFile)} }`,
      `    protocol: ${isPop3 === true ? "pop3" : "imap"}`,
      `    mailboxes: ${JSON.stringify(addresses)}`,
    );
  };
  for (const { row, tenant, addresses } of placed) await add(tenant, addresses, row);
  for (const alias of healthy) await add(alias, sandbox.tenants.find((one) => one.alias === alias)?.addresses ?? [], {});
  lines.push("sync: { pollSeconds: 1, freshWithinSeconds: 600, concurrency: 16 }", "worker: { parseThreads: 1 }", "");
  await mkdir(dir, { recursive: true });
  const file = join(dir, "mailfleet.yaml");
  await writeFile(file, lines.join("\n"), { mode: 0o600 });
  return file;
}

function mailHost(
  endpoint: InjectedFault["endpoint"],
  sandbox: Sandbox,
  ports: { readonly silent: number; readonly foreign: number; readonly closed: number },
): { readonly host: string; readonly port: number } {
  switch (endpoint) {
    case "no-such-host":
      return { host: "mail.invalid", port: 993 };
    case "closed-port":
      return { host: "127.0.0.1", port: ports.closed };
    case "silent-port":
      return { host: "127.0.0.1", port: ports.silent };
    case "foreign-certificate":
      return { host: "localhost", port: ports.foreign };
    case undefined:
      return sandbox.imap;
  }
}
