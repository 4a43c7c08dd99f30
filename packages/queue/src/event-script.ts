import { hash } from "node:crypto";
import type { Queue } from "bullmq";
import { type Clock, type OutgoingEvent, redisErrorWord, redisRefusal, syncError } from "@mailfleet/core";
import type { JobTemplate } from "./event-jobs.ts";
import { type ScriptArgument, ScriptCommand } from "./script-command.ts";

/** BullMQ's client, as far as it is needed. */
interface CommandClient {
  sendCommand(command: ScriptCommand): Promise<unknown>;
}

/** @param events their ids, names and data end ARGV */
export type Run = (keys: readonly string[], args: readonly ScriptArgument[], events?: readonly OutgoingEvent[]) => Promise<unknown>;

/** What stands in ARGV before the events of every script that adds some: queue prefix, packed job options, timestamp. */
export function jobArguments(template: JobTemplate, clock: Clock): readonly ScriptArgument[] {
  return [template.prefix, template.options, clock.now()];
}

/** Sent by its hash, and again whole where Redis does not know it: outside of MULTI, where that would come too late (decision 1). */
export async function defineScript(queue: Queue, lua: string): Promise<Run> {
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as CommandClient;
  const sha = hash("sha1", lua);
  const send = async (script: ["evalsha" | "eval", string], ...[keys, args, events = []]: Parameters<Run>): Promise<unknown> => {
    const [name, text] = script;
    const command = new ScriptCommand(name, [text, keys.length, ...keys, ...args], events);
    const answer = await client.sendCommand(command);
    command.letGo();
    return answer;
  };
  return async (...call) => {
    try {
      return await send(["evalsha", sha], ...call);
    } catch (error) {
      if (redisErrorWord(error) !== "NOSCRIPT") throw error;
      return send(["eval", lua], ...call);
    }
  };
}

/** Foreign errors carry the whole command, mail text included (T02): only the first word of Redis' answer goes on. */
export async function runScript(script: Run, what: string, call: Parameters<Run>): Promise<unknown> {
  try {
    return await script(...call);
  } catch (error) {
    if (redisErrorWord(error) !== "MAILFLEET") throw redisRefusal(error, what);
    const text = (error as Error).message.slice(10, 200);
    throw syncError("CHECKPOINT_CORRUPT", `Redis holds something else where mailfleet keeps its state: ${text}.`, {
      layer: "redis",
      code: "MAILFLEET",
    });
  }
}
