/** Nearest rank: always one of the values. NaN without any. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Of an even number the mean of the two in the middle. NaN without any. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** A straight line through points, and how well its slope is known. */
export interface FittedLine {
  readonly slope: number;
  readonly intercept: number;
  /**
   * Standard error of the slope. Samples of a process that are taken close together resemble each other and say less than as many strangers:
   * the error of ordinary least squares is widened by sqrt((1 + r) / (1 - r)), r being the residuals' correlation with their neighbours.
   */
  readonly slopeError: number;
  /** That r, none below 0 taken. */
  readonly autocorrelation: number;
}

/** So many standard errors are a difference: 95 of 100 slopes of a flat line lie within them. */
const notable = 2;
/** Above it the widening would be a guess. */
const mostAutocorrelation = 0.98;

/** Ordinary least squares. At least three points with different x, in the order of x; else everything is NaN. */
export function leastSquares(points: readonly (readonly [x: number, y: number])[]): FittedLine {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (n < 3 || spread === 0) return { slope: Number.NaN, intercept: Number.NaN, slopeError: Number.NaN, autocorrelation: Number.NaN };
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const intercept = meanY - slope * meanX;
  const residuals = points.map(([x, y]) => y - intercept - slope * x);
  const squares = residuals.reduce((sum, one) => sum + one ** 2, 0);
  const neighbours = residuals.slice(1).reduce((sum, one, i) => sum + one * (residuals[i] as number), 0);
  const autocorrelation = squares === 0 ? 0 : Math.min(mostAutocorrelation, Math.max(0, neighbours / squares));
  const plain = Math.sqrt(squares / (n - 2) / spread);
  return { slope, intercept, slopeError: plain * Math.sqrt((1 + autocorrelation) / (1 - autocorrelation)), autocorrelation };
}

/** True where the slope is further from zero than chance explains. Also true where nothing can be said: unknown is no success. */
export function hasSlope({ slope, slopeError }: FittedLine): boolean {
  return !(Math.abs(slope) <= notable * slopeError);
}
