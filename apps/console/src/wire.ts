import { readFile } from "node:fs/promises";
import { createFileStore } from "@mailfleet/blobs";
import { type Config, type Environment, secretsOf } from "@mailfleet/config";
import {
  type Clock,
  decideIntake,
  describeIntake,
  growingScrubber,
  type Log,
  mailboxId,
  type MailboxRef,
  type RedisTarget,
  redisKeys,
} from "@mailfleet/core";
import { historyColumns, historyRings } from "@mailfleet/core/console";
import { openTenantBook } from "@mailfleet/entra";
import { openDeadLetters, openMessagesQueue, readDownstream } from "@mailfleet/queue";
import { programVersion, settlesWithin, systemChance } from "@mailfleet/runtime";
import {
  connectRedis,
  createActivityLog,
  createCredentialNotes,
  createFleetChanges,
  createFleetReader,
  createHistoryRings,
  createMailboxStore,
  inspectRedis,
  redisOptions,
} from "@mailfleet/store";
import { FleetHistory, historyMarks } from "./fleet/fleet-history.ts";
import { LiveFleet } from "./fleet/live-fleet.ts";
import { Access } from "./http/access.ts";
import { LetterDesk } from "./letters/letter-desk.ts";
import { lettersOf } from "./letters/letter-source.ts";
import type { PageSources } from "./pages/page-sources.ts";

export interface WireOptions {
  readonly config: Config;
  readonly redisTarget: RedisTarget;
  readonly log: Log;
  readonly clock: Clock;
  readonly env: Environment;
  /** What printed commands need besides. */
  readonly options: string;
  readonly isSandbox: boolean;
}

/** Closing a queue waits for Redis, which may not answer. */
const closeMs = 500;

/** Connects to Redis, and gives what pages and actions are made from. @throws SyncError REDIS_UNAVAILABLE */
export async function wireConsole({ config, redisTarget, log, clock, env, options, isSandbox }: WireOptions) {
  const { scrub, hide } = growingScrubber(secretsOf(config));
  const ca = config.redis?.caFile === undefined ? undefined : await readFile(config.redis.caFile, "utf8");
  const redis = await connectRedis(redisTarget, log, ca);
  const keys = redisKeys(config.name);
  const reader = createFleetReader(redis, keys);
  const queue = openMessagesQueue({ connection: redisOptions(redisTarget, ca), keys, log });
  const jobs = await openDeadLetters(queue);
  const blobs = createFileStore({ dir: config.blobs.dir, clock, chance: systemChance });
  const store = createMailboxStore({ redis, keys, clock, chance: systemChance, log, worker: "console" });
  const book = await openTenantBook({ tenants: config.tenants, env, clock, log, hide });
  const notes = createCredentialNotes(redis, keys);
  const activity = createActivityLog(redis, keys);
  const rings = createHistoryRings(redis, keys);
  const readLoad = async () => readDownstream(redis, keys, await problemsOf(redis));
  const access = new Access({
    rule: config.console.auth && { kind: "password", password: config.console.auth.password },
    isReadOnly: config.console.readOnly,
    clock,
  });

  const live: LiveFleet = new LiveFleet({
    clock,
    log,
    freshWithinMs: config.sync.freshWithinSeconds * 1_000,
    options,
    changes: [createFleetChanges(redis, keys)],
    async readSide() {
      await book.look();
      const load = await readLoad();
      const words = describeIntake(decideIntake(load, config.downstream), load, config.downstream, live.now());
      const ends = book
        .tenants()
        .flatMap(({ alias, credential: { expiresAt } }) => (expiresAt === undefined ? [] : [[alias, expiresAt] as const]));
      return { failed: load.failed, expiresAt: new Map(ends), ...(words && { intake: words }) };
    },
    onLook: (memory, at) => history.note(memory, at),
  });
  const history = new FleetHistory({ rings, activity, id: live.process, log });

  const sources: PageSources = {
    config,
    clock,
    live,
    access,
    version: programVersion(new URL("../package.json", import.meta.url)),
    isSandbox,
    options,
    processes: () => reader.processes(),
    load: readLoad,
    tenants: () => book.tenants(),
    notes: () => notes.read(),
    async redis() {
      const [{ version, problems, troubles }, info] = [await inspectRedis(redis), await redis.info("memory")];
      const number = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
      const limit = number("maxmemory");
      return { version, used: number("used_memory"), ...(limit > 0 && { limit }), problems: [...problems, ...troubles] };
    },
    mailbox: (mailbox) => store.load(mailbox),
    worker: async (mailbox) => (await redis.hget(keys.mailbox(mailboxId(mailbox)), "worker")) ?? undefined,
    async logins(tenant) {
      const [rate, slowedAt] = await redis.hmget(keys.loginRate(tenant), "rate", "slowedAt");
      return rate ? { perSecond: Number(rate), ...(slowedAt && { slowedAt: Number(slowedAt) }) } : undefined;
    },
    letters: new LetterDesk({
      clock,
      now: () => live.now(),
      jobs,
      all: (upTo) => lettersOf({ jobs, blobs, store, scrub, quarantined: () => quarantinedIn(live) }, upTo),
      scrub,
    }),
    async history(span, tenant) {
      const { stepMs, points } = historyRings[span];
      const [kept, marks] = await Promise.all([rings.read(span, tenant), historyMarks(activity, tenant, live.now() - stepMs * points)]);
      return historyColumns(span, kept, marks, live.now());
    },
    activity: (question) => activity.read(question),
    discarded: async () => [],
    proof: async () => undefined,
    strip: async () => undefined,
  };
  return {
    sources,
    access,
    live,
    activity,
    reader,
    inspect: () => inspectRedis(redis),
    async close() {
      live.close();
      await settlesWithin(
        clock,
        closeMs,
        queue.close().catch(() => undefined),
      );
      redis.disconnect();
    },
  };
}

function* quarantinedIn({ memory }: LiveFleet): Generator<MailboxRef> {
  for (const mailbox of memory.mailboxes()) if (mailbox.ledger.quarantined > 0) yield mailbox;
}

async function problemsOf(redis: Awaited<ReturnType<typeof connectRedis>>): Promise<readonly string[]> {
  const { problems, troubles } = await inspectRedis(redis);
  return [...problems, ...troubles];
}
