import type { Config } from "@mailfleet/config";
import {
  type Clock,
  describeIntake,
  type DownstreamMarks,
  intakeSentence,
  type Lane,
  type LaneIntake,
  limits,
  type Log,
  mailboxId,
  type MailboxRef,
  redisErrorWord,
  shardOf,
  shareOfMarks,
} from "@mailfleet/core";
import type { HoldTeller, IntakeWatch, SyncQueues, Watched } from "@mailfleet/queue";
import type { DueIndex, FleetReader, MailboxRegistry, TenantLimits } from "@mailfleet/store";
import type { ProducerSigns } from "./show-metrics.ts";
import { createLoginTeller, tenantLimits, tooManyLogins } from "./tenant-limits.ts";

/** What a producer has of one shard. */
export interface ProducerShard {
  /** From 1. */
  readonly number: number;
  readonly queues: SyncQueues;
  readonly intake: IntakeWatch;
  /** Why its Redis may not be used as it is set up now; none where it may. */
  readonly inspect: () => Promise<readonly string[]>;
  readonly due: DueIndex;
  readonly teller: HoldTeller;
}

export interface ProducerParts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly name: string;
  readonly shards: readonly ProducerShard[];
  /** Over all shards. */
  readonly registry: MailboxRegistry;
  /** Of the fleet's processes. */
  readonly reader: Pick<FleetReader, "heartbeat" | "processes" | "goodbye">;
  readonly signal: AbortSignal;
  readonly onReady: () => void;
  readonly signs: ProducerSigns;
}

/** From the beginning of one round to that of the next: new mail waits for half of it. */
const roundMs = 100;
/** Between two rounds at least, where Redis takes so long for one. */
const restMs = 20;
const heartbeatMs = 10_000;
/** Consumers are told of the mailboxes of a parked tenant this often. */
const tellMs = 1_000;
/** The sync queues stay this many times as long as there are slots: long enough to never idle, short enough to stay fair. */
const depthPerSlot = 2;
const leastDepth = 16;
/** New mailboxes begin spread over this, per mailbox, so that a large import does not log in all at once. */
const spreadPerMailboxMs = 5;
const spreadFrom = 500;

/** Moves due mailboxes into the sync queues, until aborted. Any number of producers may do so at once. */
export async function runProducer(parts: ProducerParts): Promise<void> {
  const { config, log } = parts;
  const mailboxes = Object.values(config.tenants).flatMap((tenant) =>
    tenant.mailboxes.map((mailbox): MailboxRef => ({ tenant: tenant.alias, address: mailbox.address, protocol: mailbox.protocol })),
  );
  const spreadMs = mailboxes.length > spreadFrom ? mailboxes.length * spreadPerMailboxMs : 0;
  const counts = await parts.registry.register(mailboxes, spreadMs);
  log.info(counts, "mailboxes of the configuration registered");
  const registered = await parts.registry.list();
  warnOfOthers(log, config, othersThan(mailboxes, registered));
  const limitsOf = tenantLimits(config);
  const tellLogins = createLoginTeller(log);
  tellLogins(tooManyLogins(config, registered, limitsOf));
  parts.onReady();

  /** Of all workers; what was read last, while the first shard is away. */
  const slots = { count: leastDepth };
  const tenantsIn = countTenants(registered, parts.shards.length);
  const perHost = (shard: ProducerShard): number => shareOfHost(config.sync.perHostInFlight, tenantsIn, shard.number);
  await Promise.all(parts.shards.map((shard) => serveShard(parts, shard, { limitsOf, slots, perHost: perHost(shard) })));
  await parts.reader.goodbye(parts.name).catch(() => undefined);
}

interface ShardOrders {
  readonly limitsOf: (tenant: string) => TenantLimits;
  /** Mailboxes that all workers have in work at once. */
  readonly slots: { count: number };
  readonly perHost: number;
}

