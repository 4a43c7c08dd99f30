import type {
  BlobBatch,
  BlobWriter,
  FailureCode,
  FetchedMessage,
  IndexEntry,
  Lease,
  MailSession,
  Secret,
  SignalWatch,
  StreamedMessage,
  WrittenResult,
} from "@mailfleet/core";
import type { EnginePorts } from "@mailfleet/engine";

/**
 * What the flow does to the world: every method of every port, and of everything that ports give out, is an effect or is not. The types
 * below make this table complete: a new port, a new method or a new thing that is given out does not compile until it stands here, and
 * then the crash suite stops at it by itself.
 */
type Method = (...args: never[]) => unknown;
type MethodName<T> = { [K in keyof T]-?: NonNullable<T[K]> extends Method ? K : never }[keyof T];

/** What ports give out that has methods of its own. */
interface Given {
  readonly session: MailSession;
  readonly batch: BlobBatch;
  readonly writer: BlobWriter;
  readonly lease: Lease;
  readonly messages: AsyncIterable<readonly FetchedMessage[]>;
  readonly streamed: StreamedMessage;
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly stored: AsyncIterable<Uint8Array>;
  readonly entries: AsyncIterable<IndexEntry>;
  readonly release: () => void;
  readonly watch: SignalWatch;
}

/** Never for plain data, which may hold arrays, maps, bytes and how to let go of them, secrets and signals; else what it is or holds that can be called. */
type Callable<R> = R extends
  | readonly unknown[]
  | Uint8Array
  | ReadonlyMap<string, unknown>
  | Secret
  | AbortSignal
  | FetchedMessage
  | WrittenResult
  ? never
  : R extends AsyncIterable<unknown> | Method
    ? R
    : R extends object
      ? [MethodName<R> | HolderName<R>] extends [never]
        ? never
        : R
      : never;
/** Properties, no methods, that can be called or iterated themselves. */
type HolderName<T> = { [K in keyof T]-?: NonNullable<T[K]> extends Method ? never : [Callable<T[K]>] extends [never] ? never : K }[keyof T];
type NameOf<R> = { [N in keyof Given]: [R, Given[N]] extends [Given[N], R] ? N : never }[keyof Given];

interface Pure {
  /** Nothing outside the process changes or is asked. */
  readonly is: "pure";
}
interface Effect {
  readonly is: "effect";
  /** How the world refuses it; never for what by its port cannot fail. */
  readonly fails: FailureCode | "never";
}
/** An effect that leaves the world as it was: answered or not is the same for all others. */
interface Question {
  readonly is: "question";
  readonly fails: FailureCode;
}
interface SyncEffect {
  /** Begins before it returns, and cannot fail by its port. */
  readonly is: "sync-effect";
}

/** No call, but a property that has calls of its own. */
interface Holder {
  readonly is: "holder";
}

type Returned<F> = F extends (...args: never[]) => infer R ? R : never;
type Gives<F> = Callable<Exclude<Awaited<Returned<F>>, undefined>>;
type RuleOf<F> = (Returned<F> extends Promise<unknown> ? Pure | Effect | Question : Pure | SyncEffect) &
  ([Gives<F>] extends [never] ? { readonly gives?: never } : { readonly gives: NameOf<Gives<F>> });
type RulesOf<T> =
  T extends AsyncIterable<unknown>
    ? { readonly next: Question; readonly return: Effect }
    : T extends Method
      ? { readonly call: RuleOf<T> }
      : { readonly [K in MethodName<T>]-?: RuleOf<NonNullable<T[K]>> } & {
          readonly [K in HolderName<T>]-?: Holder & { readonly gives: NameOf<T[K]> };
        };

export type Rule = (Pure | Effect | Question | SyncEffect | Holder) & { readonly gives?: keyof Given };
export type Rules = Readonly<Record<string, Rule | undefined>>;

