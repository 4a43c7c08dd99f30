import { createConnection, Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { AbstractConnector, Redis } from "ioredis";
import type { RedisCluster, RedisNode } from "@mailfleet/core";

/** What a look at one node of the cluster may take before the next one is asked, ms. */
const lookMs = 2_000;
/** ioredis' own, for a socket that does not close. */
const disconnectMs = 2_000;

/** What is needed to ask nodes, and to connect to the one that is found. */
export interface SlotConnectorOptions {
  readonly cluster: RedisCluster;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: ConnectionOptions;
}

/** Shown in logs as the code of the connection's failure. */
class LookUpError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Errors of a cluster that end by looking for the slot's node again: it moved, is moving, or its node was replaced. The command was not
 * carried out, and is sent again.
 */
export function isSlotElsewhere(error: Error): boolean {
  return /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|UNBLOCKED|READONLY) /.test(error.message);
}

/**
 * A connector for ioredis that leads to the node which serves one slot of a Redis Cluster, and after a failover or a move of the slot to
 * its next one, as ioredis' own leads to the primary of which Sentinels tell. All of a shard lies in one slot: so its clients are
 * ordinary ones, for us and for BullMQ.
 */
export function slotConnector(options: SlotConnectorOptions): new (clientOptions: unknown) => AbstractConnector {
  const { cluster, tls } = options;
  /** The configured nodes, and those that they named. All clients of these options learn together. */
  const known = new Map<string, RedisNode>(cluster.nodes.map((node) => [nameOf(node), node]));
  let turn = 0;

  return class SlotConnector extends AbstractConnector {
    readonly #clientOptions: { host?: string; port?: number };

    constructor(clientOptions: unknown) {
      super(disconnectMs);
      this.#clientOptions = clientOptions as { host?: string; port?: number };
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      let stream: Socket;
      try {
        const { host, port } = await findNode();
        if (!this.connecting) throw new Error("Connection is closed.");
        Object.assign(this.#clientOptions, { host, port });
        stream = tls ? connectTls({ servername: isAddress(host) ? "" : host, ...tls, host, port }) : createConnection({ host, port });
        stream.once("error", (error) => (this.firstError = error));
      } catch (error) {
        if (!this.connecting) throw error;
        // A rejection would end the client for ever; a connection that is closed already has it try again by its own strategy.
        this.firstError = error as Error;
        stream = new Socket();
        stream.destroy();
      }
      this.stream = stream;
      return stream;
    }

    /** A node that was replaced while it was away says so itself. */
    override check(info: { readonly role?: string }): boolean {
      return info.role !== "slave";
    }
  };

  /** Asks one node after the other, each time beginning with the next. @throws LookUpError with the last node's reason */
  async function findNode(): Promise<RedisNode> {
    const nodes = [...known.values()];
    turn++;
    let last = new LookUpError("CLUSTERDOWN", "no node of the cluster answered");
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(turn + i) % nodes.length] as RedisNode;
      try {
        return await askNode(node);
      } catch (error) {
        last = toLookUpError(error);
      }
    }
    throw last;
  }

  async function askNode(asked: RedisNode): Promise<RedisNode> {
    const client = new Redis({
      host: asked.host,
      port: asked.port,
      ...(options.username !== undefined && { username: options.username }),
      ...(options.password !== undefined && { password: options.password }),
      ...(tls && { tls }),
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      connectTimeout: lookMs,
      commandTimeout: lookMs,
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const [slot, state, slots] = await Promise.all([
        client.call("CLUSTER", "KEYSLOT", cluster.slotOf) as Promise<number>,
        client.call("CLUSTER", "INFO") as Promise<string>,
        client.call("CLUSTER", "SLOTS") as Promise<readonly SlotRange[]>,
      ]);
      for (const [, , ...nodes] of slots) for (const node of nodes) learn(asked, node);
      // One that is cut off from the others still believes what was.
      if (!/^cluster_state:ok/m.test(state)) throw new LookUpError("CLUSTERDOWN", "the cluster is down");
      const range = slots.find(([from, to]) => from <= slot && slot <= to);
      if (range === undefined) throw new LookUpError("CLUSTERDOWN", `no node serves slot ${slot}`);
      return addressOf(asked, range[2]);
    } finally {
      client.disconnect();
    }
  }

  function learn(asked: RedisNode, told: ToldNode): void {
    const node = addressOf(asked, told);
    if (node.host !== "?" && node.port > 0) known.set(nameOf(node), node);
  }
}

type ToldNode = readonly [host: string | null, port: number, ...unknown[]];
type SlotRange = readonly [from: number, to: number, primary: ToldNode, ...replicas: ToldNode[]];

/** A node that does not know its own name is where it was asked. */
function addressOf(asked: RedisNode, [host, port]: ToldNode): RedisNode {
  return { host: host === null || host === "" ? asked.host : host, port };
}

function toLookUpError(error: unknown): LookUpError {
  if (error instanceof LookUpError) return error;
  const { code, message } = error as Error & { code?: string };
  if (message.includes("cluster support disabled")) return new LookUpError("NO_CLUSTER", "the server is not part of a cluster");
  return new LookUpError(code ?? /^[A-Z]{2,20}/.exec(message)?.[0] ?? "CLUSTERDOWN", message);
}

function nameOf({ host, port }: RedisNode): string {
  return `${host}:${port}`;
}

/** Names of servers are for names (RFC 6066), not for addresses. */
function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(":");
}
