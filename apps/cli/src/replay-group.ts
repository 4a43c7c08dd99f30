import type { MessageGroup } from "@mailfleet/core";
import { type ReplayCounts, replayMailbox } from "@mailfleet/engine";
import type { ProgressLine } from "./progress-line.ts";
import type { ReplayAccess } from "./replay-access.ts";
import { progressWords } from "./verbs/replay.ts";

/** Reads them anew from their stored bytes and puts them on the queue, also those that are gone from the server. */
export function replayGroup(
  { ports }: ReplayAccess,
  { mailbox, folder, generation, uids }: MessageGroup,
  isDryRun: boolean,
  progress: ProgressLine,
): Promise<ReplayCounts> {
  const choice = { folder, generation, uids, withRemoved: true };
  return replayMailbox(
    ports,
    { mailbox, choice, isDryRun, onProgress: (at) => progress.update(progressWords(at)) },
    new AbortController().signal,
  );
}