/** The rounds of one shard, until aborted; a server that does not answer stops those of its shards and no others. */
async function serveShard(parts: ProducerParts, shard: ProducerShard, orders: ShardOrders): Promise<void> {
  const { config, clock, signal } = parts;
  const { slots } = orders;
  const isFirst = shard.number === 1;
  const log = parts.shards.length === 1 ? parts.log : withShard(parts.log, shard.number);
  let beatAt = 0;
  let tellAt = 0;
  const marks = shareOfMarks(config.downstream, parts.shards.length);
  const tellIntake = createIntakeTeller(log, marks);
  let lastCode = "";
  while (!signal.aborted) {
    const begunAt = clock.monotonic();
    try {
      if (clock.monotonic() >= beatAt) {
        beatAt = clock.monotonic() + heartbeatMs;
        // Before the heartbeat, which a Redis in trouble may refuse.
        const problems = await shard.inspect();
        shard.intake.noteProblems(problems);
        parts.signs.noteProblems(shard.number, problems);
        tellIntake(await shard.intake.look(), clock.now());
        if (isFirst) await parts.reader.heartbeat({ id: parts.name, role: "producer", concurrency: 0 });
        await shard.due.survey();
        if (isFirst) slots.count = (await parts.reader.processes()).reduce((sum, one) => sum + one.concurrency, 0);
      }
      const watched = await shard.intake.look();
      tellIntake(watched, clock.now());
      await fill(parts, shard, orders, "fresh", watched.intake.lanes.fresh);
      await fill(parts, shard, orders, "backfill", watched.intake.lanes.backfill);
      if (clock.monotonic() >= tellAt) {
        // At once again while there is more to tell.
        const told = await shard.teller.tell();
        if (told < limits.tellChunk) tellAt = clock.monotonic() + tellMs;
        if (told > 0) log.info({ mailboxes: told }, "consumers were told of mailboxes of a parked tenant");
      }
      lastCode = "";
      parts.signs.roundEnded(true);
    } catch (error) {
      const word = redisErrorWord(error);
      const code = word === "no answer" && error instanceof Error ? error.name : word;
      if (code !== lastCode) log.error({ code, err: error }, "a round of the producer failed, the next one tries again");
      lastCode = code;
      parts.signs.roundEnded(false);
    }
    await clock.sleep(Math.max(restMs, roundMs - (clock.monotonic() - begunAt)), signal).catch(() => undefined);
  }
}

function withShard(log: Log, shard: number): Log {
  return {
    debug: (fields, message) => log.debug({ shard, ...fields }, message),
    info: (fields, message) => log.info({ shard, ...fields }, message),
    warn: (fields, message) => log.warn({ shard, ...fields }, message),
    error: (fields, message) => log.error({ shard, ...fields }, message),
  };
}

/** How many tenants each shard has, from the first on. */
function countTenants(mailboxes: readonly MailboxRef[], shards: number): readonly number[] {
  const counts = Array.from({ length: shards }, () => 0);
  for (const tenant of new Set(mailboxes.map((mailbox) => mailbox.tenant))) {
    const at = shardOf(tenant, shards) - 1;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/** What is bounded for a mail server that the tenants of all shards share is dealt to the shards by their tenants. */
export function shareOfHost(perHost: number, tenantsIn: readonly number[], shard: number): number {
  const all = tenantsIn.reduce((sum, count) => sum + count, 0);
  if (tenantsIn.length === 1 || all === 0) return perHost;
  return Math.max(1, Math.ceil((perHost * (tenantsIn[shard - 1] ?? 0)) / all));
}

/** The registered mailboxes that are none of these. The registry does not know who put a mailbox there. */
export function othersThan(configured: readonly MailboxRef[], registered: readonly MailboxRef[]): readonly MailboxRef[] {
  const ids = new Set(configured.map(mailboxId));
  return registered.filter((mailbox) => !ids.has(mailboxId(mailbox)));
}

const shownAddresses = 5;

/** Those of a tenant that left the configuration are parked by the worker, which says so itself. */
function warnOfOthers(log: Log, config: Config, others: readonly MailboxRef[]): void {
  const read = others.filter(({ tenant }) => Object.hasOwn(config.tenants, tenant));
  if (read.length === 0) return;
  log.warn(
    { count: read.length, mailboxes: read.slice(0, shownAddresses).map(({ address }) => address) },
    "mailboxes that are not in the configuration are registered, and are read: they were added by the command line, or left the configuration",
  );
}

async function fill(
  parts: ProducerParts,
  { queues, due }: ProducerShard,
  { limitsOf, slots, perHost }: ShardOrders,
  lane: Lane,
  { state, inFlight }: LaneIntake,
): Promise<void> {
  if (state === "closed") return;
  const room = Math.max(leastDepth, slots.count * depthPerSlot) - (await queues.waiting(lane));
  if (room <= 0) return;
  const { perTenantInFlight: perTenant } = parts.config.sync;
  const mailboxes = await due.take({ lane, count: room, perTenant, perHost, limitsOf, ...(inFlight !== undefined && { inAll: inFlight }) });
  if (mailboxes.length > 0) await queues.add(lane, mailboxes);
}

/** Says when intake is held back, for what, and when it goes on; not again while nothing about that changes. */
export function createIntakeTeller(log: Log, marks: DownstreamMarks): (watched: Watched, now: number) => void {
  let last = "";
  return ({ intake, load }, now) => {
    const { fresh, backfill } = intake.lanes;
    const words = describeIntake(intake, load, marks, now);
    const told = words === undefined ? "" : `${words.code} ${fresh.state} ${backfill.state}`;
    if (told === last) return;
    last = told;
    const { waiting, active, delayed, failed } = load;
    const fields = { waiting, active, delayed, failed, limit: marks.highWater, fresh: fresh.state, backfill: backfill.state };
    if (words === undefined) log.info(fields, "consumers caught up: everything comes in again");
    else log.warn({ code: words.code, ...fields, do: words.youCan }, intakeSentence(words));
  };
}
