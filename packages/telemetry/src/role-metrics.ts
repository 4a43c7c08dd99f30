import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type MetricName, metricCatalogue, type MetricSpec } from "./metric-catalogue.ts";

type Labels = Readonly<Record<string, string>>;

/** What a role counts and shows; it is read by one scrape at a time. */
export interface RoleMetrics {
  add(name: MetricName, labels: Labels, by?: number): void;
  /** Of a counter that somebody else keeps: what it stands at. Going back counts as a start from 0. */
  standsAt(name: MetricName, labels: Labels, value: number): void;
  set(name: MetricName, labels: Labels, value: number): void;
  observe(name: MetricName, labels: Labels, value: number): void;
  /** Forgets all label sets of these: what is gone must not stay as it was. */
  clear(...names: readonly MetricName[]): void;
  /** Called before each reading. What it rejects with fails the scrape. */
  onScrape(look: () => Promise<void> | void): void;
  /** Prometheus' text format, version 0.0.4. */
  read(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** @param base labels of `mailfleet_build_info` */
export function createRoleMetrics(base: { readonly role: string; readonly version: string }): RoleMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const made = new Map<MetricName, Counter | Gauge | Histogram>();
  const looks: (() => Promise<void> | void)[] = [];
  const stood = new Map<string, number>();
  let reading: Promise<{ contentType: string; text: string }> | undefined;

  const instrument = (name: MetricName): Counter | Gauge | Histogram => {
    const known = made.get(name);
    if (known) return known;
    const spec: MetricSpec = metricCatalogue[name];
    const common = { name: spec.name, help: spec.help, labelNames: [...spec.labels], registers: [registry] };
    const one =
      spec.type === "counter"
        ? new Counter(common)
        : spec.type === "gauge"
          ? new Gauge(common)
          : new Histogram({ ...common, ...(spec.buckets && { buckets: [...spec.buckets] }) });
    made.set(name, one);
    return one;
  };
  const typed = <T extends Counter | Gauge | Histogram>(name: MetricName, kind: new (...args: never[]) => T): T => {
    const one = instrument(name);
    if (one instanceof kind) return one;
    throw new TypeError(`${metricCatalogue[name].name} is a ${metricCatalogue[name].type}`);
  };

  const metrics: RoleMetrics = {
    add(name, labels, by = 1) {
      typed(name, Counter).inc(labels, by);
    },
    standsAt(name, labels, value) {
      const key = `${name} ${JSON.stringify(labels)}`;
      const before = stood.get(key) ?? 0;
      stood.set(key, value);
      typed(name, Counter).inc(labels, value >= before ? value - before : value);
    },
    set(name, labels, value) {
      typed(name, Gauge).set(labels, value);
    },
    observe(name, labels, value) {
      typed(name, Histogram).observe(labels, value);
    },
    clear(...names) {
      for (const name of names) made.get(name)?.reset();
    },
    onScrape(look) {
      looks.push(look);
    },
    read() {
      reading ??= (async () => {
        for (const look of looks) await look();
        return { contentType: registry.contentType, text: await registry.metrics() };
      })().finally(() => (reading = undefined));
      return reading;
    },
  };
  metrics.set("build", { version: base.version, role: base.role }, 1);
  return metrics;
}
