import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawBars, drawLines, niceTicks } from "./chart.ts";

/** Every opened element is closed in its order; an error of the picture is an error of the whole page for some readers. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, closing, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^>]*)>/g)) {
    if (closing === "/") {
      if (open.pop() !== name) return false;
    } else if (!(rest as string).endsWith("/")) open.push(name as string);
  }
  return open.length === 0;
}

const bars = drawBars({
  title: "Messages & <bytes>",
  note: "2 cores",
  unit: "messages/s",
  bars: [
    { label: 'the "obvious" loop', value: 1_000, isOwn: false },
    { label: "mailfleet", value: 2_000 },
    { label: "nothing", value: 0, text: "not run" },
  ],
  mark: { value: 1_500, label: "goal" },
});

describe("a bar chart", () => {
  test("is one document with a title, and all text is text", () => {
    expect(isWellFormed(bars)).toBe(true);
    expect(bars).toContain('<title id="title">Messages &amp; &lt;bytes&gt;</title>');
    for (const text of ["the &quot;obvious&quot; loop", "2,000 messages/s", "not run", "goal", "2 cores"])
      expect(bars).toContain(`>${text}<`);
  });

  test("has lengths in proportion", () => {
    const widths = [...bars.matchAll(/<rect class="(?:fill-a|other)"[^>]* width="([\d.]+)" height="20"/g)].map(([, one]) => Number(one));
    expect(widths).toEqual([expect.any(Number), 2 * (widths[0] as number), 0]);
    expect(widths[1]).toBeGreaterThan(300);
  });

  test("keeps long labels and long figures inside", () => {
    const label = "the same by TLS connections that share nothing";
    const svg = drawBars({ title: "", unit: "ms", bars: [{ label, value: 1, text: "3.44 ms, 13 round trips" }] });
    const [, start] = /<rect class="fill-a" x="(\d+)"/.exec(svg) ?? [];
    const [, end] = /<text x="([\d.]+)" y="79">3.44/.exec(svg) ?? [];
    expect(Number(start)).toBeGreaterThan(label.length * 7);
    expect(Number(end)).toBeLessThan(760 - 23 * 7);
  });

  test("follows the reader's colours, and needs nothing from elsewhere", () => {
    expect(bars).toContain("prefers-color-scheme: dark");
    expect(bars.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|<script|@import|url\(/);
  });
});

describe("a line chart", () => {
  const chart = (points: readonly (readonly [number, number])[]) =>
    drawLines({
      title: "Memory",
      xLabel: "minutes",
      yLabel: "MB",
      series: [{ name: "worker", points }],
      mark: { value: 512, label: "512 MB" },
    });

  test("has its lowest value at the bottom, its highest inside, and names its axes and lines", () => {
    const svg = chart([
      [0, 0],
      [10, 600],
    ]);
    expect(isWellFormed(svg)).toBe(true);
    const [[, points] = []] = [...svg.matchAll(/points="([^"]+)"/g)];
    expect(points).toBe("64,344 736,84");
    for (const text of ["worker", "minutes", "MB", "512 MB"]) expect(svg).toContain(`>${text}<`);
  });

  test("of an hour's samples stays small", () => {
    const svg = chart(Array.from({ length: 100_000 }, (_, i) => [i, 300 + (i % 7)] as const));
    expect(svg.length).toBeLessThan(20_000);
    expect(isWellFormed(svg)).toBe(true);
  });

  test("of one point, or of points at one height, has no number that is none", () => {
    for (const svg of [
      chart([[1, 5]]),
      chart([
        [0, 0],
        [1, 0],
      ]),
      drawLines({ title: "", xLabel: "", yLabel: "", series: [{ name: "", points: [[0, 0]] }] }),
    ])
      expect(svg).not.toMatch(/NaN|Infinity/);
  });
});

describe("ticks", () => {
  test.each([
    [0, 600, [0, 200, 400, 600]],
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [3, 12, [2, 4, 6, 8, 10, 12]],
    [5, 5, [5]],
  ])("from %d to %d are %j", (low, high, expected) => {
    expect(niceTicks(low, high)).toEqual(expected);
  });

  test("reach over both ends, with steps of one size", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (low, range) => {
        const ticks = niceTicks(low, low + range);
        expect(ticks[0]).toBeLessThanOrEqual(low);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(low + range);
        expect(ticks.length).toBeLessThanOrEqual(12);
      }),
    );
  });
});
