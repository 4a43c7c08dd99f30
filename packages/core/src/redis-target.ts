import type { Secret } from "./secret.ts";

/** Where Redis is. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: Secret;
  readonly db: number;
  readonly tls: boolean;
  /** Unix socket, instead of host and port. */
  readonly path?: string;
  /** Who says which server is the primary at the moment. Host and port are the first one's, for messages. */
  readonly sentinels?: RedisSentinels;
  /** A Redis Cluster. Host and port are the first node's, for messages. */
  readonly cluster?: RedisCluster;
}

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisSentinels {
  readonly nodes: readonly RedisNode[];
  /** Of the primary, as the sentinels know it. */
  readonly name: string;
  /** The sentinels' own, if they ask for one. */
  readonly username?: string;
  readonly password?: Secret;
}

export interface RedisCluster {
  /** Some of its nodes; they name the others. */
  readonly nodes: readonly RedisNode[];
  /** A key of the slot that is wanted: everything of one shard lies in one slot, and so at one node. */
  readonly slotOf: string;
}
