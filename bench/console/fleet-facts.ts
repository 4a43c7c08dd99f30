import type { Redis } from "ioredis";
import { type Cause, mailboxId, type MailboxRef, type RedisKeys } from "@mailfleet/core";
import { createMailboxRegistry } from "@mailfleet/store";

export interface FactsOptions {
  readonly redis: Redis;
  readonly keys: RedisKeys;
  readonly mailboxes: number;
  readonly tenants: number;
}

export interface KnownFleet {
  readonly refs: readonly MailboxRef[];
  /** Says of so many mailboxes, in turn, that they were checked now, as workers do. */
  check(count: number): Promise<void>;
}

/** sync.pollSeconds: how far the ages of checks are spread, and the next ones ahead. */
const pollMs = 300_000;
const pageSize = 1_000;
/** Of ten thousand: parked for an expired secret, and waiting for a server that throttles. */
const [parkedShare, waitingShare] = [0.004, 0.003];

/** A fleet as workers leave it in Redis, without anybody working on it. */
export async function fillFleet({ redis, keys, mailboxes, tenants }: FactsOptions): Promise<KnownFleet> {
  const refs = Array.from({ length: mailboxes }, (_, i): MailboxRef => {
    const tenant = `tenant-${(i % tenants) + 1}`;
    return { tenant, address: `person-${String(i).padStart(6, "0")}@${tenant}.example`, protocol: i % 10 === 0 ? "pop3" : "imap" };
  });
  await createMailboxRegistry(redis, keys).register(refs, 0);
  const [seconds] = await redis.time();
  const now = Number(seconds) * 1_000;
  for (let start = 0; start < refs.length; start += pageSize) {
    const pipeline = redis.pipeline();
    for (const [j, ref] of refs.slice(start, start + pageSize).entries()) {
      const i = start + j;
      const checkedAt = now - (i % pollMs);
      const nextAt = checkedAt + pollMs;
      const id = mailboxId(ref);
      pipeline.hset(keys.mailbox(id), {
        checkedAt,
        nextAt,
        opened: 1,
        l: 4_000,
        h: 3_960,
        e: 38,
        q: 1,
        t: 1,
        ...stopOf(i / mailboxes, nextAt),
      });
      pipeline.zadd(keys.due("fresh", ref.tenant), nextAt, id);
    }
    await pipeline.exec();
  }
  let turn = 0;
  return {
    refs,
    async check(count) {
      const at = Date.now();
      const pipeline = redis.pipeline();
      for (let n = 0; n < count; n++, turn++) {
        const ref = refs[turn % refs.length] as MailboxRef;
        const id = mailboxId(ref);
        pipeline.hset(keys.mailbox(id), { checkedAt: at, nextAt: at + pollMs });
        pipeline.zadd(keys.due("fresh", ref.tenant), at + pollMs, id);
      }
      await pipeline.exec();
    },
  };
}

function stopOf(share: number, nextAt: number): { readonly cause?: string } {
  const common = { text: "", since: nextAt - 2 * pollMs, tries: 2, nextAt };
  const parked: Cause = { ...common, code: "ENTRA_CREDENTIAL_EXPIRED", scope: "mailbox", state: "parked" };
  const waiting: Cause = { ...common, code: "SERVER_THROTTLED", scope: "mailbox", state: "waiting" };
  if (share < parkedShare) return { cause: JSON.stringify(parked) };
  return share < parkedShare + waitingShare ? { cause: JSON.stringify(waiting) } : {};
}
