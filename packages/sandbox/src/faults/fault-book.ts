import { faultCatalogue, type FaultName } from "./catalogue.ts";
import { type ActiveFault, checkOrder, type FaultOrder, type FaultTarget, type FaultValue, type MailProtocol } from "./fault-spec.ts";

/** Wrong orders; nothing was changed. */
export class FaultOrderError extends Error {
  override readonly name = "FaultOrderError";
}

/** A fault that was ordered and has not ended. */
export interface ListedFault {
  readonly id: number;
  readonly order: FaultOrder;
  /** How often it struck. */
  readonly struck: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until?: number;
}

/** Which of the orders of one name are meant. */
export type FaultFilter = (fault: ActiveFault) => boolean;

interface Entry {
  readonly id: number;
  readonly order: FaultOrder;
  readonly params: Readonly<Record<string, FaultValue>>;
  readonly from: number;
  /** Infinite while it waits for its first strike. */
  until: number;
  readonly random: () => number;
  struck: number;
}

export interface FaultBookOptions {
  readonly now: () => number;
  /** A stream of numbers, 0 <= x < 1, for a name: the same name gives the same numbers. */
  readonly random: (name: string) => () => number;
  /** Told of each new order, for what strikes without being asked. */
  readonly onAdd?: () => void;
}

/** Which faults strike now. The servers ask it; the command line, a file, the control API and tests write in it. */
export class FaultBook {
  readonly #options: FaultBookOptions;
  readonly #byName = new Map<string, Entry[]>();
  #nextId = 1;

  constructor(options: FaultBookOptions) {
    this.#options = options;
  }

  /** @returns the fault's number. @throws FaultOrderError with all that is wrong with it */
  add(order: FaultOrder): number {
    const checked = checkOrder(order, faultCatalogue);
    if ("problems" in checked) throw new FaultOrderError(checked.problems.join("; "));
    const id = this.#nextId++;
    const from = this.#options.now() + (order.afterMs ?? 0);
    const entries = this.#byName.get(order.name) ?? [];
    this.#byName.set(order.name, entries);
    entries.push({
      id,
      order: { ...order, ...(order.mailbox !== undefined && { mailbox: order.mailbox.toLowerCase() }) },
      params: checked.params,
      from,
      until: order.forMs === undefined || order.fromFirst === true ? Number.POSITIVE_INFINITY : from + order.forMs,
      // By its place among the orders, so that a run with the same orders draws the same numbers.
      random: this.#options.random(`fault/${String(id)}`),
      struck: 0,
    });
    this.#options.onAdd?.();
    return id;
  }

  /** False where there is none of that number any more. */
  remove(id: number): boolean {
    for (const [name, entries] of this.#byName) {
      const rest = entries.filter((entry) => entry.id !== id);
      if (rest.length === entries.length) continue;
      this.#keep(name, rest);
      return true;
    }
    return false;
  }

  /** Takes all faults back, or those of one name. */
  clear(name?: string): void {
    if (name === undefined) this.#byName.clear();
    else this.#byName.delete(name);
  }

  list(): readonly ListedFault[] {
    this.#forgetEnded();
    return [...this.#byName.values()]
      .flat()
      .sort((a, b) => a.id - b.id)
      .map(({ id, order, struck, from, until }) => ({ id, order, struck, from, ...(Number.isFinite(until) && { until }) }));
  }

  /** True if there is any order of that name, wherever it strikes: a cheap look ahead of many places. */
  isOrdered(name: FaultName): boolean {
    return this.#byName.has(name);
  }

  /** The newest fault of that name that strikes at this place now, and passes the filter; it counts as one strike. */
  strike(name: FaultName, place: FaultTarget, filter?: FaultFilter): ActiveFault | undefined {
    return this.#find(name, place, true, filter);
  }

  /** Like `strike`, without counting and without chance: for what is a property of the place and not an event. */
  holds(name: FaultName, place: FaultTarget, filter?: FaultFilter): ActiveFault | undefined {
    return this.#find(name, place, false, filter);
  }

  /** The book as one of the mail servers asks it: each place is one of its protocol. */
  over(protocol: MailProtocol): Pick<FaultBook, "strike" | "holds" | "isOrdered"> {
    return {
      isOrdered: (name) => this.isOrdered(name),
      strike: (name, place, filter) => this.strike(name, { ...place, protocol }, filter),
      holds: (name, place, filter) => this.holds(name, { ...place, protocol }, filter),
    };
  }

  /** The orders of that name whose time has come. They are done with it, and gone. */
  take(name: FaultName): readonly ActiveFault[] {
    const now = this.#options.now();
    const due = (this.#byName.get(name) ?? []).filter((entry) => now >= entry.from);
    for (const { id } of due) this.remove(id);
    return due.map(activeOf);
  }

  #find(name: FaultName, place: FaultTarget, isStrike: boolean, filter?: FaultFilter): ActiveFault | undefined {
    const now = this.#options.now();
    const entries = this.#byName.get(name);
    if (entries === undefined) return undefined;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i];
      if (!entry || now < entry.from || now >= entry.until || entry.struck >= (entry.order.times ?? Number.POSITIVE_INFINITY)) continue;
      if (!isAt(entry.order, place) || filter?.(activeOf(entry)) === false) continue;
      if (isStrike && entry.order.chance !== undefined && entry.random() >= entry.order.chance) continue;
      if (isStrike && entry.struck++ === 0 && entry.order.fromFirst === true)
        entry.until = now + (entry.order.forMs ?? Number.POSITIVE_INFINITY);
      return activeOf(entry);
    }
    return undefined;
  }

  #forgetEnded(): void {
    const now = this.#options.now();
    for (const [name, entries] of this.#byName) {
      this.#keep(
        name,
        entries.filter((entry) => now < entry.until && entry.struck < (entry.order.times ?? Number.POSITIVE_INFINITY)),
      );
    }
  }

  #keep(name: string, entries: Entry[]): void {
    if (entries.length > 0) this.#byName.set(name, entries);
    else this.#byName.delete(name);
  }
}

function isAt(order: FaultTarget, place: FaultTarget): boolean {
  return (
    (order.tenant === undefined || order.tenant === place.tenant) &&
    (order.mailbox === undefined || order.mailbox === place.mailbox?.toLowerCase()) &&
    (order.folder === undefined || order.folder.toLowerCase() === place.folder?.toLowerCase()) &&
    (order.uid === undefined || order.uid === place.uid) &&
    (order.protocol === undefined || order.protocol === place.protocol)
  );
}

function activeOf({ id, order, params, until }: Entry): ActiveFault {
  const get = (param: string): FaultValue => {
    const value = params[param];
    if (value === undefined) throw new RangeError(`${order.name} has no parameter ${param}`);
    return value;
  };
  return {
    id,
    name: order.name,
    target: order,
    until,
    number: (param) => Number(get(param)),
    word: (param) => String(get(param)),
    flag: (param) => get(param) === true,
  };
}
