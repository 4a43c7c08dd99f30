import { DelayedError, type Job, UnrecoverableError, Worker } from "bullmq";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { blobFolder, type BlobReader } from "./blob-folder.ts";
import { GiveUp, RetryLater } from "./errors.ts";
import type { EventOf, EventType, MailfleetEvent } from "./event.ts";
import { createFilter, type Filters } from "./filters.ts";
import { withOpenBlobs } from "./openable.ts";
import { readEvent } from "./read-event.ts";
import { shardPrefixes } from "./shards.ts";
import { onStopSignal } from "./stop-signals.ts";
import { openTrace, traceparentOf } from "./traces.ts";

export interface ConsumeOptions<Type extends EventType> extends Filters<Type> {
  /** Where mailfleet's Redis is: a URL, options of ioredis, or a client of yours with `maxRetriesPerRequest: null`, which stays yours. */
  readonly redis: string | RedisOptions | Redis | Cluster;
  /** The blob store: the folder that the workers write to (`blobs.dir`), `s3Blobs(…)`, or a reader of your own. Needed only to open blobs. */
  readonly blobs?: string | BlobReader;
  /** As `name` in mailfleet's configuration. Default `mailfleet`. */
  readonly fleet?: string;
  /** As `shards` in mailfleet's configuration. Default 1. */
  readonly shards?: number;
  /** How you call this consumer: dead letters are listed under it. */
  readonly name?: string;
  /** Events at once in this process, and one of each shard at least. Default 10. */
  readonly concurrency?: number;
  /** How long to wait for Redis' first answer, ms. Default 15,000. */
  readonly connectWithinMs?: number;
  /** A span of OpenTelemetry for each event, under the one of the poll that brought it; needs `@opentelemetry/api`. Default false. */
  readonly traces?: boolean;
  /** Stop by SIGTERM and SIGINT as `close` does. Default true. */
  readonly stopOnSignals?: boolean;
  /** An event became a dead letter: it failed so often that nobody tries again, or the handler gave up. */
  readonly onDeadLetter?: (event: MailfleetEvent | undefined, error: Error) => void;
  /** Redis is away, or a lock was lost; the consumer goes on by itself. Default: one line on stderr. */
  readonly onError?: (error: Error) => void;
}

export interface HandlerContext {
  /** Aborts when the consumer had to stop before the handler was done, or lost the event to another one. Nothing is lost: it comes again. */
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Where this one fails too, the event becomes a dead letter. */
  readonly isLastAttempt: boolean;
  /** W3C Trace Context of the poll that brought the event, where mailfleet traced it: to go on with by other means than `traces`. */
  readonly traceparent?: string;
}

/**
 * What it throws is tried again, eight times with growing pauses, then kept as a dead letter. The error's message is kept beside it and
 * shown to operators: no content of mail belongs into it.
 */
export type Handler<Type extends EventType> = (event: EventOf<Type>, context: HandlerContext) => Promise<void> | void;

export interface Consumer {
  /** Takes nothing new and waits for what is at work; then, or after `withinMs` (default 20 s), it is closed. What was not done comes again. */
  close(withinMs?: number): Promise<void>;
  /** Resolves once it is closed, by whatever. */
  readonly closed: Promise<void>;
}

const closeWithinMs = 20_000;
/** For handlers that end when they are told to, so that their events come again at once and not only when their locks run out. */
const giveBackMs = 1_000;
/** When it comes again: not so soon that the consumer that stops would take it once more. */
const againMs = 2 * giveBackMs;
/** As many deaths of a consumer in the middle of an event as attempts of its handler: then the event itself is suspected. */
const maxStalledCount = 8;

/**
 * Handles the events of mailfleet's queue. Each event is given to one consumer, and again where that did not finish it: make handlers that
 * may run twice, or wrap them in `onlyOnce`. Any number of processes may consume.
 * @returns once Redis answered
 * @throws Error when Redis does not answer in time, or `traces` are asked for without `@opentelemetry/api`
 */
