import type { Redis } from "ioredis";
import {
  type Chance,
  type Clock,
  emptyLedger,
  isNewerCheckpoint,
  type FolderLedger,
  type Lease,
  limits,
  type Log,
  mailboxId,
  type MailboxState,
  type MailboxStore,
  redisRefusal,
  type RedisKeys,
  type StoredCheckpoint,
  packInHand,
  packSuspects,
  syncError,
  unpackCheckpoint,
  unpackHandNote,
  unpackListing,
  unpackPace,
  unpackRhythm,
} from "@mailfleet/core";
import { parseCause } from "./parse-cause.ts";
import { readHold } from "./holds.ts";
import { abandonScript, acquireScript, mailboxFacts, noteInHandScript, renewScript } from "./scripts.ts";
import { type RunScript, storedScript } from "./stored-script.ts";

export interface MailboxStoreOptions {
  readonly redis: Redis;
  readonly keys: RedisKeys;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Shown with the mailbox while this process works on it. */
  readonly worker: string;
}

/** How soon a mailbox that was busy is looked at again by the lane that found it so. */
const busyRetryMs = 2_000;

/** Leases and checkpoints of mailboxes, in Redis. */
export function createMailboxStore(options: MailboxStoreOptions): MailboxStore {
  const { redis, keys, chance, clock } = options;
  const take = storedScript(redis, "mailfleetAcquire", acquireScript);
  const renew = storedScript(redis, "mailfleetRenew", renewScript);
  const note = storedScript(redis, "mailfleetNoteInHand", noteInHandScript);
  return {
    async acquire(mailbox, lane) {
      const id = mailboxId(mailbox);
      // Before the question: Redis counts the lease's time from somewhere between it and the answer.
      const askedAt = clock.monotonic();
      const names = [
        keys.lease(id),
        keys.fence,
        keys.mailbox(id),
        keys.due(lane, mailbox.tenant),
        keys.inFlight(lane, mailbox.tenant),
        keys.hold(mailbox.tenant),
        keys.tenantsDue(lane),
        keys.checkpoints(id),
        keys.pushHeld,
      ];
      const answer = await ask(take(names, [id, chance.uuid(), limits.leaseMs, lane, busyRetryMs, options.worker]));
      if (answer === null) return undefined;
      const [token, hold, facts, checkpoints, pushed] = answer as [string, string[], (string | null)[], string[], number];
      const canary = readHold(toHash(hold));
      return holdLease(
        options,
        renew,
        { mailbox, lane, token, found: readState(toHash(checkpoints), facts, pushed), ...(canary && { canary }) },
        askedAt,
      );
    },

    async load(mailbox): Promise<MailboxState> {
      const id = mailboxId(mailbox);
      const [stored, facts, pushed] = await ask(
        Promise.all([
          redis.hgetall(keys.checkpoints(id)),
          redis.hmget(keys.mailbox(id), ...mailboxFacts),
          redis.hexists(keys.pushHeld, id),
        ]),
      );
      return readState(stored, facts, pushed);
    },

    async noteInHand({ mailbox, token }, { inHand, suspects }) {
      const id = mailboxId(mailbox);
      const words = [inHand === undefined ? "" : packInHand(inHand), suspects.length === 0 ? "" : packSuspects(suspects)];
      return (await ask(note([keys.lease(id), keys.mailbox(id)], [token, ...words]))) === 1;
    },
  };
}

/** @param facts of `mailboxFacts`, in their order. @param pushed 1 where a worker pushes the mailbox */
function readState(stored: Readonly<Record<string, string>>, facts: readonly (string | null)[], pushed: number): MailboxState {
  const [causeText, opened, inHand, suspects, paceText, protocolName, listingText, nextAtText, rhythmText] = facts.map(
    (one) => one ?? undefined,
  );
  const cause = parseCause(causeText);
  const pace = unpackPace(paceText);
  const protocol = protocolName === "imap" || protocolName === "pop3" ? protocolName : undefined;
  const listing = unpackListing(listingText);
  const nextAt = Number(nextAtText ?? Number.NaN);
  const rhythm = unpackRhythm(rhythmText);
  return {
    folders: new Map(Object.entries(stored).map(([folder, text]) => [folder, parseStored(text)])),
    opened: opened === "1",
    hand: unpackHandNote(inHand, suspects),
    ...(protocol && { protocol }),
    ...(cause && { cause }),
    ...(pace && { pace }),
    ...(listing && { listing }),
    ...(Number.isFinite(nextAt) && { nextAt }),
    ...(rhythm && { rhythm }),
    ...(pushed === 1 && { isPushed: true }),
  };
}

