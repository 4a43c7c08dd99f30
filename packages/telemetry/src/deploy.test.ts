import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { alertRules, alertsFile } from "./alert-rules.ts";
import { dashboard, dashboardQueries } from "./dashboard.ts";
import { metricCatalogue } from "./metric-catalogue.ts";
import { metricsDoc } from "./metrics-doc.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
/** The formatter pads tables. */
const unpadded = (text: string): string => text.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---");

test("what lies in deploy and docs is what the code makes; else run packages/telemetry/scripts/write-deploy.ts", () => {
  expect(read("deploy/prometheus/mailfleet-alerts.yml")).toBe(alertsFile());
  // A chart cannot read what lies outside of it.
  expect(read("deploy/helm/mailfleet/files/mailfleet-alerts.yml")).toBe(alertsFile());
  expect(JSON.parse(read("deploy/grafana/mailfleet.json"))).toEqual(dashboard());
  expect(unpadded(read("docs/metrics.md"))).toBe(unpadded(metricsDoc()));
});

test("rules and dashboard ask only for metrics that are shown", () => {
  const known = new Set<string>(Object.values(metricCatalogue).map(({ name }) => name));
  for (const expr of [...alertRules().map((rule) => rule.expr), ...dashboardQueries()]) {
    const names = (expr.match(/\bmailfleet_[a-z_]+/g) ?? []).map((name) => name.replace(/_(bucket|count|sum)$/, ""));
    for (const name of names) expect(known.has(name), `${name} in ${expr}`).toBe(true);
  }
});

test("rules and dashboard ask only for labels that the metric has", () => {
  const labelsOf = new Map<string, readonly string[]>(Object.values(metricCatalogue).map(({ name, labels }) => [name, labels]));
  for (const expr of [...alertRules().map((rule) => rule.expr), ...dashboardQueries()]) {
    for (const [, name = "", selector = ""] of expr.matchAll(/\b(mailfleet_[a-z_]+)\{([^}]*)\}/g)) {
      const labels = labelsOf.get(name.replace(/_(bucket|count|sum)$/, "")) ?? [];
      for (const [, label = ""] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)) expect(labels, expr).toContain(label);
    }
  }
});

test("each alert leads to a section that is there, and says what a person can do", () => {
  for (const { alert, page, summary, description } of alertRules()) {
    const anchors = [...read(`docs/${page.file}`).matchAll(/^## (.+)$/gm)].map(([, title = ""]) => title.toLowerCase());
    expect(anchors, alert).toContain(page.anchor);
    for (const text of [summary, description]) {
      expect(text, alert).not.toMatch(/undefined|\$\{|NaN| {2}/);
      expect(text.length, alert).toBeGreaterThan(10);
    }
  }
});

test("names of alerts are unique", () => {
  const names = alertRules().map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
});
