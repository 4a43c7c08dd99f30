import type { Config } from "@mailfleet/config";
import {
  currentRate,
  describeLane,
  idleLanes,
  type IntakeWords,
  type LaneWords,
  noteProgress,
  type Progress,
  startProgress,
  sumLedgers,
  timeLeft,
  unservedLanes,
  viewFleet,
} from "@mailfleet/core";
import { stopSignals, systemClock } from "@mailfleet/runtime";
import type { MailboxRecord } from "@mailfleet/store";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions } from "../common-options.ts";
import { type FirstPass, watchFirstPass } from "./first-pass.ts";
import type { FirstSyncResult, LatestEvent, PanelState } from "./panel.ts";
import { readIntake } from "../read-intake.ts";
import type { RedisService } from "./redis-service.ts";
import { createReporter, type Reporter } from "./reporter.ts";
import { startSampleConsumer, type SampleConsumer } from "./sample-consumer.ts";
import { type RunningFleet, startFleet } from "./start-fleet.ts";
import { startFailure, workersOf } from "./start-roles.ts";
import { type WorkLeft, workLeft } from "./stop-text.ts";
import { summarize } from "./plain-progress.ts";
import type { UpOptions } from "./up-options.ts";

const lookMs = 500;
const consumerStopMs = 2_000;
/** A look that takes this long says that Redis is away. */
const lookPatienceMs = 5_000;
/** A terminal's Ctrl-C may come twice: from the terminal and from a program in between, such as npm or our own launcher. */
const sameKeyMs = 300;

/** What a run knows since before its roles were started. */
interface Run {
  /** For the commands that are printed, see `givenOptions`. */
  readonly options: string;
  readonly isSandbox: boolean;
  readonly startedMs: number;
  readonly config: Config;
  readonly redis: RedisService;
  readonly pass: FirstPass;
  /** Read before the roles sync: only these say whether this is the first start. */
  readonly before: readonly MailboxRecord[];
  readonly handedOffBefore: number;
  /** Something was known and nothing was left to do. */
  readonly wasWhole: boolean;
}

/**
 * The whole of mailfleet in one process tree, until Ctrl-C, or with `--once` until every mailbox was looked at.
 * @returns 0 drained or done, 1 something failed, 130 stopped at once
 * @throws CliError before anything runs
 */
export async function runUp(cli: Cli, options: UpOptions): Promise<number> {
  const clock = systemClock;
  const signals = stopSignals();
  const onHangUp = (): void => void process.kill(process.pid, "SIGTERM");
  process.on("SIGHUP", onHangUp);
  const reporter = createReporter(cli, options.once === true);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let run: Run | undefined;
  let ended: Readonly<Record<string, unknown>>[] = [];
  let fleet: RunningFleet | undefined;
  let logPath = "";
  let isStopping = false;
  const starting = startFleet(cli, options, {
    onRestart: (name, how, inMs) => reporter.warn(`${name} ended (${how}); it is started again in ${Math.round(inMs / 1_000)} s`),
    onFatal: (failure) => failed.reject(startFailure(failure, "fleet", logPath)),
    onLine: (fields) => {
      if (fields["msg"] === "worker stopped") ended = [...ended, fields];
    },
    beforeRoles: async (parts) => {
      run = await beginRun(parts, clock.monotonic(), options);
      if (options.once) await pokeAll(parts.redis, run);
    },
  });
  let consumer: SampleConsumer | undefined;
  try {
    fleet = await beforeStarted(signals, reporter, starting);
    logPath = fleet.log.path;
    if (run === undefined) throw new TypeError("the fleet started without a look at Redis");
    reporter.started({ fleet, records: run.before, workers: workersOf(options).length });
    if (fleet.sandbox && !options.keepEvents) consumer = startSampleConsumer(fleet.redis.fleet, () => clock.now());
    const watch = new Watch(run, reporter, () => consumer?.latest() ?? [], options.once === true);
    const asked = signals.asked.then((why) => ({ why }));
    const outcome = await Promise.race([watch.run(asked), failed.promise]);
    isStopping = true;
    if (outcome === "done") {
      const answer = watch.summary();
      const force = stopNow(signals, fleet, clock.monotonic());
      await Promise.race([shutDown(fleet, consumer), force.done]);
      if (force.wasAsked()) return reporter.killed();
      if (answer) reporter.answer(answer, run.handedOffBefore === 0);
      return answer === undefined || answer.unaccounted !== 0 || answer.waiting > 0 ? 1 : 0;
    }
    const stopMs = clock.monotonic();
    const busy = watch.busy();
    reporter.stopping(busy);
    const force = stopNow(signals, fleet, stopMs);
    await Promise.race([shutDown(fleet, consumer), force.done]);
    // The killed ended before whoever killed them could say so; workers that had told their end were through.
    if (force.wasAsked() && ended.length === 0) return reporter.killed(watch.busy());
    reporter.stopped({ ms: clock.monotonic() - stopMs, ended, left: watch.left(), busy });
    if (options.once && cli.isJson)
      cli.json({ ok: false, error: { code: "INTERRUPTED", what: "Stopped before the pass was done.", do: [] } });
    if (force.wasAsked()) return 130;
    return options.once ? 1 : 0;
  } catch (error) {
    reporter.close();
    if (fleet && !isStopping) await shutDown(fleet, consumer).catch(() => undefined);
    throw error;
  } finally {
    reporter.close();
    signals.dispose();
    process.off("SIGHUP", onHangUp);
  }
}

