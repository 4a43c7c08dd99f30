import type { Redis } from "ioredis";
import { type Clock, mailboxNames, type MailboxRef } from "@mailfleet/core";
import { parseInfo } from "./connection.ts";

/** A rewrite of some gigabytes takes as long; after that it goes on by itself, ms. */
const rewriteMs = 10 * 60_000;
const lookMs = 200;

/**
 * What a server keeps beside its keys: the slow log, and the append-only file, which holds every command until it is written anew. Rights for
 * either are often not given: what could not be done is answered as sentences, with the command that does it.
 */
export async function cleanRedis(
  redis: Redis,
  mailboxes: readonly MailboxRef[],
  clock: Pick<Clock, "sleep" | "monotonic">,
): Promise<readonly string[]> {
  const left: string[] = [];
  if (!(await clearSlowLog(redis, mailboxes)))
    left.push("Redis' slow log could not be looked at; it may hold commands that name the mailbox. Forget it: SLOWLOG RESET.");
  left.push(...(await rewriteFile(redis, clock)));
  return left;
}

/** The whole log, where an entry names one of them: Redis can not forget a single one. */
async function clearSlowLog(redis: Redis, mailboxes: readonly MailboxRef[]): Promise<boolean> {
  try {
    const text = JSON.stringify(await redis.slowlog("GET", 1_000));
    if (mailboxes.some((mailbox) => mailboxNames(mailbox).isNamedIn(text))) await redis.slowlog("RESET");
    return true;
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  }
}

async function rewriteFile(redis: Redis, clock: Pick<Clock, "sleep" | "monotonic">): Promise<string[]> {
  const until = clock.monotonic() + rewriteMs;
  const isRunning = async (): Promise<boolean> => {
    const info = parseInfo(await redis.info("persistence"));
    return info.get("aof_rewrite_in_progress") === "1" || info.get("aof_rewrite_scheduled") === "1";
  };
  const wait = async (): Promise<void> => {
    while (clock.monotonic() < until && (await isRunning())) await clock.sleep(lookMs);
  };
  try {
    // One that runs already began before the purge ended, and keeps what was there then.
    await wait();
    await redis.bgrewriteaof();
    await wait();
  } catch (error) {
    if (!isRefused(error)) throw error;
    return ["Redis' append-only file holds what was purged until it is rewritten, and this user may not do that: BGREWRITEAOF."];
  }
  const info = parseInfo(await redis.info("persistence"));
  if (await isRunning()) return ["Redis still rewrites its append-only file; until then the old one holds what was purged."];
  return info.get("aof_last_bgrewrite_status") === "ok"
    ? []
    : ["Redis could not rewrite its append-only file, which still holds what was purged. Look at its log, then: BGREWRITEAOF."];
}

/** NOPERM, and a server that does not know the command. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && /^(NOPERM|ERR unknown command|ERR (ACL|The user))/.test(error.message);
}
