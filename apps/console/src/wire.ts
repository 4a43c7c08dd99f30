import { openBlobStore } from "@mailfleet/blobs";
import {
  type Clock,
  decideIntake,
  describeIntake,
  idleLanes,
  fullest,
  mailboxId,
  type MailboxRef,
  sharded,
  shareOfMarks,
  sumLoads,
} from "@mailfleet/core";
import { historyColumns, historyRings } from "@mailfleet/core/console";
import { forgetFailures, openTenantBook } from "@mailfleet/entra";
import {
  createIntakeWatch,
  createMailboxDesk,
  openDeadLetters,
  openMessagesQueue,
  openQueuesToLookAt,
  openReissue,
  readDownstream,
  shardedDesk,
  shardedLetters,
  shardedReissue,
} from "@mailfleet/queue";
import type { RoleStart } from "@mailfleet/role";
import { programVersion, settlesWithin, systemChance } from "@mailfleet/runtime";
import {
  closeShards,
  createActivityLog,
  createCredentialNotes,
  createDiscardLists,
  createFleetChanges,
  createFleetReader,
  createHistoryRings,
  createMailboxStore,
  createStateStrips,
  createTokenCache,
  inspectRedis,
  inspectShards,
  type OpenShard,
  shardedReader,
  shardedStore,
} from "@mailfleet/store";
import type { ActionPorts } from "./actions/action-ports.ts";
import { createChecks } from "./checks/checks.ts";
import { CheckSlots } from "./checks/check-slots.ts";
import { lastProofs } from "./checks/last-proofs.ts";
import { FleetHistory, historyMarks } from "./fleet/fleet-history.ts";
import { LiveFleet } from "./fleet/live-fleet.ts";
import { StripScribe } from "./fleet/strip-scribe.ts";
import { Access } from "./http/access.ts";
import { LetterDesk } from "./letters/letter-desk.ts";
import { lettersOf } from "./letters/letter-source.ts";
import { replayStored } from "./letters/replay-stored.ts";
import type { PageSources } from "./pages/page-sources.ts";
import { findSandbox } from "./sandbox/find-sandbox.ts";
import { SandboxDesk } from "./sandbox/sandbox-desk.ts";

export interface WireOptions extends Pick<RoleStart, "config" | "shards" | "log" | "scrub" | "hide" | "env" | "warnings"> {
  readonly clock: Clock;
  /** What printed commands need besides. */
  readonly options: string;
  /** Where the sandbox's files are, where the fleet is the sandbox. */
  readonly sandboxDir?: string;
}

/** Closing a queue waits for Redis, which may not answer. */
const closeMs = 500;

