import type { FaultBook } from "./faults/fault-book.ts";
import type { FaultOrder } from "./faults/fault-spec.ts";
import type { FetchFault } from "./mail/message-faults.ts";

/** The troubles of the default world, so that a newcomer sees how trouble reads: one that needs a person, and one that ends by itself. */
export const plantedTroubles = { refused: "hr@contoso.example", throttled: "ap@fabrikam.example" } as const;

/** From the first login after a start. */
const plantedThrottleMs = 12_000;

/** What is switched on and off mailbox by mailbox or message by message: each switch is at most one order in the book. */
export class Troubles {
  readonly #faults: FaultBook;
  readonly #now: () => number;
  readonly #ids = new Map<string, number>();

  constructor(faults: FaultBook, now: () => number) {
    this.#faults = faults;
    this.#now = now;
  }

  plant(): void {
    this.setRefused(plantedTroubles.refused, true);
    const { throttled } = plantedTroubles;
    const params = { countsDown: true };
    this.#set(`throttled ${throttled}`, { name: "throttle", mailbox: throttled, params, forMs: plantedThrottleMs, fromFirst: true });
  }

  setRefused(address: string, isRefused: boolean): void {
    const mailbox = address.toLowerCase();
    this.#set(`refused ${mailbox}`, isRefused ? { name: "auth-not-connected", mailbox } : undefined);
  }

  setThrottled(address: string, untilMs: number): void {
    const mailbox = address.toLowerCase();
    const forMs = untilMs - this.#now();
    this.#set(`throttled ${mailbox}`, forMs > 0 ? { name: "throttle", mailbox, params: { countsDown: true }, forMs } : undefined);
  }

  /** Undefined: the message is itself again. */
  setFetchFault(address: string, folder: string, uid: number, fault: FetchFault | undefined): void {
    const mailbox = address.toLowerCase();
    this.#set(`fetch ${mailbox} ${String(uid)} ${folder.toLowerCase()}`, fault && { ...orderOf(fault), mailbox, folder, uid });
  }

  #set(key: string, order: FaultOrder | undefined): void {
    const id = this.#ids.get(key);
    if (id !== undefined) this.#faults.remove(id);
    if (order === undefined) this.#ids.delete(key);
    else this.#ids.set(key, this.#faults.add(order));
  }
}

function orderOf(fault: FetchFault): Pick<FaultOrder, "name" | "params"> {
  if (typeof fault === "string") return { name: fault };
  return { name: "padded", params: { bytes: fault.paddedTo, ...(fault.announced !== undefined && { announced: fault.announced }) } };
}
