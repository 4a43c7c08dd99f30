/** A line across the chart that figures are measured by. */
export interface ChartMark {
  readonly value: number;
  readonly label: string;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What stands behind the bar; absent: the value and the unit. */
  readonly text?: string;
  /** mailfleet's own among others. */
  readonly isOwn?: boolean;
}

export interface BarChart {
  readonly title: string;
  /** What was run, where. */
  readonly note?: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  readonly mark?: ChartMark;
}

export interface LineSeries {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly note?: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly LineSeries[];
  readonly mark?: ChartMark;
}

const width = 760;
/** Of a letter of 13 pixels at most, on average: what is drawn here cannot be measured. */
const letterWidth = 7.2;
const gap = 10;
const rowHeight = 34;
const barHeight = 20;
const top = 64;
const plot = { left: 64, right: 24, height: 260, below: 52 };
/** Of lines; more could not be told apart. */
const colours = ["a", "b", "c", "d"] as const;
/** Points of a line: more than the picture has pixels for would only make it large. */
const mostPoints = 360;
const ticksWanted = 5;

const style = `
svg { --ink: #1f2328; --muted: #59636e; --grid: #d1d9e0; --paper: #ffffff; --a: #0969da; --b: #bc4c00; --c: #1a7f37; --d: #8250df }
@media (prefers-color-scheme: dark) {
  svg { --ink: #f0f6fc; --muted: #9198a1; --grid: #3d444d; --paper: #0d1117; --a: #4493f8; --b: #db6d28; --c: #3fb950; --d: #ab7df8 }
}
text { font: 13px system-ui, sans-serif; fill: var(--ink); user-select: text }
.title { font-size: 16px; font-weight: 600 }
.muted { fill: var(--muted); font-size: 12px }
.paper { fill: var(--paper) }
.grid { stroke: var(--grid) }
.mark { stroke: var(--ink); stroke-dasharray: 5 4 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
.other { fill: var(--muted) }
${colours.map((one) => `.fill-${one} { fill: var(--${one}) } .line-${one} { stroke: var(--${one}) }`).join("\n")}`;

/** Horizontal bars from zero. SVG without scripts, in the reader's light or dark colours, every figure as text that can be selected. */
export function drawBars(chart: BarChart): string {
  const { bars, mark, unit } = chart;
  const most = Math.max(...bars.map(({ value }) => value), mark?.value ?? 0);
  const texts = bars.map((bar) => bar.text ?? `${formatNumber(bar.value)} ${unit}`);
  const widest = (some: readonly string[]): number => Math.ceil(Math.max(...some.map(({ length }) => length)) * letterWidth) + 2 * gap;
  const labelWidth = widest(bars.map(({ label }) => label));
  const room = width - labelWidth - widest(texts);
  const x = (value: number): number => at(labelWidth + (most > 0 ? (Math.max(0, value) / most) * room : 0));
  const bottom = top + bars.length * rowHeight;
  const rows = bars.map((bar, i) => {
    const y = top + i * rowHeight;
    return [
      `<text x="${labelWidth - gap}" y="${y + 15}" text-anchor="end">${escapeXml(bar.label)}</text>`,
      `<rect class="${bar.isOwn === false ? "other" : "fill-a"}" x="${labelWidth}" y="${y}" width="${at(x(bar.value) - labelWidth)}" height="${barHeight}" rx="2"/>`,
      `<text x="${at(x(bar.value) + 8)}" y="${y + 15}">${escapeXml(texts[i] as string)}</text>`,
    ].join("\n");
  });
  const line = mark && [
    `<line class="mark" x1="${x(mark.value)}" x2="${x(mark.value)}" y1="${top - 8}" y2="${bottom}"/>`,
    `<text class="muted" x="${x(mark.value)}" y="${bottom + 16}" text-anchor="middle">${escapeXml(mark.label)}</text>`,
  ];
  return picture(chart, bottom + (mark ? 28 : 4), [...rows, ...(line ?? [])]);
}

/** Lines in the same manner; y from zero, x from the smallest to the largest. */
export function drawLines(chart: LineChart): string {
  const all = chart.series.flatMap(({ points }) => points);
  const [low, high] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  const yTicks = niceTicks(0, Math.max(chart.mark?.value ?? 0, ...all.map(([, y]) => y)));
  const most = yTicks.at(-1) || 1;
  const head = top + 20;
  const bottom = head + plot.height;
  const right = width - plot.right;
  const x = (value: number): number => at(plot.left + (high > low ? (value - low) / (high - low) : 0) * (right - plot.left));
  const y = (value: number): number => at(bottom - (value / most) * plot.height);
  const grid = yTicks.map(
    (tick) =>
      `<line class="grid" x1="${plot.left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      `<text class="muted" x="${plot.left - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${formatNumber(tick)}</text>`,
  );
  const below = niceTicks(low, high)
    .filter((tick) => tick >= low && tick <= high)
    .map((tick) => `<text class="muted" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${formatNumber(tick)}</text>`);
  const lines = chart.series.map(({ points }, i) => {
    const path = thinned(points).map(([px, py]) => `${x(px)},${y(py)}`);
    return `<polyline class="line line-${colours[i % colours.length]}" points="${path.join(" ")}"/>`;
  });
  const legend = chart.series.map(({ name }, i) => {
    const left = plot.left + (i * (right - plot.left)) / chart.series.length;
    return `<rect class="fill-${colours[i % colours.length]}" x="${at(left)}" y="${top - 8}" width="14" height="4"/><text x="${at(left + 20)}" y="${top - 1}">${escapeXml(name)}</text>`;
  });
  const mark = chart.mark && [
    `<line class="mark" x1="${plot.left}" x2="${right}" y1="${y(chart.mark.value)}" y2="${y(chart.mark.value)}"/>`,
    `<text class="muted" x="${right}" y="${at(y(chart.mark.value) - 6)}" text-anchor="end">${escapeXml(chart.mark.label)}</text>`,
  ];
  const names = [
    `<text class="muted" x="${at((plot.left + right) / 2)}" y="${bottom + 38}" text-anchor="middle">${escapeXml(chart.xLabel)}</text>`,
    `<text class="muted" x="12" y="${head - 10}">${escapeXml(chart.yLabel)}</text>`,
  ];
  return picture(chart, bottom + plot.below - 8, [...grid, ...below, ...lines, ...legend, ...(mark ?? []), ...names]);
}

/** Round numbers from at or below `low` to at or above `high`, about five of them. */
export function niceTicks(low: number, high: number): readonly number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / ticksWanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function picture({ title, note }: { readonly title: string; readonly note?: string }, height: number, body: readonly string[]): string {
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="100%" height="100%"/>`,
    `<text class="title" x="12" y="24">${escapeXml(title)}</text>`,
    ...(note === undefined ? [] : [`<text class="muted" x="12" y="42">${escapeXml(note)}</text>`]),
    ...body,
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

/** Groups of neighbours become their mean: what repeats within one pixel is not seen anyway. */
function thinned(points: LineSeries["points"]): LineSeries["points"] {
  const each = Math.ceil(points.length / mostPoints);
  if (each <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / each) }, (_, i) => {
    const some = points.slice(i * each, (i + 1) * each);
    const mean = (of: 0 | 1): number => some.reduce((sum, one) => sum + one[of], 0) / some.length;
    return [mean(0), mean(1)] as const;
  });
}

/** Three digits that count, thousands grouped. */
function formatNumber(value: number): string {
  const shown = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return shown.toLocaleString("en-US", { maximumFractionDigits: 6 });
}

function at(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
