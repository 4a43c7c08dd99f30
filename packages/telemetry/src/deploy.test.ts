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
  const asked = alertRules().flatMap(({ expr, summary, description }) => [expr, summary, description]);
  for (const expr of [...asked, ...dashboardQueries()]) {
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

test("an alert about what the sentence counts says the sentence and nothing else, and its own words while no producer shows one", () => {
  const template =
    /^\{\{ with query "max by \(sentence\) \((\w+)\)" \}\}\{\{ \. \| first \| label "sentence" \}\}\{\{ else \}\}(.+)\{\{ end \}\}$/;
  const said = new Map(alertRules().map(({ alert, summary }) => [alert, template.exec(summary)?.slice(1)]));
  const { name } = metricCatalogue.sentence;
  expect(said.get("MailfleetEntraCredentialExpired")).toEqual([name, "{{ $labels.tenant }}: its client secret expired a while ago"]);
  expect(said.get("MailfleetBehind")).toEqual([name, "{{ $labels.tenant }}: {{ $value }} mailboxes are behind"]);
  // The sentence does not speak of these: with it, a ticket would say that all is well.
  for (const alert of ["MailfleetCredentialEnds", "MailfleetUnaccounted", "MailfleetNoProducer"])
    expect(said.get(alert), alert).toBeUndefined();
  const ofCauses = alertRules().filter(({ page }) => page.file === "errors.md");
  expect(ofCauses.filter(({ alert }) => said.get(alert) === undefined)).toEqual([]);
});

test("names of alerts are unique", () => {
  const names = alertRules().map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
});
