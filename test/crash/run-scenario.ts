import type { SyncOutcome } from "@mailfleet/engine";
import type { CrashingWorker, CrashPlan } from "./crashing-worker.ts";
import type { EffectCall } from "./watch-ports.ts";
import { CrashWorld, pastLeaseMs, type WorldOptions } from "./crash-world.ts";

export interface Scenario {
  readonly name: string;
  readonly world?: WorldOptions;
  /** When something happens decides what is told: then only the end must be right. */
  readonly isTimed?: true;
  /** The mailbox before anything is synced. */
  readonly begin: (world: CrashWorld) => void;
  /** What happens to it afterwards; absent when the first sync is what is tried. Accidents happen from here on. */
  readonly change?: (world: CrashWorld) => void;
}

export interface RunResult {
  /** All effects from the accident's part on, up to the end of the first session that changed nothing any more. */
  readonly effects: readonly EffectCall[];
  /** What was told downstream, whatever its order and time: `type key`. */
  readonly told: readonly string[];
  readonly problems: readonly string[];
}

/** Sessions that a scenario needs at most; one that needs more does not settle. */
const mostSessions = 300;
/** So many sessions in a row that do nothing are the end. */
const idleAtEnd = 2;

export async function runScenario(scenario: Scenario, plan?: CrashPlan): Promise<RunResult> {
  // Answers that come late change the order in which things go on; killed after an effect is otherwise killed before the next one.
  const isDeferred = plan?.mode === "killed after";
  const world = new CrashWorld(scenario.world);
  scenario.begin(world);
  world.noteHistory();
  if (scenario.change) {
    await settle(world, world.worker());
    scenario.change(world);
  }
  const effects = await settle(world, world.worker(plan, { isDeferred }), isDeferred);
  const problems = [...world.problems(), ...(await findRestless(world))];
  return { effects, told: toldBy(world), problems };
}

/**
 * Lets the fleet go on by its due times until nothing is left to do; a worker that dies or stands still is replaced by a new one.
 * @returns the first worker's effects until it had nothing to do
 */
export async function settle(world: CrashWorld, first: CrashingWorker, isDeferred = false): Promise<readonly EffectCall[]> {
  let worker = first;
  /** Where the first worker's sessions ended, in effects, and after which of them something was as it never was before. */
  const ends: number[] = [];
  let lastChange = 0;
  let before = fingerprintOf(world);
  let idle = 0;
  let sleeper: { readonly worker: CrashingWorker; readonly session: Promise<unknown> } | undefined;
  for (let session = 0; session < mostSessions; session++) {
    const dueAt = world.fleet.nextDueAt();
    if (dueAt === undefined) throw new Error("the mailbox is due no more: nobody will look at it again");
    if (dueAt > world.clock.now()) await world.clock.advance(dueAt - world.clock.now());
    world.runLater();
    const job = world.fleet.take();
    if (!job) continue;
    const running = worker.sync(world.settings, job.mailbox, job.lane);
    const outcome = await Promise.race([running, worker.fellAsleep.then(() => "asleep" as const)]);
    if (outcome === "asleep") {
      sleeper = { worker, session: running };
      await world.clock.advance(pastLeaseMs);
    }
    ends.push(first.effects.length);
    const after = fingerprintOf(world);
    if (after !== before) lastChange = ends.length;
    before = after;
    if (worker.process.isDead || outcome === "asleep") {
      worker = world.worker(undefined, { isDeferred });
      idle = 0;
      continue;
    }
    idle = job.lane === "fresh" && isIdle(outcome) ? idle + 1 : 0;
    if (idle >= idleAtEnd && world.isStill && !world.isOwed && world.fleet.facts(world.mailbox).backfillDueAt === undefined) {
      if (!sleeper) return first.effects.slice(0, ends[lastChange]);
      await wake(world, sleeper);
      sleeper = undefined;
      idle = 0;
    }
  }
  throw new Error(`did not settle within ${mostSessions} sessions: ${JSON.stringify(world.fleet.facts(world.mailbox))}`);
}

/** It goes on where it stood; whatever it believes, its lease is another's. */
async function wake(world: CrashWorld, sleeper: { worker: CrashingWorker; session: Promise<unknown> }): Promise<void> {
  const before = world.fleet.commits.length;
  const jobs = world.fleet.jobs.length;
  sleeper.worker.wake();
  await sleeper.session;
  const { commits } = world.fleet;
  // One that stood before `acquire` wakes into a mailbox that is free.
  const old = commits.slice(before).filter(({ token }) => commits.slice(0, before).some((one) => one.token === token));
  if (old.length > 0) world.broken.push(`twice: a worker that slept through its lease committed ${old.length} times`);
  if (world.fleet.jobs.length > jobs) world.broken.push("twice: a worker that woke told something that had been told");
}

/** Everything was handed off: further sessions of both lanes change nothing. */
async function findRestless(world: CrashWorld): Promise<readonly string[]> {
  const before = fingerprintOf(world);
  for (const lane of ["fresh", "backfill"] as const) {
    await world.clock.advance(world.settings.pollMs);
    await world.worker().sync(world.settings, world.mailbox, lane);
  }
  return fingerprintOf(world) === before ? [] : ["restless: a further run changed something"];
}

function fingerprintOf(world: CrashWorld): string {
  const folders = [...world.checkpoints()].map(([folder, { checkpoint, ledger }]) => {
    const { compared: _when, ...lasting } = checkpoint;
    return [folder, ledger, { ...lasting, flags: [...lasting.flags] }];
  });
  return JSON.stringify([world.fleet.jobs.map(({ id }) => id), folders, world.fleet.fleetLedger()]);
}

function isIdle(outcome: SyncOutcome | undefined): boolean {
  return outcome?.kind === "done" && outcome.counts.handedOff + outcome.counts.quarantined + outcome.counts.changes === 0;
}

/** Changes are numbered by commits, and a mailbox' troubles named by their time: what counts is what was told of which message. */
function toldBy(world: CrashWorld): readonly string[] {
  return [...new Set(world.history.map(({ type, key }) => (type.startsWith("mailbox.") ? type : `${type} ${key}`)))].sort();
}
