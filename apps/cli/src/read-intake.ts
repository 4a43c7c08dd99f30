import type { Fleet } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { decideIntake, describeIntake, type DownstreamLoad, fullest, type IntakeWords, shareOfMarks, sumLoads } from "@mailfleet/core";
import { readDownstream } from "@mailfleet/queue";
import { inspectRedis } from "@mailfleet/store";

/** What waits for consumers, and in words what that holds back: decided from the same numbers and by the same rule as in the roles. */
export async function readIntake(
  { shards, reader }: Fleet,
  { downstream }: Config,
): Promise<{ readonly load: DownstreamLoad; readonly words: IntakeWords | undefined }> {
  const marks = shareOfMarks(downstream, shards.length);
  const looks = await Promise.all(
    shards.map(async ({ redis, keys }) => {
      const { problems, troubles } = await inspectRedis(redis);
      const load = await readDownstream(redis, keys, [...problems, ...troubles]);
      return { load, ...decideIntake(load, marks) };
    }),
  );
  // Of several shards the words are about the one that is held back most.
  const most = fullest(looks);
  return { load: sumLoads(looks.map(({ load }) => load)), words: describeIntake(most, most.load, marks, await reader.now()) };
}
