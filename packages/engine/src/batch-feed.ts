import { isSyncError, limits, type MessageMeta, planBatches } from "@mailfleet/core";
import type { FolderWork } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";
import { ReadAhead } from "./read-ahead.ts";

export interface Batch {
  readonly batch: readonly MessageMeta[];
  readonly isLast: boolean;
}

/**
 * Hands messages to `use` batch by batch, in their order.
 * @param metas in the order in which they are to be handed off
 */
export async function withBatches<T>(
  context: SessionContext,
  work: FolderWork,
  metas: readonly MessageMeta[],
  use: (feed: BatchFeed) => Promise<T>,
): Promise<T> {
  const feed = new BatchFeed(context, work, metas);
  try {
    const result = await use(feed);
    await feed.drop(false);
    return result;
  } catch (error) {
    await feed.drop(!isSyncError(error) || error.failure.scope !== "folder");
    throw error;
  }
}

/**
 * The batches of a folder, one after the other, and the next one on its way where that harms nobody: it is fetched while the one before is
 * parsed, stored and committed. Batches are parsed and committed in their order, one at a time.
 */
export class BatchFeed {
  readonly #context: SessionContext;
  readonly #work: FolderWork;
  #rest: readonly MessageMeta[];
  #next: Batch | undefined;
  #ahead: ReadAhead | undefined;

  constructor(context: SessionContext, work: FolderWork, metas: readonly MessageMeta[]) {
    this.#context = context;
    this.#work = work;
    this.#rest = metas;
  }

  /** The next batch is on its way: what is asked of the session before it is taken would come in between. */
  get isAhead(): boolean {
    return this.#ahead !== undefined;
  }

  take(): Batch | undefined {
    const batch = this.#next ?? this.#cut();
    this.#next = undefined;
    return batch;
  }

  /** The messages of the batch that was taken last, where they are on their way. */
  takeAhead(): ReadAhead | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead;
  }

  /**
   * Begins to fetch the next batch, unless there is none, the server wants pauses, or it has to go through the hands one by one.
   * @param choose which messages of it are to be fetched; none: it is not
   */
  readAhead(choose: (batch: readonly MessageMeta[]) => readonly MessageMeta[] = (batch) => batch): void {
    const { isCareful, pacer, ports } = this.#context;
    if (isCareful || !pacer.isFree || ports.gate.isDraining()) return;
    this.#next ??= this.#cut();
    const metas = this.#next ? choose(this.#next.batch) : [];
    if (metas.length === 0 || metas.some((meta) => meta.size > limits.streamAboveBytes || this.#isSuspect(meta))) return;
    this.#ahead = new ReadAhead(this.#context, metas);
  }

  /** Nobody takes what is on its way. @param isEnding nor anything else of this session */
  async drop(isEnding: boolean): Promise<void> {
    await this.takeAhead()?.drop(isEnding || this.#context.ports.gate.isDraining());
  }

  /** As large as it may be by now. Suspects stay alone, and so does every message while the one that breaks sessions is looked for. */
  #cut(): Batch | undefined {
    const { isCareful, pacer } = this.#context;
    const most = isCareful ? 1 : pacer.batchMessages;
    const [batch] = planBatches(this.#rest.slice(0, most + 1), most, limits.batchBytes, (meta) => this.#isSuspect(meta));
    if (!batch) return undefined;
    this.#rest = this.#rest.slice(batch.length);
    return { batch, isLast: this.#rest.length === 0 };
  }

  #isSuspect({ uid }: MessageMeta): boolean {
    return this.#context.hand.suspectOf(this.#work, uid) !== undefined;
  }
}
