import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Theme = "light" | "dark";
type Rgb = readonly [r: number, g: number, b: number];

const sheet = readFileSync(new URL("styles/tokens.css", import.meta.url), "utf8");
const tokens = new Map(
  [...sheet.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name = "", light = "", dark = ""]) => [
    name,
    { light, dark },
  ]),
);

function colour(name: string, theme: Theme): Rgb {
  const hex = tokens.get(name)?.[theme];
  if (hex === undefined) throw new Error(`no token ${name}`);
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

const linear = (part: number): number => (part / 255 <= 0.040_45 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);

function luminance([r, g, b]: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** WCAG 2.2. */
function contrast(a: Rgb, b: Rgb): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const least = (name: string, theme: Theme, on: readonly string[]): number =>
  Math.min(...on.map((ground) => contrast(colour(name, theme), colour(ground, theme))));

/** To one digit, as the table of the specification has it. */
const rounded = (value: number): number => Math.round(value * 10) / 10;

const grounds = ["canvas", "surface", "raised"];
const roles = ["calm", "moving", "late", "yours", "off"];

test.each([
  ["text", grounds, 13.1, 10.8],
  ["text", ["selected"], 4.8, 5.6],
  ["muted", grounds, 5.6, 5.9],
  ["muted", ["selected"], 4.8, 5.6],
  ["accent", grounds, 4.9, 6.1],
  ["accent", ["selected"], 4.8, 5.6],
  ["on-accent", ["accent"], 6.1, 8.7],
  ["edge", ["surface", "canvas"], 3.4, 5],
  ["calm", ["calm-tint"], 5.5, 7.3],
  ["moving", ["moving-tint"], 5.2, 6.9],
  ["late", ["late-tint"], 5.2, 8.1],
  ["yours", ["yours-tint"], 6.6, 6.6],
  ["off", ["off-tint"], 6.1, 6.8],
  ["calm-bar", ["surface"], 3.3, 4.4],
  ["moving-bar", ["surface"], 5.9, 6.1],
  ["late-bar", ["surface"], 4.1, 9.4],
  ["yours-bar", ["surface"], 7.9, 4.3],
  ["off-bar", ["surface"], 7.9, 7.7],
] as const)("%s on %j keeps its contrast in both themes", (name, on, light, dark) => {
  expect(rounded(least(name, "light", on))).toBeGreaterThanOrEqual(light);
  expect(rounded(least(name, "dark", on))).toBeGreaterThanOrEqual(dark);
});

test("text of every role is readable on every ground that it stands on", () => {
  for (const theme of ["light", "dark"] as const) {
    for (const role of roles) expect(least(role, theme, ["canvas", "surface"]), `${role}, ${theme}`).toBeGreaterThanOrEqual(4.5);
  }
});

/** OKLab of linear light, times 100. */
function oklab([r, g, b]: readonly number[] & { readonly length: 3 }): Rgb {
  const l = Math.cbrt(0.412_221_470_8 * (r ?? 0) + 0.536_332_536_3 * (g ?? 0) + 0.051_445_992_9 * (b ?? 0));
  const m = Math.cbrt(0.211_903_498_2 * (r ?? 0) + 0.680_699_545_1 * (g ?? 0) + 0.107_396_956_6 * (b ?? 0));
  const s = Math.cbrt(0.088_302_461_9 * (r ?? 0) + 0.281_718_837_6 * (g ?? 0) + 0.629_978_700_5 * (b ?? 0));
  return [
    100 * (0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s),
    100 * (1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s),
    100 * (0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s),
  ];
}

/** Machado, Oliveira and Fernandes 2009, severity 1, on linear light. */
const sights: Readonly<Record<string, readonly (readonly number[])[]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(rgb: Rgb, matrix: readonly (readonly number[])[]): Rgb {
  const light = rgb.map(linear);
  const mixed = matrix.map((row) =>
    Math.max(
      0,
      Math.min(
        1,
        row.reduce((sum, share, i) => sum + share * (light[i] ?? 0), 0),
      ),
    ),
  );
  return oklab(mixed as unknown as Rgb);
}

test.each([
  ["light", 11.3],
  ["dark", 10.8],
] as const)("no two bars look alike to anybody, %s", (theme, leastDistance) => {
  const distances = Object.entries(sights).flatMap(([sight, matrix]) =>
    roles.flatMap((a, i) =>
      roles.slice(i + 1).map((b) => {
        const [x, y] = [a, b].map((role) => seen(colour(`${role}-bar`, theme), matrix));
        return { pair: `${a} and ${b}, ${sight}`, distance: Math.hypot(...[0, 1, 2].map((at) => (x?.[at] ?? 0) - (y?.[at] ?? 0))) };
      }),
    ),
  );
  const closest = distances.reduce((a, b) => (b.distance < a.distance ? b : a));
  expect(rounded(closest.distance), closest.pair).toBeGreaterThanOrEqual(leastDistance);
});

test("every colour of the sheets comes from a token", () => {
  const others = ["base", "layout", "parts", "charts", "uplot"].map((name) =>
    readFileSync(new URL(`styles/${name}.css`, import.meta.url), "utf8"),
  );
  expect(others.flatMap((text) => [...text.matchAll(/#[0-9a-f]{3,8}\b/gi)].map(([hex]) => hex))).toEqual([]);
});
