import type { Redis } from "ioredis";
import { mailboxId, type MailboxRef, type RedisKeys } from "@mailfleet/core";
import { registerScript } from "./scripts.ts";

export interface RegisterCounts {
  readonly added: number;
  readonly changed: number;
  readonly same: number;
}

/** Which mailboxes exist. Configuration and `mailboxes add` put them here; workers refuse any other. */
export interface MailboxRegistry {
  /**
   * @param spreadMs new mailboxes begin spread over this time, so that ten thousand do not log in at once
   * @param fromMs when the first of them begins, for a list that comes in parts
   */
  register(mailboxes: readonly MailboxRef[], spreadMs: number, fromMs?: number): Promise<RegisterCounts>;
  find(id: string): Promise<MailboxRef | undefined>;
  list(tenant?: string): Promise<readonly MailboxRef[]>;
  /** All of them in parts, in no order, some perhaps twice: for a million, which one list would not hold. */
  scan(): AsyncGenerator<readonly MailboxRef[]>;
}

export function createMailboxRegistry(redis: Redis, keys: RedisKeys): MailboxRegistry {
  const readMany = async (ids: readonly string[]): Promise<MailboxRef[]> => {
    const found: MailboxRef[] = [];
    for (let i = 0; i < ids.length; i += 1_000) {
      const pipeline = redis.pipeline();
      for (const id of ids.slice(i, i + 1_000)) pipeline.hmget(keys.mailbox(id), "tenant", "address", "protocol");
      for (const [error, fields] of (await pipeline.exec()) ?? []) {
        if (error) throw error;
        const mailbox = toRef(fields as (string | null)[]);
        if (mailbox) found.push(mailbox);
      }
    }
    return found;
  };
  return {
    async register(mailboxes, spreadMs, fromMs = 0) {
      const counts = { added: 0, changed: 0, same: 0 };
      for (let i = 0; i < mailboxes.length; i += 500) {
        const pipeline = redis.pipeline();
        for (const [j, mailbox] of mailboxes.slice(i, i + 500).entries()) {
          const id = mailboxId(mailbox);
          pipeline.eval(
            registerScript,
            8,
            keys.mailboxes,
            keys.tenants,
            keys.mailbox(id),
            keys.due("fresh", mailbox.tenant),
            keys.checkpoints(id),
            keys.tenantLedger(mailbox.tenant),
            keys.fleetLedger,
            keys.tenantsDue("fresh"),
            id,
            mailbox.tenant,
            mailbox.address,
            mailbox.protocol,
            Math.floor(fromMs + (spreadMs * (i + j)) / mailboxes.length),
          );
        }
        for (const [error, answer] of (await pipeline.exec()) ?? []) {
          if (error) throw error;
          counts[answer as keyof RegisterCounts]++;
        }
      }
      return counts;
    },

    async find(id) {
      return (await readMany([id]))[0];
    },

    async list(tenant) {
      const ids = (await redis.smembers(keys.mailboxes)).filter((id) => tenant === undefined || id.startsWith(`${tenant}/`)).sort();
      return readMany(ids);
    },

    async *scan() {
      for await (const ids of redis.sscanStream(keys.mailboxes, { count: 1_000 }) as AsyncIterable<string[]>) yield await readMany(ids);
    },
  };
}

function toRef(fields: readonly (string | null)[]): MailboxRef | undefined {
  const [tenant, address, protocol] = fields;
  if (!tenant || !address || (protocol !== "imap" && protocol !== "pop3")) return undefined;
  return { tenant, address, protocol };
}
