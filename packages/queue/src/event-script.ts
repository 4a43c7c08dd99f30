import type { Queue } from "bullmq";
import { type Clock, type OutgoingEvent, redisErrorWord, redisRefusal, syncError } from "@mailfleet/core";
import { eventJobId, type JobTemplate } from "./event-jobs.ts";

/** BullMQ's client, as far as it is needed. */
interface ScriptClient {
  defineCommand(name: string, definition: { lua: string }): void;
  runCommand(name: string, args: unknown[]): Promise<unknown>;
}

export type Run = (keys: readonly string[], args: readonly (string | number | Buffer)[]) => Promise<unknown>;

/** The end of ARGV of every script that adds events: queue prefix, packed job options, timestamp, then id, name, data of each. */
export function jobArguments(template: JobTemplate, clock: Clock, events: readonly OutgoingEvent[]): (string | number | Buffer)[] {
  const args: (string | number | Buffer)[] = [template.prefix, template.options, clock.now()];
  for (const event of events) args.push(eventJobId(event.id), event.type, jsonArgument(event));
  return args;
}

/** A view: ioredis takes Buffers for bytes, and any other array for text. */
export function jsonArgument({ json }: OutgoingEvent): Buffer {
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength);
}

/** Sent as EVALSHA, and again as EVAL where Redis forgot the script: ioredis does that outside of MULTI. */
export async function defineScript(queue: Queue, name: string, lua: string): Promise<Run> {
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as ScriptClient;
  client.defineCommand(name, { lua });
  return (keys, args) => client.runCommand(name, [keys.length, ...keys, ...args]);
}

/** Foreign errors carry the whole command, mail text included (T02): only the first word of Redis' answer goes on. */
export async function runScript(script: Run, what: string, [keys, args]: Parameters<Run>): Promise<unknown> {
  try {
    return await script(keys, args);
  } catch (error) {
    if (redisErrorWord(error) !== "MAILFLEET") throw redisRefusal(error, what);
    const text = (error as Error).message.slice(10, 200);
    throw syncError("CHECKPOINT_CORRUPT", `Redis holds something else where mailfleet keeps its state: ${text}.`, {
      layer: "redis",
      code: "MAILFLEET",
    });
  }
}
