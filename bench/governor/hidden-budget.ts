import { limits } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import type { MailboxCounters, Sandbox } from "@mailfleet/sandbox";
import { startFleet } from "./bench-fleet.ts";

/** Of one mailbox with a hidden account of server time. */
interface BudgetResult {
  readonly rechargeMsPerSecond: number;
  readonly messages: number;
  /** What a client could have read that knows the account, and spends all of it: see `mostMessages`. */
  readonly possible: number;
  readonly goodput: number;
  /** Where the rest went, ms of the server: what commands cost beside the messages, and what the account still held at the end. */
  readonly besideMs: number;
  readonly leftMs: number;
  readonly commands: number;
  readonly refused: number;
  readonly delayed: number;
}

const burstMs = 18_000;
/** As in the sandbox by default: a sixth of the burst, and two seconds at its end. */
const waits = { delayBelowMs: 3_000, maxDelayMs: 2_000 };
/** Server ms a second: from a mailbox that is hardly let in to one that gets half of the server's time. */
const recharges = [100, 200, 300, 500];
const costs = {
  messageMs: 30,
  kilobyteMs: 1,
  loginMs: 100,
  listMs: 25,
  statusMs: 15,
  selectMs: 25,
  searchMs: 30,
  fetchMs: 10,
  rowMs: 0.02,
};
const messages = 4_000;
/** As mailfleet has it by default; the sandbox's own configuration asks for a look every 5 s, so that there is something to see. */
const pollSeconds = 300;
const lookMs = 20;
const startWithinMs = 60_000;

/**
 * Messages that burst and recharge pay for, to the last millisecond, after what no client does without: one login, a LIST, a STATUS for
 * each folder with mail, EXAMINE and SEARCH of one, and whole batches, each with its sizes asked for first. It never asks for new mail,
 * never waits, and is never refused.
 */
function mostMessages(grantedMs: number, eachMs: number, folders: number): number {
  const onceMs = costs.loginMs + costs.listMs + folders * costs.statusMs + costs.selectMs + costs.searchMs;
  const fetchedMs = eachMs + costs.rowMs + costs.fetchMs / limits.batchMessages;
  return (grantedMs - onceMs) / fetchedMs;
}

/** Folders with mail, by address. */
function foldersOf(sandbox: Sandbox): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const { address, folder } of sandbox.truth()) all.set(address, (all.get(address) ?? new Set()).add(folder));
  return all;
}

/** Mailboxes with more history than their servers will give, for so long; each has a tenant of its own. */
export async function measureBudgets(dir: string, seconds: number, say: (line: string) => void): Promise<readonly BudgetResult[]> {
  const tenants = recharges.map((recharge) => ({ alias: `recharge-${recharge}`, mailboxes: 1, messages }));
  const env = { MAILFLEET_SYNC_PUSH: "none", MAILFLEET_SYNC_POLL_SECONDS: `${pollSeconds}` };
  const fleet = await startFleet(dir, { tenants }, env, ({ faults }) => {
    for (const [i, { alias }] of tenants.entries()) {
      const params = { burstMs, rechargeMsPerSecond: recharges[i] ?? 0, hintMs: 60_000, ...waits, ...costs };
      faults.add({ name: "budget", tenant: alias, params });
    }
  });
  try {
    const address = (i: number): string => fleet.sandbox.tenants[i]?.addresses[0] ?? "";
    const folders = foldersOf(fleet.sandbox);
    const tally = (i: number) => fleet.sandbox.counters.mailboxes.get(address(i));
    const results = recharges.map(async (recharge, i): Promise<BudgetResult> => {
      const deadline = performance.now() + startWithinMs;
      while ((tally(i)?.accepted ?? 0) === 0) {
        if (performance.now() > deadline) throw new Error(`${address(i)} was never opened\n${fleet.output().slice(-2_000)}`);
        await systemClock.sleep(lookMs);
      }
      const from = performance.now();
      await systemClock.sleep(seconds * 1_000);
      const { bodies, bodyBytes, accepted, refused, delays, grantedMs: spentMs } = tally(i) as MailboxCounters;
      const grantedMs = burstMs + ((performance.now() - from) * recharge) / 1_000;
      const eachMs = costs.messageMs + (bodyBytes / 1_024 / Math.max(1, bodies)) * costs.kilobyteMs;
      const possible = mostMessages(grantedMs, eachMs, folders.get(address(i))?.size ?? 1);
      const result = {
        rechargeMsPerSecond: recharge,
        messages: bodies,
        possible: Math.round(possible),
        goodput: Math.round((1_000 * bodies) / possible) / 1_000,
        besideMs: Math.round(spentMs - bodies * eachMs),
        leftMs: Math.round(grantedMs - spentMs),
        commands: accepted + refused,
        refused,
        delayed: delays,
      };
      say(
        `recharge ${recharge} ms/s: ${bodies} of ${result.possible} messages (${(100 * result.goodput).toFixed(1)} %), ${refused} of ` +
          `${result.commands} commands refused; ${result.besideMs} ms beside messages, ${result.leftMs} ms left`,
      );
      return result;
    });
    return await Promise.all(results);
  } finally {
    await fleet.close();
  }
}
