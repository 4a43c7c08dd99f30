import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pictureFile, storedFacts, terminalPictures } from "./pictures.ts";
import { terminalBytes } from "./terminal-bytes.ts";
import { terminalSvg } from "./terminal-svg.ts";

test("the README's picture of a terminal is what the program writes today; npm run pictures draws it", () => {
  for (const [name, svg] of Object.entries(terminalPictures(storedFacts()))) {
    expect(readFileSync(pictureFile(name), "utf8"), name).toBe(svg);
    expect(svg.length).toBeLessThan(200_000);
  }
});

test("no line of it is wider than the terminal", () => {
  const lines = terminalBytes(storedFacts())
    .replaceAll(/\u001b\[\d+m/g, "")
    .split("\n");
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
});

test("what is drawn holds colours and columns, and nothing of the text is markup", () => {
  const svg = terminalSvg("  \u001b[32m✓\u001b[39m a <b> & c\n", 40, "dark", "a <title>");
  expect(svg).toContain('fill="#7cc9b0">✓</text>');
  expect(svg).toContain(">a &lt;b> &amp; c</text>");
  expect(svg).toContain("a &lt;title></title>");
});

test("what stands apart by more than a space has a place of its own, as renderers take spaces together", () => {
  const places = [...terminalSvg("  left    right one\n", 40, "light", "").matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)</g)].map(
    ([, x, words]) => [x, words],
  );
  expect(places.slice(1)).toEqual([
    ["30.8", "left"],
    ["98", "right one"],
  ]);
});

test("a terminal that is told to redraw is no picture", () => {
  expect(() => terminalSvg("\u001b[2A\r\u001b[J", 40, "light", "")).toThrow("more than colours");
});
