import { browserFiles, pageNames, shellPage, readPreferences } from "@mailfleet/web";
import { expect, test } from "vitest";
import { readBrowserModules } from "./browser-modules.ts";
import { browserSetOf } from "./browser-set.ts";

/** What is loaded before anything is seen, compressed: a budget of our own, which each page keeps. */
const firstViewBytes = 40_000;
/** Charts come after the rows, and may take as much again. */
const chartBytes = 40_000;

const given = browserFiles();
const set = browserSetOf(given, readBrowserModules(given));
const bytesOf = (path: string): number => set.files.get(path)?.br.length ?? Number.NaN;
const sum = (paths: Iterable<string>): number => [...paths].reduce((all, path) => all + bytesOf(path), 0);

test.each(pageNames)("the first view of %s is within its bytes", (page) => {
  expect(sum([...set.styles, set.entry(page), ...set.preload(page)])).toBeLessThanOrEqual(firstViewBytes);
});

test("the shell around it is small", () => {
  const shell = shellPage({
    page: "fleet",
    title: "Fleet",
    heading: "",
    data: {},
    preferences: readPreferences(undefined),
    letters: 0,
    styles: set.styles,
    importMap: set.importMap,
    entry: set.entry("fleet"),
    preload: set.preload("fleet"),
  });
  expect(shell.length).toBeLessThanOrEqual(12_000);
});

test("charts load what they need after the rows, within their bytes", () => {
  const first = new Set(set.preload("fleet"));
  const later = [...set.files.keys()].filter((path) => /\/uplot\/|\/chart-|\/parts\/charts|\/model\/charts/.test(path));
  expect(later.filter((path) => first.has(path))).toEqual([]);
  expect(sum(later)).toBeLessThanOrEqual(chartBytes);
});
