import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createFileStore } from "@mailfleet/blobs";
import { type Chance, limits } from "@mailfleet/core";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { startSandbox } from "@mailfleet/sandbox";
import { audit, freePort, seededChance, type Violation } from "@mailfleet/testkit/servers";
import { findMissingBlobs, HandedOff } from "./handed-off.ts";
import { type Changes, MailInMotion } from "./mail-in-motion.ts";
import { MortalRedis, SupervisedRole } from "./supervised-fleet.ts";

export interface ChaosOptions {
  readonly dir: string;
  readonly kills: number;
  readonly seed: number;
  readonly mailboxes: number;
  readonly messages: number;
  readonly say: (line: string) => void;
  /** Ends the run, its processes included. */
  readonly signal: AbortSignal;
}

export interface ChaosResult {
  readonly kills: { workers: number; producers: number; redis: number; pauses: number };
  readonly changes: Changes;
  readonly events: number;
  readonly violations: readonly Violation[];
  readonly settledSeconds: number;
}

/** The next kill waits for progress since the last one, but no longer than this: a fleet that stands still is killed all the same. */
const patienceMs = 3_000;
const leastPauseMs = 150;
const mostPauseMs = 1_200;
/** Between two changes of the mailboxes. */
const changeMs = 120;
/** When everything lives again, all mailboxes must be at rest within this. */
const settleMs = 8 * 60_000;
const lookMs = 250;
/** Longer than a lease lasts, so that the holder wakes into another one's. */
const pausedMs = limits.leaseMs + 5_000;

/** Runs a fleet of real processes on a sandbox in motion, kills what lives, lets it settle, and audits what was handed off. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { dir, say } = options;
  const chance = seededChance(options.seed);
  const sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: ["contoso", "fabrikam"].map((alias) => ({
      alias,
      mailboxes: Math.ceil(options.mailboxes / 2),
      messages: Math.ceil(options.messages / 2),
    })),
    trickle: 0,
    faults: false,
  });
  const redis = new MortalRedis(dir, await freePort());
  const roles: SupervisedRole[] = [];
  const handedOff = new HandedOff(redis.url);
  let isOver = false;
  try {
    await redis.start();
    const motion = new MailInMotion(sandbox, seededChance(options.seed + 1));
    const configFile = await writeConfig(sandbox.configFile, dir, redis.url);
    const fleet = { configFile, dir, redisPort: Number(new URL(redis.url).port), producers: 2, workers: 3 };
    for (let i = 1; i <= fleet.producers; i++) roles.push(new SupervisedRole("producer", i, fleet));
    for (let i = 1; i <= fleet.workers; i++) roles.push(new SupervisedRole("worker", i, fleet));
    await until("the fleet is ready", 120_000, async () => roles.every((role) => role.isReady));

    const moving = moveMail(motion, () => isOver);
    const kills = await killAll(options, chance, roles, redis, handedOff, motion);
    isOver = true;
    await moving;
    for (const role of roles) if (role.isPaused) role.resume();
    const boxes = sandbox.tenants.flatMap(({ alias, addresses }) => addresses.map((address) => ({ tenant: alias, address })));
    const startedAt = performance.now();
    const settledFrom = Date.now();
    let left: readonly string[] = [];
    const isSettled = await until("", settleMs, async () => {
      options.signal.throwIfAborted();
      await handedOff.noteRepeated();
      left = await handedOff.restless(boxes, settledFrom + restPeriodMs).catch(() => ["Redis is away"]);
      return left.length === 0;
    }).catch(() => false);
    options.signal.throwIfAborted();
    const settledSeconds = (performance.now() - startedAt) / 1_000;
    const history = await handedOff.history();
    say(`${isSettled ? "at rest" : "NOT at rest"} after ${settledSeconds.toFixed(0)} s, ${history.length} events; auditing`);
    const blobs = createFileStore({ dir: join(dir, "blobs"), clock: systemClock, chance: systemChance });
    const missing = await findMissingBlobs(blobs, history);
    const ledgers = await handedOff.ledgers(boxes);
    const { repeatedIds } = handedOff;
    const found = audit({ ...{ truth: motion.truth(), history, repeatedIds, ledgers }, isDurable: ({ ref }) => !missing.has(ref) });
    const unsettled = left.map((text): Violation => ({ kind: "unaccounted", text: `never at rest: ${text}` }));
    return { kills, changes: motion.changes, events: history.length, violations: [...found, ...unsettled], settledSeconds };
  } finally {
    isOver = true;
    handedOff.close();
    for (const role of roles) await role.stop();
    await redis.stop().catch(() => undefined);
    await sandbox.close();
  }
}

/** What a session found when everything had ended may still be compared once more: two polls and the pause between two comparisons. */
const restPeriodMs = 35_000;

