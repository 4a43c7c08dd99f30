import type { Redis } from "ioredis";
import {
  type Cause,
  emptyLedger,
  type FolderLedger,
  type Lane,
  lanes,
  type LanesServedAt,
  limits,
  type OperatorPark,
  type Protocol,
  type RedisKeys,
  taxonomy,
  type TenantHold,
} from "@mailfleet/core";
import { readHolds } from "./holds.ts";
import { parseCause } from "./parse-cause.ts";

/** What Redis knows of one mailbox, for status, the panel and `--once`. Times are epoch ms by Redis' clock. */
export interface MailboxRecord {
  readonly id: string;
  readonly tenant: string;
  readonly address: string;
  readonly protocol: Protocol;
  readonly checkedAt?: number;
  readonly nextAt?: number;
  readonly cause?: Cause;
  /** An operator stopped it, and only an operator starts it again. */
  readonly parkedBy?: OperatorPark;
  readonly isSyncing: boolean;
  /** Backfill is not finished. */
  readonly hasHistory: boolean;
  readonly ledger: FolderLedger;
}

export interface ProcessRecord {
  readonly id: string;
  readonly role: string;
  readonly seenAt: number;
  readonly concurrency: number;
  /** A worker: what it serves. Absent in those of an earlier version, which serve both. */
  readonly lanes?: readonly Lane[];
  /** Sentences: what is wrong with the machine it runs on. */
  readonly troubles?: readonly string[];
  /** A worker that pushes: how many mailboxes of the fleet are to be pushed, and how many it is connected to. */
  readonly push?: { readonly chosen: number; readonly connected: number };
}

export interface FleetReader {
  now(): Promise<number>;
  mailboxes(): Promise<readonly MailboxRecord[]>;
  fleetLedger(): Promise<FolderLedger>;
  tenantLedgers(): Promise<ReadonlyMap<string, FolderLedger>>;
  /** Roles that reported within the last 30 s. */
  processes(): Promise<readonly ProcessRecord[]>;
  lanesServed(): Promise<LanesServedAt>;
  heartbeat(record: Omit<ProcessRecord, "seenAt">): Promise<void>;
  goodbye(id: string): Promise<void>;
}

export const recordFields = [
  "tenant",
  "address",
  "protocol",
  "checkedAt",
  "nextAt",
  "cause",
  "parkedBy",
  "workingUntil",
  "history",
  "l",
  "h",
  "e",
  "q",
  "t",
] as const;

/**
 * KEYS processes ; ARGV id, its record, now, ms for which a heartbeat is believed
 * Notes that a process lives, and forgets those that are believed no more: one that was killed says no goodbye, and where machines come and
 * go each has a new name.
 */
const heartbeatScript = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local isRead, record = pcall(cjson.decode, all[i + 1])
  local seenAt = isRead and type(record) == 'table' and tonumber(record.seenAt)
  if not seenAt or tonumber(ARGV[3]) - seenAt >= tonumber(ARGV[4]) then redis.call('HDEL', KEYS[1], all[i]) end
