import { type Lane, limits, parseMailboxId, pushChooser, shareOfMarks, type Tracer } from "@mailfleet/core";
import {
  type ByteBudget,
  type EnginePorts,
  type JobSlots,
  type PushState,
  type RunningPush,
  startPush,
  syncMailbox,
  type SyncSettings,
  syncTraced,
  watchCredentials,
} from "@mailfleet/engine";
import { createIntakeWatch, createSharedSlots, type IntakeWatch, startSyncWorker, type SyncWorker } from "@mailfleet/queue";
import { settlesWithin } from "@mailfleet/runtime";
import { shardProblems } from "@mailfleet/store";
import type { Config } from "@mailfleet/config";
import type { WorkerSigns } from "./show-metrics.ts";
import type { ShardParts, WorkerParts } from "./wire.ts";
import { startHealth } from "./worker-health.ts";

/** What push did is logged this often, if it did something. */
const pushLogMs = 60_000;
/** Running sessions get this long to end at a batch border; then they are cut (their last batch is repeated by the next worker). */
const politeDrainMs = 6_000;
/** Of the whole drain, for saying goodbye, closing and exiting. */
const closingMs = 2_000;
/** Cut sessions get this long to settle. One that waits for a Redis that does not answer never does: its lease and its job run out. */
const cutDrainMs = limits.drainMs - politeDrainMs - closingMs;
const goodbyeMs = 300;

export interface RunningWorker {
  /** Takes no new mailbox; resolves when all sessions ended, and within `limits.drainMs` whatever Redis does. */
  drain(): Promise<{ finished: number; cut: number }>;
  /** Mailboxes at work. */
  active(): Readonly<Record<Lane, number>>;
  push(): PushState | undefined;
}

/** Starts both lanes, over all shards. */
export function runWorker(config: Config, parts: WorkerParts, signs: WorkerSigns): RunningWorker {
  const { clock, log } = parts;
  const isOnly = parts.shards.length === 1;
  let unknownAnswers = 0;
  const noteResult = (result: Record<string, number | string>): void => {
    if (result["outcome"] === "UNCLASSIFIED") unknownAnswers++;
  };
  const slotsOf = (size: number) => (isOnly ? {} : { slots: createSharedSlots(size) });
  const { concurrency, backfillConcurrency } = config.sync;
  const lanes = {
    fresh: { concurrency, ...slotsOf(concurrency) },
    backfill: { concurrency: backfillConcurrency, ...slotsOf(backfillConcurrency) },
  };
  const { lane: only } = config.worker;
  const served: readonly Lane[] = only === "both" ? ["fresh", "backfill"] : [only];
  const running = parts.shards.map((shard) => {
    const { redis } = shard.shard;
    const intake = createIntakeWatch({ redis, keys: shard.keys, clock, marks: shareOfMarks(config.downstream, parts.shards.length) });
    const start = (lane: Lane): SyncWorker => {
      const slots = { lend: () => worker.lendSlot() };
      const ports = { ...shard.ports, slots, bytes: lendingSlots(shard.ports.bytes, slots.lend) };
      const worker = startSyncWorker({
        lane,
        ...lanes[lane],
        connection: shard.shard.connection,
        keys: shard.keys,
        log,
        process: async (id, signal) => {
          const result = await syncOne({ ...shard, ports }, parts.settings, intake, id, lane, signal, signs, parts.tracer);
          noteResult(result);
          return result;
        },
      });
      return worker;
    };
    const workers = new Map(served.map((lane) => [lane, start(lane)]));
    shard.gate.use({ clock, intake, waiting: async (lane) => (await workers.get(lane)?.waiting()) ?? 0 });
    return { ...shard, intake, workers };
  });
  const workers = running.flatMap((one) => [...one.workers.values()]);
  const active = (lane: Lane): number => running.reduce((sum, one) => sum + (one.workers.get(lane)?.active ?? 0), 0);

  const push = served.includes("fresh") ? startPushOf(config, parts.shards) : undefined;
  const health = startHealth({
    clock,
    log,
    reader: parts.reader,
    name: parts.name,
    concurrency: served.reduce((sum, lane) => sum + lanes[lane].concurrency, 0),
    lanes: served,
    blobsDir: config.blobs.dir,
    push() {
      const state = push?.state();
      return state && { chosen: state.chosen, connected: state.connected };
    },
    unknownAnswers: () => unknownAnswers,
    credentialProblems: () => parts.tenants.problems(),
    inspect: async () => {
      const each = await Promise.all(
        running.map(async ({ shard, intake }) => {
          const problems = await shardProblems(shard, isOnly, clock);
          intake.noteProblems(problems);
          return problems;
        }),
      );
      return [...new Set(each.flat())];
    },
    onBeat: (redisAnswered) => signs.heartbeatEnded(redisAnswered),
    onHolds: (holds) => signs.noteHolds(holds),
    onDisk(isLow) {
      for (const { gate } of running) gate.hold(isLow);
      for (const worker of workers) worker.hold(isLow);
    },
  });

  const leaving = new AbortController();
  for (const { credentials } of running) void watchCredentials(credentials, leaving.signal);
  let logged = "";
  const logPush = (state: PushState): void => {
    if (JSON.stringify(state) !== logged) log.info(state, "push");
    logged = JSON.stringify(state);
  };
  const pushTimer = push && setInterval(() => logPush(push.state()), pushLogMs);

  return {
    active: () => ({ fresh: active("fresh"), backfill: active("backfill") }),
    push: () => push?.state(),
    async drain() {
      signs.drains();
      health.stop();
      leaving.abort();
      clearInterval(pushTimer);
      for (const { gate } of running) gate.drain();
      const pushGone = push && settlesWithin(clock, politeDrainMs, push.stop());
      const atWork = active("fresh") + active("backfill");
      const done = Promise.all(workers.map((worker) => worker.drain()));
      const isInTime = await settlesWithin(clock, politeDrainMs, done);
      const cut = isInTime ? 0 : active("fresh") + active("backfill");
      if (!isInTime) {
        for (const worker of workers) worker.interrupt();
        await settlesWithin(clock, cutDrainMs, done);
      }
      await pushGone;
      await settlesWithin(clock, goodbyeMs, parts.reader.goodbye(parts.name)).catch(() => undefined);
      return { finished: atWork - cut, cut };
    },
  };
}

