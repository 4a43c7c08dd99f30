import type { Config } from "@mailfleet/config";
import { decideIntake, describeIntake, type DownstreamLoad, type IntakeWords } from "@mailfleet/core";
import { readDownstream } from "@mailfleet/queue";
import { inspectRedis } from "@mailfleet/store";
import type { Fleet } from "./wire.ts";

/** What waits for consumers, and in words what that holds back: decided from the same numbers and by the same rule as in the roles. */
export async function readIntake(
  { redis, keys, reader }: Fleet,
  { downstream }: Config,
): Promise<{ readonly load: DownstreamLoad; readonly words: IntakeWords | undefined }> {
  const { problems, troubles } = await inspectRedis(redis);
  const load = await readDownstream(redis, keys, [...problems, ...troubles]);
  return { load, words: describeIntake(decideIntake(load, downstream), load, downstream, await reader.now()) };
}
