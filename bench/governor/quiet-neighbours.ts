import { redisKeys } from "@mailfleet/core";
import { followEvents, openMessagesQueue } from "@mailfleet/queue";
import { systemClock } from "@mailfleet/runtime";
import { createFleetReader } from "@mailfleet/store";
import { startFleet } from "./bench-fleet.ts";

/** From delivery to event, in the mailboxes that are not throttled, and what the job slots did. */
interface Stretch {
  readonly deliveries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Slots in use, on average and at most, and how long the longest job took that was seen. */
  readonly slotsMean: number;
  readonly slotsMost: number;
  readonly longestJobMs: number;
}

interface NeighbourResult {
  readonly mailboxes: number;
  readonly throttled: number;
  readonly before: Stretch;
  readonly during: Stretch;
  /** Connections that throttled mailboxes had open, at most, in the last third of it: by then each was asked something. */
  readonly socketsDuring: number;
  /** Logins and commands of throttled mailboxes that were refused, all together. */
  readonly refused: number;
  /** From the end of the throttling until a message of the last throttled mailbox had come. */
  readonly allBackMs: number;
}

const mailboxes = 24;
/** Below what is let in of logins for one tenant: else that is what is measured. */
const gapMs = 700;
const slotsEveryMs = 50;
const settleMs = 3_000;
const giveUpMs = 180_000;

export async function measureNeighbours(
  dir: string,
  seconds: { readonly before: number; readonly during: number },
  say: (line: string) => void,
): Promise<NeighbourResult> {
  const fleet = await startFleet(
    dir,
    { tenants: [{ alias: "contoso", mailboxes, messages: mailboxes * 5 }] },
    { MAILFLEET_SYNC_PUSH: "all", MAILFLEET_SYNC_POLL_SECONDS: "15" },
    () => undefined,
  );
  const { sandbox, redis, connection } = fleet;
  const keys = redisKeys();
  const reader = createFleetReader(redis, keys);
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const queue = openMessagesQueue({ connection, keys, log });
  const delivered = new Map<string, number>();
  /** To throttled mailboxes. */
  const held = new Set<string>();
  let latencies: number[] = [];
  const following = await followEvents({ connection, keys, log, queue }, ({ event }) => {
    const messageId = event && "message" in event ? event.message?.messageId : undefined;
    if (messageId !== undefined) held.delete(messageId);
    const at = messageId === undefined ? undefined : delivered.get(messageId);
    if (messageId === undefined || at === undefined) return;
    latencies.push(performance.now() - at);
    delivered.delete(messageId);
  });
  const addresses = sandbox.tenants[0]?.addresses ?? [];
  const throttled = addresses.filter((_, i) => i % 2 === 1);
  const others = addresses.filter((_, i) => i % 2 === 0);
  let serial = 0;
  const deliver = (address: string): void => {
    const messageId = `<governor-${++serial}@bench.example>`;
    if (throttled.includes(address)) held.add(messageId);
    else delivered.set(messageId, performance.now());
    const head = `From: sender@bench.example\r\nTo: ${address}\r\nSubject: ${serial}\r\nMessage-ID: ${messageId}\r\n`;
    sandbox.deliver(address, "INBOX", Buffer.from(`${head}\r\n${"x".repeat(2_000)}\r\n`));
  };
  const until = async (what: string, isReached: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + giveUpMs;
    while (!(await isReached())) {
      if (performance.now() > deadline) throw new Error(`${what}: not after ${giveUpMs / 1_000} s\n${fleet.output().slice(-2_000)}`);
      await systemClock.sleep(slotsEveryMs);
    }
  };
  const stretch = async (forMs: number, look: () => void = ignore): Promise<Stretch> => {
    latencies = [];
    const end = performance.now() + forMs;
    const samples: (readonly number[])[] = [];
    const sampling = (async () => {
      while (performance.now() < end) {
        samples.push(await fleet.slots());
        look();
        await systemClock.sleep(slotsEveryMs);
      }
    })();
    for (let i = 0; performance.now() < end; i++) {
      deliver(others[i % others.length] ?? "");
      await systemClock.sleep(gapMs * (0.5 + Math.random()));
    }
    await until("the last deliveries", () => delivered.size === 0);
    await sampling;
    const sorted = latencies.toSorted((a, b) => a - b);
    const rank = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
    const counts = samples.map((ages) => ages.length);
    return {
      deliveries: sorted.length,
      p50Ms: rank(0.5),
      p99Ms: rank(0.99),
      slotsMean: Math.round((100 * counts.reduce((sum, one) => sum + one, 0)) / Math.max(1, counts.length)) / 100,
      slotsMost: Math.max(0, ...counts),
      longestJobMs: Math.max(0, ...samples.flat()),
    };
  };

  try {
    say(`${mailboxes} mailboxes of one tenant, an IDLE for each`);
    await until("an IDLE for each mailbox", async () => {
      const connected = (await reader.processes()).reduce((sum, { push }) => sum + (push?.connected ?? 0), 0);
      return connected >= mailboxes;
    });
    await systemClock.sleep(settleMs);
    const before = await stretch(seconds.before * 1_000);
    say(`before: median ${before.p50Ms} ms, 99 % ${before.p99Ms} ms, ${before.slotsMean} slots in use`);
    const duringMs = seconds.during * 1_000;
    for (const mailbox of throttled)
      sandbox.faults.add({ name: "throttle", mailbox, forMs: duringMs, params: { countsDown: true, bye: true, answer: "BAD" } });
    const endsAt = performance.now() + duringMs;
    for (const address of throttled) deliver(address);
    const tallies = throttled.flatMap((address) => sandbox.counters.mailboxes.get(address) ?? []);
    let socketsDuring = 0;
    const during = await stretch(duringMs - 1_000, () => {
      if (performance.now() < endsAt - duringMs / 3) return;
      socketsDuring = Math.max(
        socketsDuring,
        tallies.reduce((sum, { sessions }) => sum + sessions, 0),
      );
    });
    const refused = tallies.reduce((sum, one) => sum + one.refused, 0);
    say(
      `during: median ${during.p50Ms} ms, 99 % ${during.p99Ms} ms, ${during.slotsMean} slots in use, longest job ${during.longestJobMs} ms`,
    );
    await until("the throttled mailboxes' mail", () => held.size === 0);
    const allBackMs = Math.round(Math.max(0, performance.now() - endsAt));
    return { mailboxes, throttled: throttled.length, before, during, socketsDuring, refused, allBackMs };
  } finally {
    await following.close();
    await queue.close();
    await fleet.close();
  }
}

function ignore(): void {
  // The roles' own logs say what went wrong.
}