/** What pages and actions are made from. @throws SyncError CONFIG_INVALID */
export async function wireConsole({ config, shards, log, scrub, hide, clock, env, options, sandboxDir, warnings }: WireOptions) {
  const home = sharded(shards);
  const [{ redis, keys }] = shards as readonly [OpenShard, ...OpenShard[]];
  const reader = shardedReader(shards.map((shard) => createFleetReader(shard.redis, shard.keys)));
  const queues = shards.map((shard) => openMessagesQueue({ connection: shard.connection, keys: shard.keys, log }));
  // Each shard's queue carries its scripts.
  const eachShard = async <Part>(make: (shard: OpenShard, queue: (typeof queues)[number]) => Promise<Part>) =>
    sharded(await Promise.all(shards.map((shard, i) => make(shard, queues[i] as (typeof queues)[number]))));
  const letters = await eachShard((shard, queue) => openDeadLetters(queue, shard.keys));
  const jobs = shards.length === 1 ? letters.of("") : shardedLetters(letters);
  const blobs = openBlobStore(config.blobs, { clock, chance: systemChance });
  const stores = shards.map((shard) =>
    createMailboxStore({ redis: shard.redis, keys: shard.keys, clock, chance: systemChance, log, worker: "console" }),
  );
  const store = shardedStore(sharded(stores));
  const book = await openTenantBook({ tenants: config.tenants, env, clock, log, hide });
  const notes = createCredentialNotes(redis, keys);
  const activity = createActivityLog(redis, keys);
  const discards = createDiscardLists(shards);
  const rings = createHistoryRings(redis, keys);
  const shardMarks = shareOfMarks(config.downstream, shards.length);
  const readLoads = async () =>
    Promise.all(shards.map(async (shard) => readDownstream(shard.redis, shard.keys, await problemsOf(shard.redis))));
  const readLoad = async () => sumLoads(await readLoads());
  const access = new Access({
    rule: config.console.auth,
    isReadOnly: config.console.readOnly,
    clock,
  });

  const live: LiveFleet = new LiveFleet({
    clock,
    log,
    freshWithinMs: config.sync.freshWithinSeconds * 1_000,
    options,
    changes: shards.map((shard) => createFleetChanges(shard.redis, shard.keys)),
    async readSide() {
      await book.look();
      const [loads, newestLetterAt, processes, servedAt] = await Promise.all([
        readLoads(),
        jobs.newestAt(),
        reader.processes(),
        reader.lanesServed(),
      ]);
      // Of several shards the words are about the one that is held back most.
      const most = fullest(loads.map((load) => ({ load, ...decideIntake(load, shardMarks) })));
      const words = describeIntake(most, most.load, shardMarks, live.now());
      const ends = book
        .tenants()
        .flatMap(({ alias, credential: { expiresAt } }) => (expiresAt === undefined ? [] : [[alias, expiresAt] as const]));
      const idle = idleLanes(processes, servedAt, live.now());
      return { failed: sumLoads(loads).failed, newestLetterAt, expiresAt: new Map(ends), idle, ...(words && { intake: words }) };
    },
    onLook(memory, at) {
      history.note(memory, at);
      strips.note(memory, at);
    },
  });
  const history = new FleetHistory({ rings, activity, id: live.process, log });
  const stripsOf = sharded(shards.map((shard) => createStateStrips(shard.redis, shard.keys)));
  const strips = new StripScribe({ rings, id: live.process, log, stripsOf: (tenant) => stripsOf.of(tenant) });

  const version = programVersion(new URL("../package.json", import.meta.url));
  const openSandbox = findSandbox(config, sandboxDir);
  const sandbox =
    openSandbox &&
    new SandboxDesk({
      open: openSandbox,
      activity,
      tenants: Object.keys(config.tenants),
      mailboxesOf: (alias) => [...live.memory.mailboxes()].flatMap(({ tenant, address }) => (tenant === alias ? [address] : [])).sort(),
      options,
    });
  const sources: PageSources = {
    config,
    clock,
    live,
    access,
    version,
    sandbox,
    options,
    processes: () => reader.processes(),
    load: readLoad,
    tenants: () => book.tenants(),
    notes: () => notes.read(),
    async redis() {
      const [{ version: redisVersion, problems, troubles }, infos] = [await inspectShards(shards), await memoryOfServers(shards)];
      const sum = (name: string): number =>
        infos.reduce((all, info) => all + Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0), 0);
      const limit = sum("maxmemory");
      return { version: redisVersion, used: sum("used_memory"), ...(limit > 0 && { limit }), problems: [...problems, ...troubles] };
    },
    mailbox: (mailbox) => store.load(mailbox),
    async worker(mailbox) {
      const shard = home.of(mailbox.tenant);
      return (await shard.redis.hget(shard.keys.mailbox(mailboxId(mailbox)), "worker")) ?? undefined;
    },
    async logins(tenant) {
      const shard = home.of(tenant);
      const [rate, slowedAt] = await shard.redis.hmget(shard.keys.loginRate(tenant), "rate", "slowedAt");
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
    discarded: () => discards.list(live.now()),
    proof: lastProofs(config.dataDir),
    strip: (mailbox) => strips.read({ id: mailboxId(mailbox), tenant: mailbox.tenant }, live.now()),
  };
  const stopping = new AbortController();
  const desk = shardedDesk(await eachShard((shard, queue) => createMailboxDesk({ queue, keys: shard.keys, clock })));
  const reissue = shardedReissue(await eachShard((_shard, queue) => openReissue(queue, clock)));
  const intakes = shards.map((shard) => createIntakeWatch({ redis: shard.redis, keys: shard.keys, clock, marks: shardMarks }));
  const tokens = createTokenCache(redis, keys);
  const actions: ActionPorts = {
    clock,
    log,
    live,
    desk,
    jobs,
    letters: sources.letters,
    blobs,
    activity,
    discards,
    checks: config.console.checks ? createChecks({ config, env, warnings, store, clock, version, options, scrub }) : undefined,
    slots: new CheckSlots(),
    scrub,
    options,
    async forgetTokenFailures(tenants) {
      for (const alias of tenants) {
        // One that left the configuration has no token to try.
        const tenant = Object.hasOwn(config.tenants, alias) ? book.tenant(alias) : undefined;
        if (tenant) await forgetFailures(tenant, tokens);
      }
    },
    replay: (mailbox, choice) => replayStored({ clock, blobs, store, reissue, intakes }, mailbox, choice, stopping.signal),
  };
  return {
    sources,
    actions,
    access,
    live,
    activity,
    reader,
    inspect: () => inspectShards(shards),
    queuesToLookAt: () => shards.map((shard) => openQueuesToLookAt({ connection: shard.connection, keys: shard.keys, log })),
    async close() {
      live.close();
      stopping.abort(new Error("the console stops"));
      await settlesWithin(clock, closeMs, strips.flush());
      await settlesWithin(clock, closeMs, Promise.allSettled(queues.map((queue) => queue.close())));
      closeShards(shards);
    },
  };
}

function* quarantinedIn({ memory }: LiveFleet): Generator<MailboxRef> {
  for (const mailbox of memory.mailboxes()) if (mailbox.ledger.quarantined > 0) yield mailbox;
}

/** Shards that are at one server have one memory. */
async function memoryOfServers(shards: readonly OpenShard[]): Promise<readonly string[]> {
  const infos = await Promise.all(shards.map(({ redis }) => redis.info()));
  return [...new Map(infos.map((info) => [/^run_id:(\w+)/m.exec(info)?.[1] ?? "", info])).values()];
}

async function problemsOf(redis: OpenShard["redis"]): Promise<readonly string[]> {
  const { problems, troubles } = await inspectRedis(redis);
  return [...problems, ...troubles];
}