end
return redis.call('HLEN', KEYS[1])`;

export function createFleetReader(redis: Redis, keys: RedisKeys): FleetReader {
  const now = async (): Promise<number> => {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  };
  const readLedger = async (key: string): Promise<FolderLedger> => toLedger(await redis.hmget(key, "l", "h", "e", "q", "t"));
  return {
    now,
    fleetLedger: () => readLedger(keys.fleetLedger),

    async tenantLedgers() {
      const tenants = (await redis.smembers(keys.tenants)).sort();
      return new Map(await Promise.all(tenants.map(async (tenant) => [tenant, await readLedger(keys.tenantLedger(tenant))] as const)));
    },

    async mailboxes() {
      const at = await now();
      const held = await readHolds(redis, keys);
      const ids = (await redis.smembers(keys.mailboxes)).sort();
      const records: MailboxRecord[] = [];
      for (let i = 0; i < ids.length; i += 1_000) {
        const some = ids.slice(i, i + 1_000);
        const pipeline = redis.pipeline();
        for (const id of some) pipeline.hmget(keys.mailbox(id), ...recordFields);
        for (const [j, [error, values]] of ((await pipeline.exec()) ?? []).entries()) {
          if (error) throw error;
          const record = toRecord(some[j] as string, values as (string | null)[], at);
          if (record) records.push(withTenantCause(record, held.get(record.tenant)));
        }
      }
      return records;
    },

    async processes() {
      const at = await now();
      const all = Object.entries(await redis.hgetall(keys.processes)).map(([id, text]) => ({
        id,
        ...(JSON.parse(text) as Omit<ProcessRecord, "id">),
      }));
      return all.filter((record) => at - record.seenAt < limits.aliveMs);
    },

    async heartbeat({ id, ...record }) {
      const seenAt = await now();
      // Of a lane that it does not serve it is known from its first heartbeat on that nobody may.
      const served = record.lanes;
      const marks =
        served === undefined
          ? []
          : lanes.map((lane) =>
              served.includes(lane) ? redis.hset(keys.lanesServed, lane, seenAt) : redis.hsetnx(keys.lanesServed, lane, seenAt),
            );
      const text = JSON.stringify({ ...record, seenAt });
      await Promise.all([redis.eval(heartbeatScript, 1, keys.processes, id, text, seenAt, limits.aliveMs), ...marks]);
    },

    async lanesServed() {
      const values = await redis.hmget(keys.lanesServed, ...lanes);
      return Object.fromEntries(lanes.flatMap((lane, i) => (values[i] ? [[lane, Number(values[i])]] : [])));
    },

    async goodbye(id) {
      await redis.hdel(keys.processes, id);
    },
  };
}

/** @param values in the order of `recordFields`; more may follow */
export function toRecord(id: string, values: readonly (string | null)[], at: number): MailboxRecord | undefined {
  const [tenant, address, protocol, checkedAt, nextAt, cause, parkedBy, workingUntil, history, ...ledger] = values;
  if (!tenant || !address) return undefined;
  const parsedCause = parseCause(cause ?? undefined);
  const park = parsePark(parkedBy ?? undefined);
  return {
    id,
    tenant,
    address,
    protocol: protocol === "pop3" ? "pop3" : "imap",
    ...(checkedAt && { checkedAt: Number(checkedAt) }),
    ...(nextAt && { nextAt: Number(nextAt) }),
    ...(parsedCause && { cause: parsedCause }),
    ...(park && { parkedBy: park }),
    isSyncing: workingUntil !== null && Number(workingUntil) > at,
    hasHistory: history === "1",
    ledger: toLedger(ledger),
  };
}

/**
 * What the tenant is held for stands before the mailbox's own cause. What is left of it at a mailbox after the tenant went on, so that
 * consumers are told the end, stops the mailbox no more.
 */
export function withTenantCause<Known extends MailboxRecord>(record: Known, hold: TenantHold | undefined): Known {
  if (hold) return { ...record, cause: hold.cause, nextAt: hold.cause.nextAt };
  if (record.cause?.told === undefined || taxonomy[record.cause.code].scope !== "tenant") return record;
  const { cause: _over, ...rest } = record;
  // Nothing that a kind of record has may depend on the cause's being there: it is optional in all of them.
  return rest as Known;
}

function toLedger(values: readonly (string | null | undefined)[]): FolderLedger {
  const [listed, handedOff, excluded, quarantined, toDo] = values.map((value) => Number(value ?? 0));
  if (listed === undefined || handedOff === undefined || excluded === undefined || quarantined === undefined || toDo === undefined) {
    return emptyLedger;
  }
  return { listed, handedOff, excluded, quarantined, toDo };
}

/** One that cannot be read still stops its mailbox, and says so. */
function parsePark(text: string | undefined): OperatorPark | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as OperatorPark;
  } catch {
    return { name: "an operator", at: 0 };
  }
}
