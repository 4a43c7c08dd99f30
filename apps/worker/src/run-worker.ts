import { type Lane, limits, parseMailboxId, pushChooser, redisKeys } from "@mailfleet/core";
import {
  type ByteBudget,
  type EnginePorts,
  type JobSlots,
  type PushState,
  startPush,
  syncMailbox,
  watchCredentials,
} from "@mailfleet/engine";
import { createIntakeWatch, type IntakeWatch, startSyncWorker, type SyncWorker } from "@mailfleet/queue";
import { settlesWithin } from "@mailfleet/runtime";
import { inspectRedis } from "@mailfleet/store";
import type { Config } from "@mailfleet/config";
import type { WorkerSigns } from "./show-metrics.ts";
import type { WorkerParts } from "./wire.ts";
import type { WorkerGate } from "./worker-gate.ts";
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

/** Starts both lanes. */
export function runWorker(config: Config, parts: WorkerParts, gate: WorkerGate, signs: WorkerSigns): RunningWorker {
  const { ports } = parts;
  const keys = redisKeys(config.name);
  const intake = createIntakeWatch({ redis: parts.redis, keys, clock: ports.clock, marks: config.downstream });
  let unknownAnswers = 0;
  const start = (lane: Lane, concurrency: number): SyncWorker => {
    const slots = { lend: () => worker.lendSlot() };
    const lendingParts = { ...parts, ports: { ...ports, slots, bytes: lendingSlots(ports.bytes, slots.lend) } };
    const worker = startSyncWorker({
      lane,
      concurrency,
      connection: parts.connection,
      keys,
      log: ports.log,
      process: async (id, signal) => {
        const result = await syncOne(lendingParts, intake, id, lane, signal, signs);
        if (result["outcome"] === "UNCLASSIFIED") unknownAnswers++;
        return result;
      },
    });
    return worker;
  };
  const workers = [start("fresh", config.sync.concurrency), start("backfill", config.sync.backfillConcurrency)] as const;

  const push =
    config.sync.push === "none"
      ? undefined
      : startPush(parts.push, { isChosen: pushChooser(config.sync.push), budget: config.sync.pushConnections });
  gate.use({ clock: ports.clock, intake, waiting: (lane) => workers[lane === "fresh" ? 0 : 1].waiting() });
  const health = startHealth({
    clock: ports.clock,
    log: ports.log,
    reader: parts.reader,
    name: parts.name,
    concurrency: config.sync.concurrency + config.sync.backfillConcurrency,
    blobsDir: config.blobs.dir,
    push() {
      const state = push?.state();
      return state && { chosen: state.chosen, connected: state.connected };
    },
    unknownAnswers: () => unknownAnswers,
    credentialProblems: () => parts.tenants.problems(),
    inspect: () => inspectRedis(parts.redis).then(({ problems, troubles }) => [...problems, ...troubles]),
    onRedis: (problems) => intake.noteProblems(problems),
    onBeat: (redisAnswered) => signs.heartbeatEnded(redisAnswered),
    onHolds: (holds) => signs.noteHolds(holds),
    onDisk(isLow) {
      gate.hold(isLow);
      for (const worker of workers) worker.hold(isLow);
    },
  });

  const leaving = new AbortController();
  void watchCredentials(parts.credentials, leaving.signal);
  let logged = "";
  const logPush = (state: PushState): void => {
    if (JSON.stringify(state) !== logged) ports.log.info(state, "push");
    logged = JSON.stringify(state);
  };
  const pushTimer = push && setInterval(() => logPush(push.state()), pushLogMs);

  return {
    active: () => ({ fresh: workers[0].active, backfill: workers[1].active }),
    push: () => push?.state(),
    async drain() {
      signs.drains();
      health.stop();
      leaving.abort();
      clearInterval(pushTimer);
      gate.drain();
      const pushGone = push && settlesWithin(ports.clock, politeDrainMs, push.stop());
      const running = workers[0].active + workers[1].active;
      const done = Promise.all(workers.map((worker) => worker.drain()));
      const isInTime = await settlesWithin(ports.clock, politeDrainMs, done);
      const cut = isInTime ? 0 : workers[0].active + workers[1].active;
      if (!isInTime) {
        for (const worker of workers) worker.interrupt();
        await settlesWithin(ports.clock, cutDrainMs, done);
      }
      await pushGone;
      await settlesWithin(ports.clock, goodbyeMs, parts.reader.goodbye(parts.name)).catch(() => undefined);
      return { finished: running - cut, cut };
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
  parts: Omit<WorkerParts, "ports"> & { readonly ports: EnginePorts },
  intake: IntakeWatch,
  id: string,
  lane: Lane,
  signal: AbortSignal,
  signs: WorkerSigns,
): Promise<Record<string, number | string>> {
  const { ports, registry, settings } = parts;
  const mailbox = await registry.find(id);
  if (!mailbox) {
    ports.log.warn({ mailbox: parseMailboxId(id)?.address, lane }, "a job names a mailbox that is not registered; it is left out");
    return { outcome: "unknown" };
  }
  if ((await intake.look()).intake.lanes[lane].state === "closed") {
    // Taken just before consumers fell too far behind: no login for nothing, and no minute's wait once they caught up.
    await parts.due.giveBack(lane, mailbox.tenant, id);
    signs.sessionEnded(mailbox, lane, "held", 0);
    return { outcome: "held" };
  }
  const startedAt = ports.clock.monotonic();
  const outcome = await syncMailbox(ports, settings, mailbox, lane, signal);
  const ms = Math.round(ports.clock.monotonic() - startedAt);
  signs.sessionEnded(mailbox, lane, outcome, ms);
  const about = { tenant: mailbox.tenant, mailbox: mailbox.address, lane, ms };
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
