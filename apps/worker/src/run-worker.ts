import type { Lane, SliceGate } from "@mailfleet/core";
import { limits, parseMailboxId, redisKeys } from "@mailfleet/core";
import { syncMailbox } from "@mailfleet/engine";
import { readBacklog, startSyncWorker, type SyncWorker } from "@mailfleet/queue";
import { settlesWithin } from "@mailfleet/runtime";
import { inspectRedis } from "@mailfleet/store";
import type { Config } from "@mailfleet/config";
import type { WorkerParts } from "./wire.ts";

/** How long an answer about waiting jobs and the backlog is believed, ms: sessions ask at every slice. */
const gateMemoryMs = 250;
const heartbeatMs = 10_000;
/** Running sessions get this long to end at a batch border; then they are cut (their last batch is repeated by the next worker). */
const politeDrainMs = 6_000;
/** Of the whole drain, for saying goodbye, closing and exiting. */
const closingMs = 2_000;
/** Cut sessions get this long to settle. One that waits for a Redis that does not answer never does: its lease and its job run out. */
const cutDrainMs = limits.drainMs - politeDrainMs - closingMs;
const goodbyeMs = 300;

/** The worker's gate before it is wired to the queues. */
export function createGate(): SliceGate & { drain(): void; use(isCrowded: (lane: Lane) => Promise<boolean>): void } {
  let isDraining = false;
  let isCrowded = (_lane: Lane): Promise<boolean> => Promise.resolve(false);
  return {
    isDraining: () => isDraining,
    shouldYield: (lane) => (isDraining ? Promise.resolve(true) : isCrowded(lane)),
    drain: () => void (isDraining = true),
    use: (ask) => void (isCrowded = ask),
  };
}

export interface RunningWorker {
  /** Takes no new mailbox; resolves when all sessions ended, and within `limits.drainMs` whatever Redis does. */
  drain(): Promise<{ finished: number; cut: number }>;
}

/** Starts both lanes. */
export function runWorker(config: Config, parts: WorkerParts, gate: ReturnType<typeof createGate>): RunningWorker {
  const { ports } = parts;
  const keys = redisKeys(config.name);
  const start = (lane: Lane, concurrency: number): SyncWorker =>
    startSyncWorker({
      lane,
      concurrency,
      connection: parts.connection,
      keys,
      log: ports.log,
      process: (id, signal) => syncOne(parts, id, lane, signal),
    });
  const workers = [start("fresh", config.sync.concurrency), start("backfill", config.sync.backfillConcurrency)] as const;

  let believedUntil = 0;
  let crowded: Readonly<Record<Lane, boolean>> = { fresh: false, backfill: false };
  gate.use(async (lane) => {
    const now = ports.clock.monotonic();
    if (now >= believedUntil) {
      believedUntil = now + gateMemoryMs;
      const [backfillWaiting, backlog] = await Promise.all([workers[1].waiting(), readBacklog(parts.messages)]);
      const events = backlog.waiting + backlog.delayed + backlog.active + backlog.failed;
      crowded = {
        fresh: events >= limits.queueHighWater * limits.freshHighWaterFactor,
        backfill: backfillWaiting > 0 || events >= limits.queueHighWater,
      };
    }
    return crowded[lane];
  });

  const beat = (): void => {
    const concurrency = config.sync.concurrency + config.sync.backfillConcurrency;
    parts.reader.heartbeat({ id: parts.name, role: "worker", concurrency }).catch(() => undefined);
    inspectRedis(parts.redis).then(
      ({ problems }) => {
        for (const problem of problems) ports.log.error({ code: "REDIS_UNAVAILABLE", problem }, "redis is no longer safe to use");
      },
      () => undefined,
    );
  };
  beat();
  const timer = setInterval(beat, heartbeatMs);

  return {
    async drain() {
      clearInterval(timer);
      gate.drain();
      const running = workers[0].active + workers[1].active;
      const done = Promise.all(workers.map((worker) => worker.drain()));
      const isInTime = await settlesWithin(ports.clock, politeDrainMs, done);
      const cut = isInTime ? 0 : workers[0].active + workers[1].active;
      if (!isInTime) {
        for (const worker of workers) worker.interrupt();
        await settlesWithin(ports.clock, cutDrainMs, done);
      }
      await settlesWithin(ports.clock, goodbyeMs, parts.reader.goodbye(parts.name)).catch(() => undefined);
      return { finished: running - cut, cut };
    },
  };
}

async function syncOne(parts: WorkerParts, id: string, lane: Lane, signal: AbortSignal): Promise<Record<string, number | string>> {
  const { ports, registry, settings } = parts;
  const mailbox = await registry.find(id);
  if (!mailbox) {
    ports.log.warn({ mailbox: parseMailboxId(id)?.address, lane }, "a job names a mailbox that is not registered; it is left out");
    return { outcome: "unknown" };
  }
  const startedAt = ports.clock.monotonic();
  const outcome = await syncMailbox(ports, settings, mailbox, lane, signal);
  const ms = Math.round(ports.clock.monotonic() - startedAt);
  const about = { tenant: mailbox.tenant, mailbox: mailbox.address, lane, ms };
  switch (outcome.kind) {
    case "busy":
      return { outcome: "busy" };
    case "failed":
      ports.log.warn({ ...about, code: outcome.failure.code, text: outcome.failure.facts.text ?? outcome.failure.message }, "sync failed");
      return { outcome: outcome.failure.code, handedOff: outcome.counts.handedOff };
    case "lease-lost":
      ports.log.warn(about, "lease lost");
      return { outcome: "lease-lost", handedOff: outcome.counts.handedOff };
    case "done":
    case "cut-short": {
      const { handedOff, quarantined, commits } = outcome.counts;
      const fields = { ...about, handedOff, quarantined, commits, outcome: outcome.kind };
      if (handedOff + quarantined > 0) ports.log.info(fields, "synced");
      else ports.log.debug(fields, "nothing new");
      return { outcome: outcome.kind, handedOff, quarantined };
    }
  }
}