/** Ctrl-C during the start waits for it, because half a start cannot be drained; a second one does not wait. */
async function beforeStarted(
  signals: ReturnType<typeof stopSignals>,
  reporter: Reporter,
  starting: Promise<RunningFleet>,
): Promise<RunningFleet> {
  let isStarting = true;
  let askedMs = 0;
  void signals.asked.then(() => {
    askedMs = systemClock.monotonic();
    if (isStarting) reporter.warn("Stopping as soon as the start is complete. Ctrl-C again stops at once.");
  });
  signals.onAgain(() => {
    // The children notice that we are gone and drain; Redis is adopted by the next start.
    if (isStarting && systemClock.monotonic() - askedMs >= sameKeyMs) process.exit(reporter.killed());
  });
  try {
    return await starting;
  } finally {
    isStarting = false;
  }
}

async function beginRun({ config, redis }: { config: Config; redis: RedisService }, startedMs: number, options: UpOptions): Promise<Run> {
  const { reader } = redis.fleet;
  const [startedAt, before] = [await reader.now(), await reader.mailboxes()];
  const expected = Object.values(config.tenants).flatMap((tenant) =>
    tenant.mailboxes.map(({ address }) => ({ tenant: tenant.alias, address })),
  );
  const tenants = new Set(expected.map((mailbox) => mailbox.tenant));
  const ours = before.filter((record) => tenants.has(record.tenant));
  return {
    isSandbox: options.config === undefined,
    options: givenOptions(options),
    startedMs,
    config,
    redis,
    pass: watchFirstPass({ expected, startedAt, before, backfill: config.sync.backfill }),
    before: ours,
    handedOffBefore: sumLedgers(ours.map((record) => record.ledger)).handedOff,
    wasWhole:
      ours.length >= expected.length &&
      ours.every(
        (record) => record.cause !== undefined || (record.checkedAt !== undefined && !record.hasHistory && record.ledger.toDo === 0),
      ),
  };
}

/** The server asked to be left alone: its time is kept, whoever is in a hurry. */
function isThrottled({ cause }: MailboxRecord): boolean {
  return cause?.state === "waiting" && (cause.code === "SERVER_THROTTLED" || cause.code === "ENTRA_THROTTLED");
}

/** A check of before this run does not count, so every mailbox is due at once. */
async function pokeAll({ fleet }: RedisService, run: Run): Promise<void> {
  const known = await fleet.reader.mailboxes();
  for (const alias of Object.keys(run.config.tenants)) {
    await fleet.due.poke(
      alias,
      known.filter((record) => record.tenant === alias && !isThrottled(record)).map((record) => record.id),
    );
  }
}

/** Roles, consumer, sandbox, Redis, in this order. */
async function shutDown(fleet: RunningFleet, consumer: SampleConsumer | undefined): Promise<"stopped"> {
  // A blocked read of BullMQ's may take its time; what it holds goes back to the queue by itself.
  if (consumer) await within(consumer.close(), consumerStopMs).catch(() => undefined);
  await fleet.stop();
  return "stopped";
}

/** The second Ctrl-C. */
function stopNow(signals: ReturnType<typeof stopSignals>, fleet: RunningFleet, firstMs: number) {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let isKilling = false;
  signals.onAgain(() => {
    if (isKilling || systemClock.monotonic() - firstMs < sameKeyMs) return;
    isKilling = true;
    fleet.kill().then(resolve, reject);
  });
  return { done, wasAsked: () => isKilling };
}

/** Looks at Redis twice a second and tells the reporter. */
class Watch {
  readonly #run: Run;
  readonly #reporter: Reporter;
  readonly #latest: () => readonly LatestEvent[];
  readonly #isOnce: boolean;
  #progress: Progress | undefined;
  #records: readonly MailboxRecord[] = [];
  #at = 0;
  #intake: IntakeWords | undefined;
  #lanes: readonly LaneWords[] = [];
  #counts = { finished: 0, parked: 0, waiting: 0 };
  #doneMs: number | undefined;
  #firstSync: FirstSyncResult | undefined;
  #isSyncing: boolean;