async function moveMail(motion: MailInMotion, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    motion.step();
    await systemClock.sleep(changeMs);
  }
}

async function killAll(
  options: ChaosOptions,
  chance: Chance,
  roles: readonly SupervisedRole[],
  redis: MortalRedis,
  handedOff: HandedOff,
  motion: MailInMotion,
): Promise<ChaosResult["kills"]> {
  const kills = { workers: 0, producers: 0, redis: 0, pauses: 0 };
  const total = (): number => kills.workers + kills.producers + kills.redis;
  const flipEvery = Math.max(1, Math.floor(options.kills / 5));
  const wakings: Promise<void>[] = [];
  while (total() < options.kills) {
    await pace(chance, handedOff);
    options.signal.throwIfAborted();
    if (total() % flipEvery === Math.floor(flipEvery / 2) && motion.changes.uidValidityFlips < total() / flipEvery) motion.flip();
    const workers = roles.filter((role) => role.name.startsWith("worker") && role.isReady && !role.isPaused);
    const producers = roles.filter((role) => role.name.startsWith("producer") && role.isReady);
    const dice = chance.random();
    const pick = <T>(from: readonly T[]): T | undefined => from[Math.trunc(chance.random() * from.length)];
    if (dice < 0.12) {
      await redis.kill();
      kills.redis++;
      await systemClock.sleep(chance.random() * 500);
      await redis.start();
    } else if (dice < 0.34) {
      const one = pick(producers);
      if (!one) continue;
      one.kill();
      kills.producers++;
    } else if (dice < 0.4) {
      const one = roles.some((role) => role.isPaused) ? undefined : pick(workers);
      if (!one) continue;
      one.pause();
      kills.pauses++;
      wakings.push(systemClock.sleep(pausedMs).then(() => one.resume()));
    } else {
      const one = pick(workers);
      if (!one) continue;
      one.kill();
      kills.workers++;
    }
    if (total() % 20 === 0) options.say(`${total()} kills, ${(await handedOff.count()) ?? "?"} events in the queue`);
  }
  await Promise.all(wakings);
  return kills;
}

/** A random moment after something was handed off since the last kill. */
async function pace(chance: Chance, handedOff: HandedOff): Promise<void> {
  const startedAt = performance.now();
  const before = await handedOff.count();
  await systemClock.sleep(leastPauseMs + chance.random() * (mostPauseMs - leastPauseMs));
  while (performance.now() - startedAt < patienceMs) {
    await handedOff.noteRepeated();
    const now = await handedOff.count();
    if (now !== undefined && now > (before ?? 0)) return;
    await systemClock.sleep(lookMs);
  }
}

/** The sandbox' configuration with Redis, folders and a poll for a run of minutes. */
async function writeConfig(sandboxConfig: string, dir: string, redisUrl: string): Promise<string> {
  const tenants = (await readFile(sandboxConfig, "utf8")).replace(/^sync: .*$/m, "");
  const file = join(dir, "mailfleet.yaml");
  const lines = [
    `redis: { url: ${redisUrl} }`,
    `dataDir: ${dir}`,
    `blobs: { dir: ${join(dir, "blobs")} }`,
    // Few at once: a killed worker's mailboxes wait for its leases, and the others must go on.
    "sync:",
    "  { pollSeconds: 10, concurrency: 4, backfillConcurrency: 3, perTenantInFlight: 200, changes: { recentSeconds: 10 } }",
    "",
  ];
  await writeFile(file, `${tenants}\n${lines.join("\n")}`, { mode: 0o600 });
  return file;
}

async function until(what: string, limitMs: number, isReached: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!(await isReached())) {
    if (performance.now() > deadline) throw new Error(`not reached within ${limitMs / 1_000} s: ${what}`);
    await systemClock.sleep(lookMs);
  }
  return true;
}
