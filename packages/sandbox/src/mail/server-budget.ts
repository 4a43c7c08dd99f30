import type { ActiveFault, FaultTarget, MailProtocol } from "../faults/fault-spec.ts";
import type { FaultBook } from "../faults/fault-book.ts";
import type { MailboxTally } from "./mailbox-counters.ts";
import type { Throttling } from "./throttled.ts";

/** Whose command it is. */
export interface BudgetPlace extends FaultTarget {
  readonly tenant: string;
  readonly mailbox: string;
  readonly protocol: MailProtocol;
}

export interface ServerBudgetOptions {
  readonly faults: Pick<FaultBook, "holds">;
  /** Milliseconds, of any clock that goes on evenly. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

interface Account {
  balanceMs: number;
  countedAt: number;
  refusedUntil: number;
}

/** Waits are gathered up to this, because a timer takes a millisecond at least. */
const shortestSleepMs = 20;

/** The accounts of the fault `budget`: one for each mailbox or tenant that an order of it holds for, full when it is first touched. */
export class ServerBudgets {
  readonly #options: ServerBudgetOptions;
  readonly #accounts = new Map<string, Account>();

  constructor(options: ServerBudgetOptions) {
    this.#options = options;
  }

  /** Lets a command in, perhaps late, and takes its base cost; or refuses it. Undefined where no budget holds. */
  async admit(place: BudgetPlace, verb: string, tally: MailboxTally): Promise<Spending | Throttling | undefined> {
    const order = this.#options.faults.holds("budget", place);
    if (!order) return undefined;
    const account = this.#accountOf(order, place);
    const now = this.#refill(order, account);
    if (account.balanceMs <= 0)
      account.refusedUntil = Math.max(account.refusedUntil, now + (now >= account.refusedUntil ? order.number("hintMs") : 0));
    if (now < account.refusedUntil) {
      tally.refused++;
      return { order, waitMs: account.refusedUntil - now };
    }
    const delayMs = delayOf(order, account.balanceMs);
    if (delayMs > 0) {
      tally.delays++;
      tally.delayedMs += delayMs;
      await this.#options.sleep(delayMs);
    }
    const spending = new Spending(order, account, tally, this.#options.sleep);
    spending.charge(order.number(costParam(verb)));
    return spending;
  }

  #accountOf(order: ActiveFault, place: BudgetPlace): Account {
    const key = `${String(order.id)} ${order.word("per") === "tenant" ? place.tenant : place.mailbox}`;
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { balanceMs: order.number("burstMs"), countedAt: this.#options.now(), refusedUntil: 0 };
      this.#accounts.set(key, account);
    }
    return account;
  }

  /** Returns the time. */
  #refill(order: ActiveFault, account: Account): number {
    const now = this.#options.now();
    const refilled = account.balanceMs + ((now - account.countedAt) / 1_000) * order.number("rechargeMsPerSecond");
    account.balanceMs = Math.min(order.number("burstMs"), refilled);
    account.countedAt = now;
    return now;
  }
}

/** One command's use of its account. It may overdraw it: what a command costs is known when it is done. */
export class Spending {
  readonly #order: ActiveFault;
  readonly #account: Account;
  readonly #tally: MailboxTally;
  readonly #sleep: (ms: number) => Promise<void>;
  #owedMs = 0;

  constructor(order: ActiveFault, account: Account, tally: MailboxTally, sleep: (ms: number) => Promise<void>) {
    this.#order = order;
    this.#account = account;
    this.#tally = tally;
    this.#sleep = sleep;
  }

  /** True when `pass` has something to wait for. */
  chargeMessage(contentBytes: number | undefined): boolean {
    const order = this.#order;
    this.charge(
      contentBytes === undefined ? order.number("rowMs") : order.number("messageMs") + (contentBytes / 1_024) * order.number("kilobyteMs"),
    );
    return this.#owedMs >= shortestSleepMs;
  }

  charge(ms: number): void {
    this.#account.balanceMs -= ms;
    this.#tally.grantedMs += ms;
    if (!this.#order.flag("virtual")) this.#owedMs += ms;
  }

  /** Lets the time pass that was charged. */
  async pass(): Promise<void> {
    if (this.#owedMs < 1) return;
    const ms = this.#owedMs;
    this.#owedMs = 0;
    await this.#sleep(ms);
  }
}

/** From nothing at `delayBelowMs` up to `maxDelayMs` at an empty account. */
function delayOf(order: ActiveFault, balanceMs: number): number {
  const below = order.number("delayBelowMs");
  if (below <= 0 || balanceMs >= below) return 0;
  return order.number("maxDelayMs") * (1 - Math.max(0, balanceMs) / below);
}

function costParam(verb: string): string {
  switch (verb.replace(/^UID /, "")) {
    case "AUTHENTICATE":
    case "AUTH":
      return "loginMs";
    case "SELECT":
    case "EXAMINE":
      return "selectMs";
    case "STATUS":
    case "STAT":
      return "statusMs";
    case "LIST":
    case "LSUB":
    case "UIDL":
      return "listMs";
    case "SEARCH":
      return "searchMs";
    case "FETCH":
    case "RETR":
    case "TOP":
      return "fetchMs";
    default:
      return "otherMs";
  }
}
