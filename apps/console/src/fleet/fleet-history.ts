import { describeCause, type Log } from "@mailfleet/core";
import {
  agePercentiles,
  type HistoryMark,
  type HistoryPoint,
  historyRings,
  type HistorySpan,
  historySpans,
  stepOf,
} from "@mailfleet/core/console";
import type { ActivityLog, HistoryRings, NewActivity } from "@mailfleet/store";
import type { FleetMemory } from "./fleet-memory.ts";

export interface FleetHistoryOptions {
  readonly rings: HistoryRings;
  readonly activity: ActivityLog;
  /** Names this console among several. */
  readonly id: string;
  readonly log: Log;
}

/** One sample a step is enough: rates are means over as long, and ten thousand mailboxes' ages are not sorted with each look. */
const sampled = historyRings["1h"];

interface Sums {
  readonly step: number;
  readonly points: Map<string, HistoryPoint[]>;
}

/**
 * Writes what charts show, and what mailfleet did by itself. One console of a fleet does; while none runs there are gaps, and no zeros.
 */
export class FleetHistory {
  readonly #options: FleetHistoryOptions;
  readonly #sums = new Map<HistorySpan, Sums>();
  #causes: ReadonlyMap<string, NewActivity> | undefined;
  #isBusy = false;
  #sampledStep: number | undefined;

  constructor(options: FleetHistoryOptions) {
    this.#options = options;
  }

  /** After each look; never rejects, and leaves out what comes while it still writes. */
  note(memory: FleetMemory, at: number): void {
    const step = stepOf(at, sampled);
    const done = step === this.#sampledStep ? [] : this.#sample(memory, at);
    this.#sampledStep = step;
    const told = this.#news(memory, at);
    if ((done.length === 0 && told.length === 0) || this.#isBusy) return;
    this.#isBusy = true;
    this.#write(done, told)
      .catch(() => this.#options.log.debug({}, "the history was not written; its charts have a gap"))
      .finally(() => (this.#isBusy = false));
  }

  async #write(done: readonly (readonly [HistorySpan, ReadonlyMap<string, HistoryPoint>])[], told: readonly NewActivity[]): Promise<void> {
    const { rings, activity, id } = this.#options;
    if (!(await rings.amScribe(id))) return;
    for (const [span, points] of done) await rings.write(span, points);
    for (const entry of told) await activity.write(entry);
  }

  /** The points of the steps that have ended. */
  #sample(memory: FleetMemory, at: number): (readonly [HistorySpan, ReadonlyMap<string, HistoryPoint>])[] {
    const now = pointsNow(memory, at);
    const done: (readonly [HistorySpan, ReadonlyMap<string, HistoryPoint>])[] = [];
    for (const span of historySpans) {
      const step = stepOf(at, historyRings[span]);
      const before = this.#sums.get(span);
      if (before?.step !== step) {
        if (before) done.push([span, new Map([...before.points].map(([tenant, points]) => [tenant, mean(points, before.step)]))]);
        this.#sums.set(span, { step, points: new Map() });
      }
      const { points } = this.#sums.get(span) as Sums;
      for (const [tenant, point] of now) points.set(tenant, [...(points.get(tenant) ?? []), point]);
    }
    return done;
  }

  /** Causes that began and ended since the last look; what stood at the start was told by whoever was there. */
  #news(memory: FleetMemory, at: number): NewActivity[] {
    const causes = new Map(
      memory.causes
        .filter(({ owner }) => owner === "you")
        .map((cause): [string, NewActivity] => {
          const { label } = describeCause(cause, { now: at, zone: "utc" });
          const [mailbox] = cause.mailboxes;
          return [
            cause.id,
            {
              who: "mailfleet",
              by: "mailfleet",
              verb: "stopped",
              ...(cause.tenant !== undefined && { tenant: cause.tenant }),
              ...(cause.scope === "mailbox" && cause.mailboxCount === 1 && mailbox !== undefined && { mailbox }),
              cause: cause.id,
              count: cause.mailboxCount,
              outcome: "done",
              words: label,
              ...(cause.doctor !== undefined && { command: cause.doctor }),
            },
          ];
        }),
    );
    const before = this.#causes;
    this.#causes = causes;
    if (before === undefined) return [];
    const began = [...causes].filter(([id]) => !before.has(id)).map(([, entry]) => entry);
    const ended = [...before].filter(([id]) => !causes.has(id)).map(([, entry]): NewActivity => ({ ...entry, verb: "went on" }));
    return [...began, ...ended];
  }
}

/** By tenant; the fleet's under "". */
function pointsNow(memory: FleetMemory, at: number): ReadonlyMap<string, HistoryPoint> {
  const ages = new Map<string, number[]>();
  for (const { tenant, checkedAt } of memory.mailboxes()) {
    if (checkedAt === undefined) continue;
    let own = ages.get(tenant);
    if (own === undefined) ages.set(tenant, (own = []));
    own.push(Math.max(0, at - checkedAt));
  }
  ages.set("", [...ages.values()].flat());
  return new Map(
    [...ages].map(([tenant, some]) => [tenant, { at, ...memory.rates.lanes(tenant === "" ? undefined : tenant), ...agePercentiles(some) }]),
  );
}

function mean(points: readonly HistoryPoint[], at: number): HistoryPoint {
  const average = (pick: (point: HistoryPoint) => number): number => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  return {
    at,
    fresh: average((point) => point.fresh),
    history: average((point) => point.history),
    p50: average((point) => point.p50),
    p99: average((point) => point.p99),
    worst: points.reduce((worst, point) => Math.max(worst, point.worst), 0),
  };
}

/** Vertical lines of the charts: what stopped, and what people did to many. */
export async function historyMarks(activity: ActivityLog, tenant: string | undefined, since: number): Promise<readonly HistoryMark[]> {
  const { entries } = await activity.read({ who: "both", count: 200, ...(tenant !== undefined && { tenant }) });
  return entries
    .filter(
      ({ at, verb, outcome }) => at >= since && outcome !== "refused" && outcome !== "asked" && verb !== "sign in" && verb !== "reveal",
    )
    .map(({ at, who, verb, words, tenant: whose }) => ({
      at,
      words: `${who}: ${verb}${whose === undefined ? "" : ` ${whose}`}, ${words}`,
    }));
}
