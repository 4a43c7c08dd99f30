import { formatAge, formatClock, formatRate } from "@mailfleet/core/browser";
import type { HistoryColumns } from "@mailfleet/core/console";
import uPlot from "uplot";
import { type ChartName, sumOf, tickWords, toMinutes } from "../model/charts.ts";
import type { ViewContext } from "./page.ts";

const drawn = new WeakMap<HTMLElement, { readonly plot: uPlot; readonly key: string }>();
const height = 200;
let isStyled = false;

/** Draws or brings up to date. The canvas knows nothing of tokens: colours are resolved here, and it is made anew with another theme. */
export function drawChart(name: ChartName, box: HTMLElement, columns: HistoryColumns, context: ViewContext): void {
  addStyle();
  const colours = coloursOf(box);
  const width = Math.floor(box.clientWidth);
  if (width === 0) return;
  const data = dataOf(name, columns, context);
  const key = `${columns.span} ${Object.values(colours).join(" ")} ${context.zone}`;
  const before = drawn.get(box);
  if (before?.key === key) {
    if (before.plot.width !== width) before.plot.setSize({ width, height });
    before.plot.setData(data);
    return;
  }
  before?.plot.destroy();
  drawn.set(box, { plot: new uPlot(optionsOf(name, columns, context, colours, width), data, box), key });
}

function addStyle(): void {
  if (isStyled) return;
  isStyled = true;
  // Ours behind the library's, which it changes.
  for (const name of ["uplot/style", "uplot/tokens"]) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = import.meta.resolve(name);
    document.head.append(link);
  }
}

const tokens = ["text", "muted", "hairline", "calm-bar", "moving-bar", "late-bar", "off-bar", "surface"] as const;

type Colours = Readonly<Record<(typeof tokens)[number], string>>;

/** What `light-dark()` comes to at this element now. */
function coloursOf(box: HTMLElement): Colours {
  const probe = document.createElement("span");
  box.append(probe);
  const colours = Object.fromEntries(
    tokens.map((token) => {
      probe.style.setProperty("color", `var(--${token})`);
      return [token, getComputedStyle(probe).color];
    }),
  ) as Colours;
  probe.remove();
  return colours;
}

function dataOf(name: ChartName, columns: HistoryColumns, { frame }: ViewContext): uPlot.AlignedData {
  const seconds = columns.at.map((at) => at / 1_000);
  if (name === "rate") return [seconds, sumOf(columns), [...columns.fresh]];
  const limit = frame.freshWithinMs / 60_000;
  return [seconds, toMinutes(columns.worst), toMinutes(columns.p99), toMinutes(columns.p50), seconds.map(() => limit)];
}

function optionsOf(name: ChartName, columns: HistoryColumns, context: ViewContext, colours: Colours, width: number): uPlot.Options {
  const { zone } = context;
  const axis = {
    stroke: colours.muted,
    grid: { stroke: colours.hairline, width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const tick = (seconds: number): string => tickWords(seconds * 1_000, columns.span, { now: seconds * 1_000, zone });
  const words = name === "rate" ? (value: number) => formatRate(value) : (minutes: number) => formatAge(minutes * 60_000);
  const line = (label: string, stroke: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({
    label,
    stroke,
    width: 1.5,
    points: { show: false },
    spanGaps: false,
    value: (_plot, value, _series, index) => (index === null ? "" : value === null ? "not recorded" : words(value)),
    ...more,
  });
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    // One cursor reads all charts of the page.
    cursor: { sync: { key: "time" }, y: false, points: { size: 6 } },
    legend: { live: true },
    scales: {
      x: { time: true },
      y: name === "rate" ? { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } : { distr: 3, log: 10 },
    },
    axes: [
      { ...axis, space: 70, values: (_plot, splits) => splits.map(tick) },
      { ...axis, size: name === "rate" ? 56 : 80, values: (_plot, splits) => splits.map((value) => (value === null ? "" : words(value))) },
    ],
    series: [
      { label: "At", value: (_plot, seconds) => (seconds === null ? "" : formatClock(seconds * 1_000, { now: context.now, zone })) },
      ...(name === "rate"
        ? [
            line("with history", colours["moving-bar"], { fill: colours["moving-bar"] }),
            line("fresh", colours["calm-bar"], { fill: colours["calm-bar"] }),
          ]
        : [
            line("the worst", colours["late-bar"]),
            line("99 of 100", colours["moving-bar"]),
            line("half of them", colours["calm-bar"], { width: 2 }),
            line("fresh within", colours["off-bar"], { dash: [6, 4], width: 1 }),
          ]),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, columns, colours)] },
  };
}

/** Vertical lines where something was changed by people or stopped. */
function drawMarks(plot: uPlot, { marks }: HistoryColumns, colours: Colours): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colours.text;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { at } of marks) {
    const x = Math.round(plot.valToPos(at / 1_000, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
