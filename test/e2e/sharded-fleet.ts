import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { loadConfig } from "@mailfleet/config";
import type { MailEvent } from "@mailfleet/core";
import { openMessagesQueue } from "@mailfleet/queue";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { closeShards, type OpenShard, openShards } from "@mailfleet/store";
import { silentLog } from "@mailfleet/testkit";
import { type FleetSums, readSums, type Role, root, startProgram, until } from "./fleet.ts";

/** Programs of a fleet whose Redis the test takes apart, and what they left in its shards. */
export interface ShardedFleet {
  readonly sandbox: Sandbox;
  start(role: "producer" | "worker", env?: NodeJS.ProcessEnv): Role;
  /** The programs' configuration, with a client for each shard. */
  openShards(): Promise<readonly OpenShard[]>;
  /** Waits until the sums of all shards fit. */
  untilSums(isReached: (sums: FleetSums) => boolean, limitMs: number): Promise<FleetSums>;
  /** Of one shard, from 1. */
  untilSumsOf(shard: number, isReached: (sums: FleetSums) => boolean, limitMs: number): Promise<FleetSums>;
  /** Every message of the sandbox is in its shard's queue once, and nothing else is. */
  expectAllOnce(): Promise<void>;
  output(): string;
  stop(): Promise<void>;
}

/** More tenants than shards, so that each shard of four has some. */
const aliases = ["contoso", "fabrikam", "northwind", "tailwind", "adatum", "litware"];

export interface ShardedFleetOptions {
  /** Of the environment: where Redis is, and how many shards. */
  readonly env: Readonly<Record<string, string>>;
  readonly mailboxes: number;
  /** In each tenant's mailboxes together. */
  readonly messages: number;
}

export async function startShardedFleet({ env, mailboxes, messages }: ShardedFleetOptions): Promise<ShardedFleet> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-shards-"));
  const sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: aliases.map((alias) => ({ alias, mailboxes, messages })),
    trickle: 0,
    faults: false,
  });
  const roles: Role[] = [];
  const all = [...sandbox.truth()].filter(({ isMail }) => isMail).length;
  const fleetEnv = { ...env, MAILFLEET_DATA_DIR: dir, MAILFLEET_BLOBS_DIR: join(dir, "blobs"), MAILFLEET_SYNC_POLL_SECONDS: "3600" };
  const loaded = loadConfig({ file: sandbox.configFile, env: fleetEnv, cwd: root });
  if (!loaded.ok || loaded.config.redis === undefined) throw new Error(`no configuration: ${JSON.stringify(loaded)}`);
  const { config } = loaded;
  const { redis: target } = loaded.config;
  const output = (): string => roles.map((role) => role.output()).join("\n");
  const open = (): Promise<readonly OpenShard[]> => openShards(config, target, silentLog);
  let shards: readonly OpenShard[] = await open();

  return {
    sandbox,
    output,
    start(role, more = {}) {
      const started = startProgram([join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], { ...fleetEnv, ...more });
      roles.push(started);
      return started;
    },
    openShards: open,
    untilSums: (isReached, limitMs) => until(() => sumOf(shards), isReached, limitMs, output),
    untilSumsOf: (number, isReached, limitMs) =>
      until(() => sumOf(shards.filter((shard) => shard.number === number)), isReached, limitMs, output),
    async expectAllOnce() {
      const keys: string[] = [];
      for (const { connection, keys: names } of shards) {
        const queue = openMessagesQueue({ connection, keys: names, log: silentLog });
        const jobs = await queue.getJobs(["waiting", "active", "delayed", "failed"], 0, -1, true);
        for (const job of jobs) if (job.name === "message.added") keys.push((job.data as MailEvent).key);
        await queue.close();
      }
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys).toHaveLength(all);
    },
    async stop() {
      for (const role of roles) role.process.kill("SIGKILL");
      await Promise.all(roles.map((role) => role.ended));
      closeShards(shards);
      shards = [];
      await sandbox.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function sumOf(shards: readonly OpenShard[]): Promise<FleetSums> {
  const sums = await Promise.all(shards.map(({ redis, keys }) => readSums(redis, keys.bullPrefix.slice(1, -1))));
  return sums.reduce((a, b) => ({
    listed: a.listed + b.listed,
    handedOff: a.handedOff + b.handedOff,
    quarantined: a.quarantined + b.quarantined,
    toDo: a.toDo + b.toDo,
  }));
}
