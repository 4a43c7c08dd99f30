import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { findBinary } from "./find-binary.ts";
import { freePort } from "./free-port.ts";
import { type RunningRedis, startRedis } from "./redis-server.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

export interface RunningSentinels {
  /** host:port of the three sentinels. */
  readonly nodes: readonly string[];
  /** Of the primary, as they know it. */
  readonly name: string;
  /** The server that is the primary now, as the first sentinel says. */
  primary(): Promise<RunningRedis>;
  stop(): Promise<void>;
}

/** A primary that is silent for this long is replaced, ms. */
const downAfterMs = 1_000;
const readyWithinMs = 30_000;
const name = "mymaster";

/** One primary, one replica, and three sentinels that watch them, all local. Needs redis-server. */
export async function startSentinels(): Promise<RunningSentinels> {
  const binary = await findBinary("redis-server");
  if (binary === undefined) throw new Error("Sentinels for the tests need redis-server (Debian: apt-get install redis-server).");
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-sentinels-"));
  const servers: RunningRedis[] = [];
  const sentinels: { readonly port: number; readonly process: ServerProcess }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all([...sentinels.map(({ process }) => process.kill()), ...servers.map((server) => server.kill())]);
    await rm(dir, { recursive: true, force: true });
  };
  const ask = async <T>(port: number, use: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis({ host: "127.0.0.1", port, retryStrategy: null, maxRetriesPerRequest: 0, enableReadyCheck: false });
    client.on("error", () => undefined);
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  };
  const startSentinel = async (i: number, primaryPort: number) => {
    const port = await freePort();
    const conf = path.join(dir, `sentinel-${i}.conf`);
    const lines = [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${dir}`,
      `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 2`,
      `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
      `sentinel failover-timeout ${name} 5000`,
    ];
    await writeFile(conf, `${lines.join("\n")}\n`);
    const process = await startServerProcess({
      command: binary,
      args: [conf, "--sentinel"],
      logFile: path.join(dir, `sentinel-${i}.log`),
      removeOnDeath: dir,
    });
    return { port, process };
  };
  try {
    servers.push(await startRedis({ dir: path.join(dir, "primary") }));
    const [{ port }] = servers as [RunningRedis];
    servers.push(await startRedis({ dir: path.join(dir, "replica"), extraArgs: ["--replicaof", "127.0.0.1", String(port)] }));
    for (let i = 0; i < 3; i++) sentinels.push(await startSentinel(i, port));
    await eventually("the sentinels know each other and the replica", async () => {
      const facts = await Promise.all(
        sentinels.map((one) =>
          ask(one.port, (client) => client.call("SENTINEL", "MASTER", name) as Promise<string[]>).catch((): string[] => []),
        ),
      );
      const valueOf = (fact: string[], field: string): string | undefined => fact[fact.indexOf(field) + 1];
      return facts.every((fact) => valueOf(fact, "num-other-sentinels") === "2" && valueOf(fact, "num-slaves") === "1");
    });
    const [, replica] = servers as [RunningRedis, RunningRedis];
    await eventually("the replica follows", () =>
      ask(replica.port, async (client) => (await client.info("replication")).includes("master_link_status:up")),
    );
    return {
      nodes: sentinels.map((one) => `127.0.0.1:${one.port}`),
      name,
      async primary() {
        const first = sentinels[0] as { readonly port: number };
        const told = await ask(first.port, (client) => client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name) as Promise<string[]>);
        const server = servers.find((one) => String(one.port) === told[1]);
        if (server === undefined) throw new Error(`the sentinels name a server that is not ours: ${told.join(":")}`);
        return server;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + readyWithinMs;
  while (!(await look().catch(() => false))) {
    if (Date.now() > until) throw new Error(`not within ${readyWithinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
