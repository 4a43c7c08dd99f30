/** GET /api/history?span=24h&tenant=… The fleet's without a tenant. */
export const historySpans = ["1h", "24h", "7d"] as const;

export type HistorySpan = (typeof historySpans)[number];

/** One resolution: its points are means, and the worst of the worst. */
export interface HistoryRing {
  readonly stepMs: number;
  /** Points that are kept. */
  readonly points: number;
}

/** 361, 289 and 337 points: what a chart of 700 px can show. */
export const historyRings: Readonly<Record<HistorySpan, HistoryRing>> = {
  "1h": { stepMs: 10_000, points: 361 },
  "24h": { stepMs: 5 * 60_000, points: 289 },
  "7d": { stepMs: 30 * 60_000, points: 337 },
};

/** Columns of equal length, as uPlot takes them. null is a gap: nobody looked then. Zero is zero. */
export interface HistoryColumns {
  readonly span: HistorySpan;
  readonly stepMs: number;
  /** Epoch ms at which each step begins, the oldest first, without holes. */
  readonly at: readonly number[];
  /** Messages per second handed off. */
  readonly fresh: readonly (number | null)[];
  readonly history: readonly (number | null)[];
  /** Age of the last check in ms. */
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly worst: readonly (number | null)[];
  readonly marks: readonly HistoryMark[];
}

/** A vertical line: what changed then. */
export interface HistoryMark {
  readonly at: number;
  readonly words: string;
}

/** What one step of a ring holds. */
export interface HistoryPoint {
  readonly at: number;
  readonly fresh: number;
  readonly history: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** The step that a moment is in. */
export function stepOf(at: number, { stepMs }: HistoryRing): number {
  return Math.floor(at / stepMs) * stepMs;
}

/** Points in columns up to now; a step without one is a gap. */
export function historyColumns(
  span: HistorySpan,
  points: Iterable<HistoryPoint>,
  marks: readonly HistoryMark[],
  now: number,
): HistoryColumns {
  const ring = historyRings[span];
  const byStep = new Map<number, HistoryPoint>();
  for (const point of points) byStep.set(stepOf(point.at, ring), point);
  const last = stepOf(now, ring);
  const at = Array.from({ length: ring.points }, (_, i) => last - (ring.points - 1 - i) * ring.stepMs);
  const column = (pick: (point: HistoryPoint) => number): (number | null)[] =>
    at.map((step) => {
      const point = byStep.get(step);
      return point === undefined ? null : pick(point);
    });
  return {
    span,
    stepMs: ring.stepMs,
    at,
    fresh: column((point) => point.fresh),
    history: column((point) => point.history),
    p50: column((point) => point.p50),
    p99: column((point) => point.p99),
    worst: column((point) => point.worst),
    marks: marks.filter((mark) => mark.at >= (at[0] ?? now)),
  };
}

/** Of ages in any order: the median, the 99th percentile and the worst; zeros where there are none. */
export function agePercentiles(ages: readonly number[]): Pick<HistoryPoint, "p50" | "p99" | "worst"> {
  const sorted = Float64Array.from(ages).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), worst: sorted.at(-1) ?? 0 };
}
