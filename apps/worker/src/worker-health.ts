import { readFreeSpace } from "@mailfleet/blobs";
import { type Clock, describeMachine, describeUnknown, isDiskLow, type Lane, type Log } from "@mailfleet/core";
import type { FleetReader, ProcessRecord } from "@mailfleet/store";

export interface HealthParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly reader: FleetReader;
  readonly name: string;
  readonly concurrency: number;
  /** What the worker serves. */
  readonly lanes: readonly Lane[];
  readonly blobsDir: string;
  /** What is said of push; undefined where this worker does not push. */
  readonly push: () => ProcessRecord["push"];
  /** How many answers of servers had no name so far. */
  readonly unknownAnswers: () => number;
  /** Why Redis may not be used as it is set up now; none where it may. */
  readonly inspect: () => Promise<readonly string[]>;
  /** What is wrong with files of secrets and certificates. */
  readonly credentialProblems: () => readonly string[];
  /** A look ended, with Redis' answer or without. */
  readonly onBeat: (redisAnswered: boolean) => void;
  /** Sentences: why no work is taken now. */
  readonly onHolds: (holds: readonly string[]) => void;
  /** The disk of the blob store is nearly full, or has room again. */
  readonly onDisk: (isLow: boolean) => void;
}

const heartbeatMs = 10_000;
/** A folder of secrets that went away is a problem of every tenant; a few say it as well. */
const mostCredentials = 5;

/** Says every ten seconds that the worker lives, and looks at what it stands on: Redis, disk, clock. Ends when `stop` is called. */
export function startHealth(parts: HealthParts): { stop(): void } {
  const { clock, log, reader } = parts;
  const told = new Set<string>();
  const beat = async (): Promise<void> => {
    const [at, problems, disk] = await Promise.all([reader.now(), parts.inspect(), readFreeSpace(parts.blobsDir)]);
    const facts = { ...(disk && { disk }), clockAheadMs: clock.now() - at };
    parts.onDisk(isDiskLow(facts));
    const machine = describeMachine(facts);
    parts.onHolds([...problems, ...(isDiskLow(facts) ? machine : [])]);
    // By its first words: the numbers in a sentence move.
    const topics = [...problems, ...machine].map((text) => [text.slice(0, 30), text] as const);
    for (const [topic, text] of topics)
      if (!told.has(topic)) log.error({ code: "MACHINE", problem: text }, "something this worker stands on");
    told.clear();
    for (const [topic] of topics) told.add(topic);
    const push = parts.push();
    const unknown = describeUnknown(parts.unknownAnswers());
    const troubles = [...machine, ...(unknown === undefined ? [] : [unknown]), ...parts.credentialProblems().slice(0, mostCredentials)];
    await reader.heartbeat({
      id: parts.name,
      role: "worker",
      concurrency: parts.concurrency,
      lanes: parts.lanes,
      ...(troubles.length > 0 && { troubles }),
      ...(push && { push }),
    });
  };
  let isBeating = false;
  const run = (): void => {
    // While Redis is away they would only queue up.
    if (isBeating) return;
    isBeating = true;
    beat()
      .then(
        () => parts.onBeat(true),
        () => parts.onBeat(false),
      )
      .finally(() => (isBeating = false));
  };
  run();
  const timer = setInterval(run, heartbeatMs);
  return { stop: () => clearInterval(timer) };
}
