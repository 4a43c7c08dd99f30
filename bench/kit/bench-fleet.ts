import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { producerNodeFlags, workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import type { SandboxTenantOptions } from "@mailfleet/sandbox";
import { createFleetReader, createMailboxRegistry, type FleetReader, type MailboxRegistry } from "@mailfleet/store";
import { type RunningRedis, startRedis } from "@mailfleet/testkit/servers";
import { startFarProxy } from "../throughput/far-server.ts";
import { type Watched, watch } from "../throughput/processes.ts";
import { type SandboxProcess, type ServedTenant, startSandboxProcess } from "./sandbox-process.ts";

type Settings = Readonly<Record<string, object>>;

export interface BenchFleetOptions {
  readonly dir: string;
  readonly tenants: readonly SandboxTenantOptions[];
  /** Served by a mail server, which is a process, of their own. */
  readonly tenantsApart?: readonly SandboxTenantOptions[];
  /** Of these the configuration names no mailboxes: they are registered later. */
  readonly withoutMailboxes?: readonly string[];
  /** Blocks of the configuration, as `sync` and `downstream`. */
  readonly settings: Settings | ((tenants: readonly ServedTenant[]) => Settings);
  /** As if the mail server were so far away; 0 for as near as it is. */
  readonly rttMs?: number;
  /** Added to Node's flags of every role. */
  readonly nodeFlags?: readonly string[];
}

/** A sandbox, a Redis, and producers and workers as they are shipped, all as processes of their own. */
export interface BenchFleet {
  readonly sandbox: SandboxProcess;
  /** Of `tenantsApart`. */
  readonly sandboxApart: SandboxProcess | undefined;
  readonly server: RunningRedis;
  readonly redis: Redis;
  readonly reader: FleetReader;
  readonly registry: MailboxRegistry;
  /** Those that run, in the order of their start. */
  readonly roles: ReadonlyMap<Watched, "producer" | "worker">;
  /** @param own variables of this process alone */
  start(role: "producer" | "worker", own?: Readonly<Record<string, string>>): Watched;
  /** What the roles said last, for when something went wrong. */
  output(): string;
  close(): Promise<void>;
}

/** Of the roles' memory and CPU; their highest memory is the kernel's own count and needs no fast look. */
const sampleMs = 500;

/** As a private Redis of mailfleet has it beside what every Redis must have. */
const privateRedisArgs = ["--hash-max-ziplist-value", "512"];

export async function startBenchFleet(options: BenchFleetOptions): Promise<BenchFleet> {
  const { dir, tenantsApart, rttMs = 0, nodeFlags = [] } = options;
  await mkdir(dir, { recursive: true });
  const server = await startRedis({ shared: false, extraArgs: privateRedisArgs });
  const sandbox = await startSandboxProcess({ dataDir: join(dir, "sandbox"), tenants: options.tenants });
  const sandboxApart = tenantsApart && (await startSandboxProcess({ dataDir: join(dir, "sandbox-apart"), tenants: tenantsApart }));
  const far = rttMs > 0 ? await startFarProxy(sandbox.imapPort, rttMs) : undefined;
  const servers = [
    { sandbox, imapPort: far?.port ?? sandbox.imapPort },
    ...(sandboxApart ? [{ sandbox: sandboxApart, imapPort: sandboxApart.imapPort }] : []),
  ];
  const config = await writeConfig(options, servers, server.url);
  const redis = new Redis(server.url);
  const keys = redisKeys();
  const roles = new Map<Watched, "producer" | "worker">();
  // As `mailfleet up` starts its roles.
  const env = { ...workerEnvironment, PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const apps = join(import.meta.dirname, "../../apps");
  return {
    sandbox,
    sandboxApart,
    server,
    redis,
    reader: createFleetReader(redis, keys),
    registry: createMailboxRegistry(redis, keys),
    roles,
    start(role, own = {}) {
      const flags = [...nodeFlags, ...(role === "worker" ? workerNodeFlags : producerNodeFlags)];
      const started = watch(
        process.execPath,
        [...flags, join(apps, `${role}/src/main.ts`), "--config", config],
        { ...env, ...own },
        sampleMs,
      );
      roles.set(started, role);
      void started.ended.then(() => roles.delete(started));
      return started;
    },
    output: () => [...roles.keys()].map((role) => role.output().slice(-2_000)).join("\n"),
    async close() {
      await Promise.all([...roles.keys()].map((role) => role.stop()));
      redis.disconnect();
      far?.process.kill("SIGKILL");
      await Promise.all([sandbox.stop(), sandboxApart?.stop()]);
      await server.stop();
    },
  };
}

interface MailServer {
  readonly sandbox: SandboxProcess;
  readonly imapPort: number;
}

/** Secrets, lists of mailboxes and `mailfleet.yaml` in the fleet's folder. JSON is YAML. */
async function writeConfig(options: BenchFleetOptions, servers: readonly MailServer[], url: string): Promise<string> {
  const { dir, withoutMailboxes = [], settings } = options;
  const tenants: Record<string, object> = {};
  const served = servers.flatMap((server) => server.sandbox.tenants.map((tenant) => ({ ...server, ...tenant })));
  for (const { alias, tenantId, clientId, secret, addresses, sandbox, imapPort } of served) {
    await writeFile(join(dir, `secret-${alias}`), secret, { mode: 0o600 });
    await writeFile(join(dir, `boxes-${alias}.csv`), `address\n${addresses.join("\n")}\n`);
    tenants[alias] = {
      tenantId,
      clientId,
      credential: { secretFile: `./secret-${alias}` },
      cloud: "custom",
      endpoints: {
        authority: sandbox.authority,
        scope: "https://outlook.office365.com/.default",
        imap: { host: "localhost", port: imapPort, tls: true },
        caFile: sandbox.caFile,
      },
      ...(withoutMailboxes.includes(alias) ? { mailboxes: [] } : { mailboxesFile: `./boxes-${alias}.csv` }),
    };
  }
  const file = join(dir, "mailfleet.yaml");
  const base = { redis: { url }, dataDir: dir, tenants, blobs: { dir: join(dir, "blobs") } };
  await writeFile(file, JSON.stringify({ ...base, ...(typeof settings === "function" ? settings(served) : settings) }, undefined, 2));
  return file;
}
