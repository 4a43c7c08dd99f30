import type { Queue } from "bullmq";
import { Redis } from "ioredis";
import {
  type Commit,
  emptyLedger,
  type FolderCheckpoint,
  type HandOff,
  type Lease,
  type MailboxRef,
  type MailboxStore,
  type MailEvent,
  outgoing,
  redisKeys,
  type RedisKeys,
  Secret,
  startCheckpoint,
  uidSetOf,
} from "@mailfleet/core";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { createMailboxRegistry, createMailboxStore, redisOptions } from "@mailfleet/store";
import { fakeClock, seededChance, silentLog, uniqueName } from "@mailfleet/testkit";

export const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
export const id = "contoso/support@contoso.example";
export const clock = fakeClock();
export const chance = seededChance(7);

export interface Bench {
  redis: Redis;
  keys: RedisKeys;
  queue: Queue;
  store: MailboxStore;
  handOff: HandOff;
  lease: Lease;
  close(): Promise<void>;
}

/** @param held a lease of another connection to the same fleet, instead of one of its own */
export async function openBench(url: string, name = uniqueName("commit"), held?: Lease): Promise<Bench> {
  const keys = redisKeys(name);
  const { hostname, port, username, password } = new URL(url);
  const user = username === "" ? {} : { username, password: new Secret(password) };
  const connection = redisOptions({ host: hostname, port: Number(port || 6379), db: 0, tls: false, ...user });
  const redis = new Redis(url);
  const queue = openMessagesQueue({ connection, keys, log: silentLog });
  const store = createMailboxStore({ redis, keys, clock, chance, log: silentLog, worker: "test" });
  if (!held) await createMailboxRegistry(redis, keys).register([mailbox], 0);
  const lease = held ?? (await store.acquire(mailbox, "fresh"));
  if (!lease) throw new Error("somebody else works on the bench's mailbox");
  return {
    redis,
    keys,
    queue,
    store,
    lease,
    handOff: await createHandOff({ queue, keys, clock }),
    async close() {
      if (!held) lease.stop();
      await queue.close();
      redis.disconnect();
    },
  };
}

export function eventOf(uid: number, text = "hello"): MailEvent {
  return {
    schema: "mailfleet.event/1",
    type: "message.added",
    key: `contoso/support@contoso.example/INBOX/1.14/${uid}`,
    tenant: "contoso",
    mailbox: mailbox.address,
    protocol: "imap",
    at: "2026-11-23T14:03:22.000Z",
    lane: "fresh",
    folder: { path: "INBOX", role: "inbox" },
    uid,
    uidValidity: "14",
    flags: [],
    raw: { ref: "pack:x", sha256: "0".repeat(64), size: 5 },
    parser: { name: "mailparser", version: "3" },
    message: { references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [], headers: [], attachments: [], text },
  };
}

export function commitOf(bench: Bench, uids: readonly number[], over: Partial<Commit> = {}): Commit {
  const start = startCheckpoint({ uidValidity: "14", uidNext: 10, messages: 0 }, 1, false);
  const checkpoint: FolderCheckpoint = { ...start, uidNext: 100, handedOff: uidSetOf(uids) };
  return {
    id: chance.uuid(),
    lease: bench.lease,
    folder: "INBOX",
    expectedVersion: 0,
    checkpoint,
    ledger: { ...emptyLedger, listed: uids.length, handedOff: uids.length },
    events: uids.map((uid) => outgoing(eventOf(uid))),
    ...over,
  };
}

export async function everything(redis: Redis, keys: RedisKeys): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of (await redis.keys(`${keys.bullPrefix}*`)).sort()) found[key] = await redis.dump(key);
  return found;
}
