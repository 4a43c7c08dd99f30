import type { Log } from "@mailfleet/core";
import { hourMs, type StateStrip, stateWords, stripUpTo, withHour, worseState } from "@mailfleet/core/console";
import type { HistoryRings, StateStrips } from "@mailfleet/store";
import type { FleetMemory } from "./fleet-memory.ts";

export interface StripScribeOptions {
  /** The strips of a mailbox's shard. @param id `tenant/address` */
  readonly stripsOf: (tenant: string) => StateStrips;
  readonly rings: Pick<HistoryRings, "amScribe">;
  /** Names this console among several. */
  readonly id: string;
  readonly log: Log;
}

/** States that last shorter than this may be missed: a strip tells of hours. */
const sampleMs = 10_000;

interface Seen {
  readonly tenant: string;
  /** Index in `stateWords`. */
  state: number;
}

/** Writes down the worst state of each mailbox's hour when the hour is over, or the console stops. One console of a fleet does. */
export class StripScribe {
  readonly #options: StripScribeOptions;
  #hour: number | undefined;
  #seen = new Map<string, Seen>();
  #sampledAt = Number.NEGATIVE_INFINITY;
  /** `statesRevision` of the memory then. */
  #sampledStates = -1;

  constructor(options: StripScribeOptions) {
    this.#options = options;
  }

  /** After each look; never rejects. @param at epoch ms by Redis' clock */
  note(memory: FleetMemory, at: number): void {
    const hour = Math.floor(at / hourMs);
    if (hour === this.#hour && at - this.#sampledAt < sampleMs) return;
    if (this.#hour !== undefined && hour !== this.#hour) void this.flush();
    this.#hour = hour;
    this.#sampledAt = at;
    if (memory.statesRevision === this.#sampledStates) return;
    this.#sampledStates = memory.statesRevision;
    for (const [id, { row }] of memory.entries()) {
      // A gap is what is not known.
      if (row.state === "unknown") continue;
      const { tenant } = row;
      const state = stateWords.indexOf(row.state);
      const seen = this.#seen.get(id);
      if (seen === undefined) this.#seen.set(id, { tenant, state });
      else seen.state = worseState(seen.state, state);
    }
    // What was removed leaves nothing more.
    for (const id of this.#seen.keys()) if (memory.find(id) === undefined) this.#seen.delete(id);
  }

  /** Writes what this hour holds so far; the hour's worst is kept however often that is done. Never rejects. */
  async flush(): Promise<void> {
    const hour = this.#hour;
    const seen = this.#seen;
    this.#seen = new Map();
    this.#sampledStates = -1;
    if (hour === undefined || seen.size === 0) return;
    const { rings, id, log, stripsOf } = this.#options;
    try {
      if (!(await rings.amScribe(id))) return;
      const tenants = Map.groupBy(seen, ([, { tenant }]) => tenant);
      for (const [tenant, some] of tenants) {
        await stripsOf(tenant).write(
          hour,
          some.map(([mailbox, { state }]) => [mailbox, state] as const),
        );
      }
    } catch {
      log.debug({}, "an hour of the strips was not written; it stays a gap");
    }
  }

  /** With the hour that is not over yet. @param now epoch ms by Redis' clock */
  async read(mailbox: { readonly id: string; readonly tenant: string }, now: number): Promise<StateStrip> {
    const stored = await this.#options.stripsOf(mailbox.tenant).read(mailbox.id);
    const seen = this.#seen.get(mailbox.id);
    return stripUpTo(seen === undefined || this.#hour === undefined ? stored : withHour(stored, this.#hour, seen.state), now);
  }
}
