import type { Redis } from "ioredis";
import {
  type Clock,
  type FleetSignal,
  type FleetSignals,
  limits,
  type Log,
  mailboxId,
  type MailboxRef,
  parseMailboxId,
  readSignal,
  type RedisKeys,
  syncError,
} from "@mailfleet/core";
import { parseCause } from "./parse-cause.ts";
import { nowMs } from "./scripts.ts";

export interface SignalsOptions {
  /** For what is told and looked up; listening has a connection of its own. */
  readonly redis: Redis;
  readonly keys: RedisKeys;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningSignals extends FleetSignals {
  /** Resolves when the first subscription stands; what was missed before is in Redis. */
  readonly listening: Promise<void>;
  close(): void;
}

/** Keeps the listening connection from falling silent: one that is dead is noticed by that (F08). */
const pingMs = 10_000;
/** A tenant's hold counts a little longer than its time: its canary is being looked at then, and says how it goes on. */
const graceMs = limits.leaseMs;

/**
 * KEYS due(fresh), due(backfill) ; ARGV mailbox id, wait ms, channel, tenant, code
 * Nobody takes the mailbox before, and all workers are told. A user without the right to publish still moves its time.
 */
const announceScript = `${nowMs}
local untilMs = now + tonumber(ARGV[2])
for i = 1, 2 do redis.call('ZADD', KEYS[i], 'XX', 'GT', untilMs, ARGV[1]) end
redis.pcall('PUBLISH', ARGV[3], cjson.encode({ kind = 'hint', tenant = ARGV[4], mailbox = ARGV[1], untilMs = untilMs, code = ARGV[5] }))
return 1`;

interface Watch {
  readonly id: string;
  readonly isCanary: boolean;
  readonly controller: AbortController;
}

/** What was heard of one mailbox or tenant, by the local monotonic clock. */
interface Heard {
  readonly until: number;
  readonly at: number;
}

/** The fleet's signals over one channel of Redis. After a gap in listening, everything that runs is looked up. */
export function openSignals(options: SignalsOptions): RunningSignals {
  const { redis, keys, clock, log } = options;
  const watches = new Map<string, Set<Watch>>();
  const heard = new Map<string, Heard>();
  /** How far Redis' clock is ahead of ours. */
  let aheadMs = 0;
  let isLooking = false;

  const take = ({ kind, tenant, mailbox, untilMs }: Pick<FleetSignal, "kind" | "tenant" | "mailbox" | "untilMs">): void => {
    const name = mailbox ?? tenant;
    if (kind === "release") return void heard.delete(name);
    const waitMs = Math.min(limits.hintMaxMs, untilMs - (clock.now() + aheadMs));
    if (waitMs <= 0) return;
    const at = clock.monotonic();
    heard.set(name, { until: at + waitMs, at });
    for (const watch of watches.get(tenant) ?? []) {
      if (mailbox === undefined ? !watch.isCanary : watch.id === mailbox)
        watch.controller.abort(quiet(watch.id, mailbox === undefined ? undefined : waitMs));
    }
  };

  /** What is held now, for all that runs, and what is not held any more of what was heard. */
  const lookAgain = async (): Promise<void> => {
    const askedAt = clock.monotonic();
    const [seconds, micros] = await redis.time();
    aheadMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - clock.now();
    const running = [...watches].flatMap(([tenant, all]) => [...all].map(({ id }) => ({ tenant, id })));
    const tenants = [...new Set([...running.map(({ tenant }) => tenant), ...[...heard.keys()].filter(isTenant)])];
    const pipeline = redis.pipeline();
    for (const tenant of tenants) pipeline.hget(keys.hold(tenant), "nextAt");
    for (const { id } of running) pipeline.hget(keys.mailbox(id), "cause");
    const answers = ((await pipeline.exec()) ?? []).map(([, answer]) => (typeof answer === "string" ? answer : undefined));
    for (const [i, tenant] of tenants.entries()) {
      const nextAt = Number(answers[i]);
      // Its release was missed, and push would wait for the look that nobody takes. What was heard since Redis was asked is newer than its answer.
      if (!(nextAt > 0)) {
        if ((heard.get(tenant)?.at ?? askedAt) < askedAt) heard.delete(tenant);
      } else take({ kind: "hold", tenant, mailbox: undefined, untilMs: nextAt });
    }
    for (const [i, { tenant, id }] of running.entries()) {
      const cause = parseCause(answers[tenants.length + i]);
      if (cause?.code === "SERVER_THROTTLED") take({ kind: "hint", tenant, mailbox: id, untilMs: cause.nextAt });
    }
  };
  const look = (): void => {
    if (isLooking) return;
    isLooking = true;
    lookAgain()
      // The next gap, or the session's own end, finds it.
      .catch((error: unknown) => log.debug({ err: error }, "what runs could not be looked up after a gap in the signals"))
      .finally(() => (isLooking = false));
  };

  const listener = redis.duplicate();
  // The other connection says when Redis is away.
  listener.on("error", () => undefined);
  listener.on("message", (_channel: string, text: string) => {
    const signal = readSignal(text);
    if (signal) take(signal);
  });
  listener.on("ready", look);
  const listening = listener.subscribe(keys.signals).then(() => undefined);
  listening.catch(() => undefined);
  const timer = setInterval(() => {
    listener.ping().catch(() => undefined);
    for (const [name, { until }] of heard) if (until + graceMs <= clock.monotonic()) heard.delete(name);
  }, pingMs);
  timer.unref();

  return {
    listening,
    watch(mailbox, { isCanary = false } = {}) {
      const { tenant } = mailbox;
      const watch: Watch = { id: mailboxId(mailbox), isCanary, controller: new AbortController() };
      const all = watches.get(tenant) ?? new Set();
      watches.set(tenant, all.add(watch));
      const now = clock.monotonic();
      const justHeard = [heard.get(watch.id), isCanary ? undefined : heard.get(tenant)].find(
        (one) => one && now - one.at < limits.signalMs,
      );
      if (justHeard && justHeard.until > now)
        watch.controller.abort(quiet(watch.id, justHeard === heard.get(tenant) ? undefined : justHeard.until - now));
      return {
        signal: watch.controller.signal,
        stop() {
          all.delete(watch);
          if (all.size === 0 && watches.get(tenant) === all) watches.delete(tenant);
        },
      };
    },
    waitMs(mailbox) {
      const now = clock.monotonic();
      const mine = (heard.get(mailboxId(mailbox))?.until ?? 0) - now;
      const held = heard.get(mailbox.tenant);
      // Who pushes asks for none of a held tenant, and its hold may end long before the next look: nobody is to wait for that.
      const leftMs = held ? Math.min(held.until - now, limits.pushSurveyMs) : 0;
      const tenants = held && held.until + graceMs > now ? Math.max(leftMs, limits.pushRoundMs) : 0;
      return Math.max(0, mine, tenants);
    },
    announce(mailbox: MailboxRef, waitMs, code) {
      const { tenant } = mailbox;
      const id = mailboxId(mailbox);
      take({ kind: "hint", tenant, mailbox: id, untilMs: clock.now() + aheadMs + waitMs });
      const due = [keys.due("fresh", tenant), keys.due("backfill", tenant)];
      redis
        .eval(announceScript, 2, ...due, id, Math.round(Math.min(waitMs, limits.hintMaxMs)), keys.signals, tenant, code)
        .catch((error: unknown) => log.debug({ mailbox: id, err: error }, "a signal was not sent; others find out by themselves"));
    },
    close() {
      clearInterval(timer);
      listener.disconnect();
    },
  };
}

function isTenant(name: string): boolean {
  return parseMailboxId(name) === undefined;
}

/** @param waitMs absent where the tenant is held: nobody takes the mailbox then, and it is to be first when the tenant goes on */
function quiet(id: string, waitMs: number | undefined): Error {
  return syncError("INTERRUPTED", `Quiet is asked for ${id}. It goes on after that.`, {
    layer: "engine",
    ...(waitMs !== undefined && { hintMs: Math.max(limits.hintMinMs, Math.round(waitMs)) }),
  });
}