  constructor(run: Run, reporter: Reporter, latest: () => readonly LatestEvent[], isOnce: boolean) {
    this.#run = run;
    this.#reporter = reporter;
    this.#latest = latest;
    this.#isOnce = isOnce;
    this.#isSyncing = !run.wasWhole;
  }

  async run(asked: Promise<{ readonly why: string }>): Promise<"done" | "asked"> {
    const { redis } = this.#run;
    const stop = new AbortController();
    const stopped = asked.then(() => stop.abort());
    while (!stop.signal.aborted) {
      const revived = await redis.revive().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (revived !== undefined) this.#reporter.warn(revived);
      const trouble = await this.#look();
      if (stop.signal.aborted) break;
      this.#reporter.show(this.#state(trouble));
      if (this.#isOnce && this.#doneMs !== undefined && trouble === undefined) return "done";
      await Promise.race([systemClock.sleep(lookMs), stopped]);
    }
    return "asked";
  }

  /** Undefined, or what is wrong with Redis. */
  async #look(): Promise<string | undefined> {
    const { redis, pass, config } = this.#run;
    const { reader } = redis.fleet;
    const tenants = new Set(Object.keys(config.tenants));
    try {
      const [at, all, { words }, processes, servedAt] = await within(
        Promise.all([reader.now(), reader.mailboxes(), readIntake(redis.fleet, config), reader.processes(), reader.lanesServed()]),
        lookPatienceMs,
      );
      this.#intake = words;
      this.#lanes = unservedLanes(idleLanes(processes, servedAt, at), () => all, at).map((one) => describeLane(one, at, this.#run.options));
      this.#records = all.filter((record) => tenants.has(record.tenant));
      this.#at = at;
    } catch (error) {
      return `Redis at ${redis.url} does not answer (${error instanceof Error ? error.message : "unknown"}). Nothing is lost; all goes on when it is back.`;
    }
    const ledger = sumLedgers(this.#records.map((record) => record.ledger));
    const nowMs = systemClock.monotonic();
    this.#progress =
      this.#progress === undefined ? startProgress(nowMs, ledger.handedOff) : noteProgress(this.#progress, nowMs, ledger.handedOff);
    const result = pass.look(this.#records, this.#at);
    this.#counts = result;
    if (result.isDone && this.#doneMs === undefined) {
      this.#doneMs = nowMs - this.#run.startedMs;
      const { handedOffBefore } = this.#run;
      if (this.#isSyncing) {
        const handedOff = ledger.handedOff - handedOffBefore;
        this.#firstSync = { ms: this.#doneMs, handedOff, finished: result.finished, mailboxes: this.#records.length };
      }
      this.#isSyncing = false;
      // The speed of the first sync says nothing about what comes after it.
      this.#progress = startProgress(nowMs, ledger.handedOff);
    }
    return undefined;
  }

  #state(trouble: string | undefined): PanelState {
    const { config } = this.#run;
    const view = viewFleet(this.#records, this.#at, config.sync.freshWithinSeconds * 1_000, {
      intake: this.#intake,
      lanes: this.#lanes,
    });
    const progress = this.#progress ?? startProgress(0, 0);
    const left = timeLeft(progress, view.ledger.handedOff + view.ledger.toDo);
    return {
      view,
      isSyncing: this.#isSyncing,
      rate: currentRate(progress),
      latest: this.#latest(),
      isStopping: false,
      isSandbox: this.#run.isSandbox,
      options: this.#run.options,
      now: systemClock.now(),
      ...(left !== undefined && { left }),
      ...(this.#firstSync && { firstSync: this.#firstSync }),
      ...(trouble !== undefined && { trouble }),
    };
  }

  /** Mailboxes that a session works on. */
  busy(): number {
    return this.#records.filter((record) => record.isSyncing).length;
  }

  /** Undefined before the first look. */
  left(): WorkLeft | undefined {
    if (this.#progress === undefined) return undefined;
    const expected = Object.values(this.#run.config.tenants).reduce((sum, { mailboxes }) => sum + mailboxes.length, 0);
    return workLeft(this.#records, expected);
  }

  summary() {
    if (this.#doneMs === undefined) return undefined;
    const { parked, waiting } = this.#counts;
    const view = viewFleet(this.#records, this.#at, this.#run.config.sync.freshWithinSeconds * 1_000);
    return summarize(view, this.#run.handedOffBefore, { parked, waiting }, this.#doneMs);
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      systemClock.sleep(ms, late.signal).then(() => {
        throw new CliError(1, { code: "REDIS_UNAVAILABLE", what: `no answer for ${ms / 1_000} s` });
      }),
    ]);
  } finally {
    late.abort();
  }
}
