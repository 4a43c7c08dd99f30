import type { FolderLedger } from "@mailfleet/core";

interface Counted {
  readonly tenant: string;
  readonly checkedAt?: number;
  readonly ledger: FolderLedger;
}

interface Bucket {
  readonly at: number;
  readonly fresh: ReadonlyMap<string, number>;
  readonly history: ReadonlyMap<string, number>;
}

/** Rates are means over this long: long enough that a batch does not look like a burst. */
const windowMs = 10_000;

/** Messages handed off per second, by tenant, and new mail apart from history. */
export class HandOffRates {
  #fresh = new Map<string, number>();
  #history = new Map<string, number>();
  #buckets: Bucket[] = [];

  /** What one mailbox handed off between two looks: of it, as many as were newly listed are new mail. */
  count(before: Counted, after: Counted): void {
    const handedOff = after.ledger.handedOff - before.ledger.handedOff;
    if (handedOff <= 0) return;
    // The first listing of a mailbox is all history.
    const listed = before.checkedAt === undefined ? 0 : Math.max(0, after.ledger.listed - before.ledger.listed);
    const fresh = Math.min(handedOff, listed);
    this.#fresh.set(after.tenant, (this.#fresh.get(after.tenant) ?? 0) + fresh);
    this.#history.set(after.tenant, (this.#history.get(after.tenant) ?? 0) + handedOff - fresh);
  }

  /** Ends a bucket. @param at epoch ms */
  settle(at: number): void {
    this.#buckets = [
      ...this.#buckets.filter((bucket, i, all) => at - bucket.at < windowMs || i === all.length - 1),
      { at, fresh: this.#fresh, history: this.#history },
    ];
    this.#fresh = new Map();
    this.#history = new Map();
  }

  /** Nothing was handed off within the window: the rates are 0, and stay so. */
  get isStill(): boolean {
    return this.#buckets.slice(1).every(({ fresh, history }) => fresh.size === 0 && history.size === 0);
  }

  perSecond(tenant?: string): number {
    const { fresh, history } = this.lanes(tenant);
    return rounded(fresh + history);
  }

  lanes(tenant?: string): { readonly fresh: number; readonly history: number } {
    const [first] = this.#buckets;
    const last = this.#buckets.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return { fresh: 0, history: 0 };
    // The first bucket counts what came before the window began.
    const seconds = (last.at - first.at) / 1_000;
    const sum = (pick: (bucket: Bucket) => ReadonlyMap<string, number>): number =>
      this.#buckets
        .slice(1)
        .reduce((all, bucket) => all + (tenant === undefined ? total(pick(bucket)) : (pick(bucket).get(tenant) ?? 0)), 0);
    return { fresh: rounded(sum((bucket) => bucket.fresh) / seconds), history: rounded(sum((bucket) => bucket.history) / seconds) };
  }
}

function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

function rounded(rate: number): number {
  return Math.round(rate * 10) / 10;
}