/** Push of each shard by itself, with an equal part of the worker's connections, so that a server that is away takes none but its own along. */
function startPushOf(config: Config, shards: readonly ShardParts[]): RunningPush | undefined {
  if (config.sync.push === "none") return undefined;
  const settings = { isChosen: pushChooser(config.sync.push), budget: Math.ceil(config.sync.pushConnections / shards.length) };
  const each = shards.map((shard) => startPush(shard.push, settings));
  const [only] = each;
  if (only && each.length === 1) return only;
  return {
    state: () =>
      each
        .map((one) => one.state())
        .reduce((sum, one) => ({
          connects: sum.connects + one.connects,
          pokes: sum.pokes + one.pokes,
          failures: sum.failures + one.failures,
          chosen: sum.chosen + one.chosen,
          held: sum.held + one.held,
          connected: sum.connected + one.connected,
        })),
    async stop() {
      await Promise.all(each.map((one) => one.stop()));
    },
  };
}

/** A session that moves a large message holds its slot for seconds and needs little else: others get one in its place (G5). */
function lendingSlots(bytes: ByteBudget, lend: JobSlots["lend"]): ByteBudget {
  return {
    async take(wanted, signal) {
      const giveBack = await bytes.take(wanted, signal);
      if (wanted < limits.streamAboveBytes) return giveBack;
      const takeBack = lend();
      return () => {
        takeBack?.();
        giveBack();
      };
    },
  };
}

async function syncOne(
  parts: Omit<ShardParts, "ports"> & { readonly ports: EnginePorts },
  settings: SyncSettings,
  intake: IntakeWatch,
  id: string,
  lane: Lane,
  signal: AbortSignal,
  signs: WorkerSigns,
  tracer: Tracer | undefined,
): Promise<Record<string, number | string>> {
  const { ports, registry } = parts;
  const [mailbox, watched] = await Promise.all([registry.find(id), intake.look()]);
  if (!mailbox) {
    ports.log.warn({ mailbox: parseMailboxId(id)?.address, lane }, "a job names a mailbox that is not registered; it is left out");
    return { outcome: "unknown" };
  }
  if (watched.intake.lanes[lane].state === "closed") {
    // Taken just before consumers fell too far behind: no login for nothing, and no minute's wait once they caught up.
    await parts.due.giveBack(lane, mailbox.tenant, id);
    signs.sessionEnded(mailbox, lane, "held", 0);
    return { outcome: "held" };
  }
  const startedAt = ports.clock.monotonic();
  const span = tracer?.poll(mailbox, lane);
  const job = [settings, mailbox, lane, signal] as const;
  const outcome = await (span ? syncTraced(span, ports, ...job) : syncMailbox(ports, ...job));
  const ms = Math.round(ports.clock.monotonic() - startedAt);
  signs.sessionEnded(mailbox, lane, outcome, ms);
  const about = { tenant: mailbox.tenant, mailbox: mailbox.address, lane, ms, ...(span && { trace: span.traceId }) };
  switch (outcome.kind) {
    case "busy":
      return { outcome: "busy" };
    case "failed": {
      const { code, facts, message } = outcome.failure;
      const fields = { ...about, code, text: facts.text ?? message };
      // With everything that was seen, so that it can get a name.
      if (code === "UNCLASSIFIED") ports.log.error({ ...fields, facts }, "a server said something that mailfleet has no name for");
      else ports.log.warn(fields, "sync failed");
      return { outcome: code, handedOff: outcome.counts.handedOff };
    }
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
