import { createHash } from "node:crypto";
import { type EventType, eventId, type MailfleetEvent } from "./event.ts";
import type { Handler } from "./consume.ts";

/** Remembers what was done. */
export interface DoneMemory {
  has(id: string): Promise<boolean> | boolean;
  add(id: string): Promise<void> | void;
}

/**
 * Leaves out events that were handled before: after a failover of Redis, or a crash between your work and its acknowledgement, an event
 * can come twice. What an operator replays is handled again. An event is remembered after the handler is done, so a crash in between
 * repeats it; to close that gap too, write `eventId(event)` in the same transaction as your work.
 */
export function onlyOnce<Type extends EventType>(memory: DoneMemory, handler: Handler<Type>): Handler<Type> {
  return async (event, context) => {
    const id = eventId(event);
    if (!isReplayed(event) && (await memory.has(id))) return;
    await handler(event, context);
    await memory.add(id);
  };
}

function isReplayed(event: MailfleetEvent): boolean {
  return "replayed" in event && event.replayed !== undefined;
}

/** What a {@link redisMemory} needs of a Redis client. */
export interface MemoryClient {
  exists(key: string): Promise<number>;
  set(key: string, value: string, unit: "EX", seconds: number): Promise<unknown>;
}

export interface RedisMemoryOptions {
  readonly redis: MemoryClient;
  /** Consumers that do different work remember apart. */
  readonly name: string;
  /** How long an event is remembered. Default 30. */
  readonly days?: number;
}

/** In Redis, about 150 bytes an event. */
export function redisMemory({ redis, name, days = 30 }: RedisMemoryOptions): DoneMemory {
  // Keys of events are as long as folder names.
  const keyOf = (id: string): string => `mailfleet-consumer:${name}:${createHash("sha256").update(id).digest("base64url")}`;
  return {
    has: async (id) => (await redis.exists(keyOf(id))) === 1,
    add: async (id) => void (await redis.set(keyOf(id), "1", "EX", days * 86_400)),
  };
}
