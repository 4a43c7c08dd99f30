import type { Queue } from "bullmq";
import type { Clock, OutgoingEvent, Reissue, ReissueOutcome } from "@mailfleet/core";
import { eventJobId, readJobTemplate } from "./event-jobs.ts";
import { jsonArgument } from "./event-script.ts";
import { reissueScript, reprocessKeys } from "./letter-scripts.ts";

/** BullMQ's client, as far as it is needed. */
interface ScriptClient {
  defineCommand(name: string, definition: { lua: string }): void;
  runCommand(name: string, args: unknown[]): Promise<unknown>;
}

/** Puts events on the `messages` queue that were there before: no checkpoint, no ledger, no lease. */
export async function openReissue(queue: Queue, clock: Clock): Promise<Reissue> {
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as ScriptClient;
  client.defineCommand("mailfleetReissue", { lua: reissueScript() });
  const template = await readJobTemplate(queue);
  const keys = [...reprocessKeys.map((name) => queue.toKey(name)), ...template.keys];
  return {
    async put(events: readonly OutgoingEvent[]) {
      const args: unknown[] = [template.prefix, template.options, clock.now()];
      for (const event of events) args.push(eventJobId(event.id), event.type, jsonArgument(event));
      return (await client.runCommand("mailfleetReissue", [keys.length, ...keys, ...args])) as readonly ReissueOutcome[];
    },
  };
}
