import { systemClock } from "@mailfleet/runtime";
import { startFleet } from "./bench-fleet.ts";

/** Of one mailbox with a hidden account of server time. */
interface BudgetResult {
  readonly rechargeMsPerSecond: number;
  readonly messages: number;
  /** What burst and recharge would have paid for, of messages of that size, with no command beside. */
  readonly possible: number;
  readonly goodput: number;
  readonly commands: number;
  readonly refused: number;
  readonly delayed: number;
}

const burstMs = 18_000;
/** As in the sandbox by default: a sixth of the burst, and two seconds at its end. */
const waits = { delayBelowMs: 3_000, maxDelayMs: 2_000 };
/** Server ms a second: from a mailbox that is hardly let in to one that gets half of the server's time. */
const recharges = [100, 200, 300, 500];
const costs = { messageMs: 30, kilobyteMs: 1 };
const messages = 4_000;
const lookMs = 20;
const startWithinMs = 60_000;

/** Mailboxes with more history than their servers will give, for so long; each has a tenant of its own. */
export async function measureBudgets(dir: string, seconds: number, say: (line: string) => void): Promise<readonly BudgetResult[]> {
  const tenants = recharges.map((recharge) => ({ alias: `recharge-${recharge}`, mailboxes: 1, messages }));
  const fleet = await startFleet(dir, { tenants }, { MAILFLEET_SYNC_PUSH: "none" }, ({ faults }) => {
    for (const [i, { alias }] of tenants.entries()) {
      const params = { burstMs, rechargeMsPerSecond: recharges[i] ?? 0, hintMs: 60_000, ...waits, ...costs };
      faults.add({ name: "budget", tenant: alias, params });
    }
  });
  try {
    const address = (i: number): string => fleet.sandbox.tenants[i]?.addresses[0] ?? "";
    const tally = (i: number) => fleet.sandbox.counters.mailboxes.get(address(i));
    const results = recharges.map(async (recharge, i): Promise<BudgetResult> => {
      const deadline = performance.now() + startWithinMs;
      while ((tally(i)?.accepted ?? 0) === 0) {
        if (performance.now() > deadline) throw new Error(`${address(i)} was never opened\n${fleet.output().slice(-2_000)}`);
        await systemClock.sleep(lookMs);
      }
      const from = performance.now();
      await systemClock.sleep(seconds * 1_000);
      const { bodies, bodyBytes, accepted, refused, delays } = tally(i) ?? { bodies: 0, bodyBytes: 0, accepted: 0, refused: 0, delays: 0 };
      const grantedMs = burstMs + ((performance.now() - from) * recharge) / 1_000;
      const eachMs = costs.messageMs + (bodyBytes / 1_024 / Math.max(1, bodies)) * costs.kilobyteMs;
      const possible = grantedMs / eachMs;
      const result = {
        rechargeMsPerSecond: recharge,
        messages: bodies,
        possible: Math.round(possible),
        goodput: Math.round((1_000 * bodies) / possible) / 1_000,
        commands: accepted + refused,
        refused,
        delayed: delays,
      };
      say(
        `recharge ${recharge} ms/s: ${bodies} of ${result.possible} messages (${(100 * result.goodput).toFixed(1)} %), ${refused} of ${result.commands} commands refused`,
      );
      return result;
    });
    return await Promise.all(results);
  } finally {
    await fleet.close();
  }
}