const pure = { is: "pure" } as const;
const silent = { is: "sync-effect" } as const;
const question = <const C extends FailureCode>(fails: C) => ({ is: "question", fails }) as const;
const effect = <const C extends FailureCode | "never">(fails: C) => ({ is: "effect", fails }) as const;

export const portRules: { readonly [P in keyof EnginePorts]-?: RulesOf<EnginePorts[P]> } = {
  clock: { now: pure, monotonic: pure, sleep: pure },
  chance: { random: pure, uuid: pure },
  digest: { call: pure },
  log: { debug: pure, info: pure, warn: pure, error: pure },
  tokens: { getToken: effect("ENTRA_UNAVAILABLE") },
  mail: { open: { ...effect("CONNECT_TIMEOUT"), gives: "session" }, look: question("CONNECT_TIMEOUT") },
  blobs: {
    // Nothing is written before the first put.
    startBatch: { ...pure, gives: "batch" },
    read: question("BLOB_UNAVAILABLE"),
    indexed: question("BLOB_UNAVAILABLE"),
    readIndex: { ...pure, gives: "entries" },
    repairIndex: effect("BLOB_UNAVAILABLE"),
  },
  // The same bytes give the same answer, in whatever thread.
  mime: { parse: pure, parseStream: pure },
  store: {
    acquire: { ...effect("REDIS_UNAVAILABLE"), gives: "lease" },
    load: question("REDIS_UNAVAILABLE"),
    noteInHand: effect("REDIS_UNAVAILABLE"),
  },
  handOff: { commit: effect("REDIS_UNAVAILABLE"), settle: effect("REDIS_UNAVAILABLE") },
  breakers: {
    opened: effect("REDIS_UNAVAILABLE"),
    refused: effect("REDIS_UNAVAILABLE"),
    hold: effect("REDIS_UNAVAILABLE"),
    release: effect("REDIS_UNAVAILABLE"),
  },
  gate: { shouldYield: question("REDIS_UNAVAILABLE"), isDraining: pure },
  bytes: { take: { ...pure, gives: "release" } },
  slots: { lend: { ...pure, gives: "release" } },
  // Who goes first changes nothing of what is done.
  way: { enter: pure, begin: pure },
  // Advice: what is told comes true without it, later.
  signals: { watch: { ...pure, gives: "watch" }, announce: silent },
};

export const givenRules: { readonly [N in keyof Given]-?: RulesOf<Given[N]> } = {
  session: {
    listFolders: question("SESSION_CLOSED"),
    status: question("SESSION_CLOSED"),
    open: question("SESSION_CLOSED"),
    listUids: question("SESSION_CLOSED"),
    describe: question("SESSION_CLOSED"),
    fetch: { ...pure, gives: "messages" },
    fetchStream: { ...question("SESSION_CLOSED"), gives: "streamed" },
    isLongerThan: question("SESSION_CLOSED"),
    fetchHead: question("SESSION_CLOSED"),
    fetchFlags: question("SESSION_CLOSED"),
    fetchHeaders: question("SESSION_CLOSED"),
    idle: question("SESSION_CLOSED"),
    close: effect("never"),
  },
  // A batch may spill to its unfinished file with any put; what is noted waits for the flush.
  batch: {
    put: silent,
    open: { ...pure, gives: "writer" },
    readBack: { ...pure, gives: "stored" },
    note: pure,
    flush: effect("BLOB_UNAVAILABLE"),
    discard: effect("never"),
  },
  writer: { write: effect("BLOB_UNAVAILABLE"), end: effect("BLOB_UNAVAILABLE"), giveUp: effect("never") },
  lease: { isHeld: pure, stop: silent },
  messages: { next: question("SESSION_CLOSED"), return: effect("never") },
  streamed: { isWhole: pure, pieces: { is: "holder", gives: "pieces" } },
  pieces: { next: question("SESSION_CLOSED"), return: effect("never") },
  stored: { next: question("BLOB_UNAVAILABLE"), return: effect("never") },
  entries: { next: question("BLOB_UNAVAILABLE"), return: effect("never") },
  release: { call: pure },
  watch: { stop: pure },
};