export async function consume<const Type extends EventType = EventType>(
  options: ConsumeOptions<Type>,
  handler: Handler<Type>,
): Promise<Consumer> {
  const trace = options.traces === true ? await openTrace(options.name) : undefined;
  const { redis, blobs, fleet = "mailfleet", shards = 1, concurrency = 10, connectWithinMs = 15_000 } = options;
  const isOwn = !(redis instanceof Redis || redis instanceof Cluster);
  const client = isOwn ? connect(redis) : redis;
  const endCopies = isOwn ? keepCopies(client) : () => undefined;
  const reader = typeof blobs === "string" ? blobFolder(blobs) : blobs;
  const wants = createFilter(options);
  const onError = options.onError ?? tellOnStderr();
  client.on("error", onError);
  const running = new Map<string, AbortController>();
  let isCut = false;

  const handle = async (job: Job, token: string | undefined): Promise<void> => {
    const controller = new AbortController();
    const id = job.id ?? "";
    // Fetched while the worker was already told to stop.
    if (isCut) controller.abort(new Interrupted());
    running.set(id, controller);
    try {
      controller.signal.throwIfAborted();
      const event = readEvent(job.data);
      if (!event || !wants(event)) return;
      const attempt = job.attemptsMade + 1;
      const traceparent = traceparentOf(job);
      const context = {
        signal: controller.signal,
        attempt,
        isLastAttempt: attempt >= (job.opts.attempts ?? 1),
        ...(traceparent !== undefined && { traceparent }),
      };
      const run = async (): Promise<void> => handler(withOpenBlobs(event, reader) as EventOf<Type>, context);
      await (trace ? trace(event, traceparent, run) : run());
    } catch (error) {
      if (error instanceof GiveUp) throw new UnrecoverableError(cut(error.message));
      const isInterrupted = controller.signal.reason instanceof Interrupted;
      if (!isInterrupted && !(error instanceof RetryLater)) throw asReason(error);
      await job.moveToDelayed(Date.now() + (error instanceof RetryLater ? error.inMs : againMs), token);
      throw new DelayedError();
    } finally {
      running.delete(id);
    }
  };

  const prefixes = shardPrefixes(fleet, shards);
  const workers = prefixes.map((prefix) => {
    const worker = new Worker("messages", handle, {
      connection: client,
      prefix,
      concurrency: Math.max(1, Math.floor(concurrency / prefixes.length)),
      maxStalledCount,
      ...(options.name !== undefined && { name: options.name }),
    });
    worker.on("error", onError);
    worker.on("failed", (job, error) => {
      if (job && isDead(job, error)) options.onDeadLetter?.(readQuietly(job.data), error);
    });
    worker.on("lockRenewalFailed", (ids: string[]) => {
      for (const id of ids) running.get(id)?.abort(new Error("another consumer has the event by now"));
    });
    return worker;
  });

  let isReady = false;
  let closing: Promise<void> | undefined;
  let markClosed = (): void => undefined;
  const closed = new Promise<void>((resolve) => (markClosed = resolve));
  const close = (withinMs = closeWithinMs): Promise<void> => {
    closing ??= (async () => {
      // Not `close`: one that was begun politely cannot be cut short any more.
      const idle = Promise.allSettled(isReady ? workers.map((worker) => worker.pause()) : []);
      const isInTime = await endsWithin(idle, withinMs);
      if (!isInTime) {
        isCut = true;
        for (const controller of running.values()) controller.abort(new Interrupted());
        await endsWithin(idle, giveBackMs);
      }
      await Promise.allSettled(workers.map((worker) => worker.close(!isInTime || !isReady)));
      endCopies();
      if (isOwn) client.disconnect();
      else client.off("error", onError);
      forgetSignals();
      markClosed();
    })();
    return closing;
  };
  const forgetSignals = options.stopOnSignals === false ? () => undefined : onStopSignal(() => void close());

  const ready = Promise.all(workers.map((worker) => worker.waitUntilReady()));
  ready.catch(() => undefined);
  if (!(await endsWithin(ready, connectWithinMs))) {
    await close(0);
    throw new Error(`Redis did not answer within ${connectWithinMs / 1_000} s${isOwn ? ` at ${placeOf(client)}` : ""}`);
  }
  isReady = true;
  return { close, closed };
}

/** Why a handler is told to end when the consumer stops. */
class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("the consumer stops; the event comes again");
  }
}

function connect(redis: string | RedisOptions): Redis {
  // BullMQ waits for jobs without end; a client that gives up would end that. ioredis' overloads do not type-check under
  // exactOptionalPropertyTypes.
  const settings = { maxRetriesPerRequest: null } as RedisOptions & { replyMapping: never };
  return typeof redis === "string" ? new Redis(redis, settings) : new Redis(Object.assign({}, redis, settings));
}

/**
 * BullMQ waits for jobs on a copy of the client, and a pause that ends late, at a server that was frozen, connects it once more: nobody would
 * end that, and it would keep the process alive. @returns what ends all copies for good
 */
function keepCopies(client: Redis | Cluster): () => void {
  const copies: (Redis | Cluster)[] = [];
  const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => Redis | Cluster;
  const kept = (...args: unknown[]): Redis | Cluster => {
    const copy = duplicate(...args);
    copies.push(copy);
    return copy;
  };
  Object.assign(client, { duplicate: kept });
  return () => {
    for (const copy of copies) {
      copy.connect = () => Promise.reject(new Error("the consumer is closed"));
      copy.disconnect();
    }
  };
}

/** Kept beside each dead letter, and read with each list of them: an error that quotes a body would fill Redis with them. */
const longestReason = 2_000;
const longestStack = 8_000;

/** An error that BullMQ can keep as the reason: of anything else none would be kept, and the event would come again without end. */
function asReason(thrown: unknown): Error {
  if (!(thrown instanceof Error))
    return new Error(
      typeof thrown === "string" ? cut(thrown) : `the handler threw ${thrown === null ? "null" : typeof thrown} in place of an Error`,
    );
  const { message, stack = "" } = thrown;
  if (message.length <= longestReason && stack.length <= longestStack) return thrown;
  const short = new Error(cut(message), { cause: thrown });
  short.stack = stack.slice(0, longestStack);
  return short;
}

function cut(reason: string): string {
  return reason.length <= longestReason ? reason : `${reason.slice(0, longestReason)}…`;
}

/** Without user and password. */
function placeOf(client: Redis | Cluster): string {
  if (client instanceof Cluster) return "the cluster";
  const { path, host, port } = client.options;
  return path ?? `${host ?? "127.0.0.1"}:${port ?? 6379}`;
}

function isDead(job: Job, error: Error): boolean {
  return error.name === "UnrecoverableError" || job.attemptsMade >= (job.opts.attempts ?? 1);
}

function readQuietly(data: unknown): MailfleetEvent | undefined {
  try {
    return readEvent(data);
  } catch {
    return undefined;
  }
}

async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, ms, false)));
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same trouble is told once until another one comes: a Redis that is away fails each second. */
function tellOnStderr(): (error: Error) => void {
  let last = "";
  return ({ message }) => {
    if (message !== last) process.stderr.write(`mailfleet consumer: ${message}\n`);
    last = message;
  };
}
