import {
  type BlobStore,
  type Clock,
  eventsOf,
  fullest,
  type MailboxRef,
  type MailboxStore,
  type PieceReader,
  type Reissue,
  sumLoads,
} from "@mailfleet/core";
import type { ReplayCounts, StoredChoice } from "@mailfleet/engine";
import type { IntakeWatch } from "@mailfleet/queue";

export interface ReplayParts {
  readonly clock: Clock;
  readonly blobs: BlobStore & PieceReader;
  readonly store: MailboxStore;
  readonly reissue: Reissue;
  /** One for each shard. */
  readonly intakes: readonly IntakeWatch[];
}

/**
 * The same as `mailfleet replay` does. A parser's thread is started for each and ended with it, and the code for it is loaded with the first:
 * a console that replays nothing has neither.
 */
export async function replayStored(
  parts: ReplayParts,
  mailbox: MailboxRef,
  choice: StoredChoice,
  signal: AbortSignal,
): Promise<ReplayCounts> {
  const { intakes, ...rest } = parts;
  const [{ replayMailbox }, { createMimeParser }] = await Promise.all([import("@mailfleet/engine"), import("@mailfleet/mime")]);
  const mime = createMimeParser({ threads: 1 });
  try {
    const room = async () => {
      const watched = await Promise.all(intakes.map((watch) => watch.look()));
      const { state, pauseMs } = fullest(watched.map(({ intake }) => intake)).lanes.backfill;
      return { isOpen: state !== "closed", pauseMs, events: eventsOf(sumLoads(watched.map(({ load }) => load))) };
    };
    return await replayMailbox({ ...rest, mime, room }, { mailbox, choice, isDryRun: false }, signal);
  } finally {
    await mime.close();
  }
}