/** Foreign errors carry the whole command (T02) and no port knows them. */
async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw redisRefusal(error, "lease");
  }
}

/** Renews every 10 s; aborts when refused, or by the monotonic clock when no renewal succeeded for 20 s (F02, F03). */
function holdLease(
  options: MailboxStoreOptions,
  renewLease: RunScript,
  taken: Omit<Lease, "signal" | "isHeld" | "stop">,
  askedAt: number,
): Lease {
  const { redis, keys, clock, log } = options;
  const { mailbox, lane, token } = taken;
  const id = mailboxId(mailbox);
  const controller = new AbortController();
  const { tenant } = mailbox;
  const names = [
    keys.lease(id),
    keys.mailbox(id),
    keys.due(lane, tenant),
    keys.inFlight(lane, tenant),
    keys.hold(tenant),
    keys.tenantsDue(lane),
  ];
  let renewedAt = askedAt;
  const lose = (why: string): void => {
    clearInterval(timer);
    if (controller.signal.aborted) return;
    log.warn({ mailbox: id, why }, "lease lost, the session stops");
    controller.abort(
      syncError("LEASE_LOST", `The lease of ${id} is lost: ${why}. Another worker goes on; nothing of this batch was written.`, {
        layer: "engine",
        text: why,
      }),
    );
  };
  /** The monotonic clock decides, whenever somebody asks: after a stall the question may come before any timer. */
  const isHeld = (): boolean => {
    if (!controller.signal.aborted && clock.monotonic() - renewedAt >= limits.leaseSelfStopMs) {
      lose("it could not be renewed in time");
      // Behind the renewals that a frozen Redis may still carry out: else the mailbox would wait for them to run out.
      redis.eval(abandonScript, names.length, ...names, id, token).catch(() => undefined);
    }
    return !controller.signal.aborted;
  };
  const renew = async (): Promise<void> => {
    const startedAt = clock.monotonic();
    try {
      const renewed = await renewLease(names, [id, token, limits.leaseMs]);
      if (renewed === 1) renewedAt = startedAt;
      else lose("another session holds it, or an operator parked or removed the mailbox");
    } catch {
      // Redis is away: the self-stop above ends the session if that lasts.
    }
  };
  // Often enough to notice a pause of the process soon after it wakes, renewing only when it is time.
  const timer = setInterval(() => {
    if (isHeld() && clock.monotonic() - renewedAt >= limits.leaseRenewMs) void renew();
  }, 1_000);
  timer.unref();
  return { ...taken, signal: controller.signal, isHeld, stop: () => clearInterval(timer) };
}

/** Fields and values in turns, as Redis answers in a script. */
function toHash(words: readonly string[]): Record<string, string> {
  const hash: Record<string, string> = {};
  for (let i = 0; i + 1 < words.length; i += 2) hash[words[i] as string] = words[i + 1] as string;
  return hash;
}

/** `version LF commit id LF ledger LF checkpoint`, as the commit script writes it. */
function parseStored(text: string): StoredCheckpoint {
  const [version = "", , ledger = "", ...rest] = text.split("\n");
  const number = Number(version);
  const checkpoint = rest.join("\n");
  return {
    version: Number.isSafeInteger(number) && number > 0 ? number : 0,
    checkpoint: unpackCheckpoint(checkpoint),
    ...(isNewerCheckpoint(checkpoint) && { isNewer: true as const }),
    ledger: parseLedger(ledger),
  };
}

function parseLedger(text: string): FolderLedger {
  const numbers = text.split(" ").map(Number);
  if (numbers.length !== 5 || numbers.some((n) => !Number.isSafeInteger(n))) return emptyLedger;
  const [listed, handedOff, excluded, quarantined, toDo] = numbers as [number, number, number, number, number];
  return { listed, handedOff, excluded, quarantined, toDo };
}
