import type { Queue } from "bullmq";
import type { Clock, Reissue, ReissueOutcome } from "@mailfleet/core";
import { readJobTemplate } from "./event-jobs.ts";
import { defineScript, jobArguments } from "./event-script.ts";
import { reissueScript, reprocessKeys } from "./letter-scripts.ts";

/** Puts events on the `messages` queue that were there before: no checkpoint, no ledger, no lease. */
export async function openReissue(queue: Queue, clock: Clock): Promise<Reissue> {
  const script = await defineScript(queue, reissueScript());
  const template = await readJobTemplate(queue);
  const keys = [...reprocessKeys.map((name) => queue.toKey(name)), ...template.keys];
  return {
    put: async (events) => (await script(keys, jobArguments(template, clock), events)) as readonly ReissueOutcome[],
  };
}
