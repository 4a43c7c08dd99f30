import { metricCatalogue as metrics } from "./metric-catalogue.ts";

interface Target {
  readonly expr: string;
  /** Of the legend; `{{tenant}}` is the label. */
  readonly legend: string;
}

interface PanelSpec {
  readonly title: string;
  readonly about: string;
  readonly kind: "timeseries" | "stat" | "table";
  readonly unit: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly isStacked?: boolean;
  readonly targets: readonly Target[];
}

const of = (name: string, labels = ""): string => `${name}{tenant=~"$tenant"${labels === "" ? "" : `,${labels}`}}`;
/** Every producer shows the whole fleet. */
const facts = (by: string, expr: string): string => `max by (${by}) (${expr})`;

/** The same questions in the same order as the console's Fleet page: is all well, who needs somebody, how old is what we know. */
const panels: readonly PanelSpec[] = [
  {
    title: "Mailboxes fresh",
    about: "Fresh and syncing, of all. What mailfleet status says in its first line.",
    kind: "stat",
    unit: "percentunit",
    width: 6,
    targets: [
      {
        expr: `sum(${facts("tenant, state", of(metrics.mailboxes.name, 'state=~"fresh|syncing"'))}) / sum(${facts("tenant, state", of(metrics.mailboxes.name))})`,
        legend: "fresh",
      },
    ],
  },
  {
    title: "Needs you",
    about: "Mailboxes that stand still until a person acts.",
    kind: "stat",
    unit: "none",
    width: 6,
    targets: [{ expr: `sum(${facts("tenant, code", of(metrics.causes.name, 'owner="you"'))}) or vector(0)`, legend: "mailboxes" }],
  },
  {
    title: "Unaccounted",
    about: "listed - handed off - excluded - quarantined - to do. Anything but 0 is a fault of mailfleet.",
    kind: "stat",
    unit: "none",
    width: 6,
    targets: [{ expr: `sum(${facts("tenant", of(metrics.unaccounted.name))})`, legend: "messages" }],
  },
  {
    title: "Oldest event in the queue",
    about: "How long the event that waits longest for a consumer has waited.",
    kind: "stat",
    unit: "s",
    width: 6,
    targets: [{ expr: `max(${metrics.oldestEvent.name})`, legend: "wait" }],
  },
  {
    title: "Mailboxes by state",
    about: "The states of mailfleet status; they add up to all mailboxes.",
    kind: "timeseries",
    unit: "none",
    width: 12,
    isStacked: true,
    targets: [{ expr: `sum by (state) (${facts("tenant, state", of(metrics.mailboxes.name))})`, legend: "{{state}}" }],
  },
  {
    title: "Messages handed off",
    about: "Fresh mail and history, per second.",
    kind: "timeseries",
    unit: "cps",
    width: 12,
    isStacked: true,
    targets: [{ expr: `sum by (lane) (rate(${of(metrics.handedOff.name)}[2m]))`, legend: "{{lane}}" }],
  },
  {
    title: "Age of the last check",
    about: "Over all mailboxes. The buckets are those of now, so no rate() is taken.",
    kind: "timeseries",
    unit: "s",
    width: 12,
    targets: [
      ...[0.5, 0.99].map((share) => ({
        expr: `histogram_quantile(${share}, sum by (le) (${facts("tenant, le", of(`${metrics.checkAge.name}_bucket`))}))`,
        legend: `p${share * 100}`,
      })),
      { expr: `max(${of(metrics.oldestCheck.name)})`, legend: "worst of those that nothing stops" },
    ],
  },
  {
    title: "Stopped mailboxes by cause",
    about: "By failure code; docs/errors.md says what each means and what to do.",
    kind: "timeseries",
    unit: "none",
    width: 12,
    isStacked: true,
    targets: [{ expr: `sum by (code) (${facts("tenant, code, owner", of(metrics.causes.name))})`, legend: "{{code}}" }],
  },
  {
    title: "Sessions and throttles",
    about: "Sessions that ended, and those that a server asked to wait.",
    kind: "timeseries",
    unit: "cps",
    width: 12,
    targets: [
      { expr: `sum by (lane) (rate(${of(metrics.sessions.name)}[2m]))`, legend: "{{lane}}" },
      { expr: `sum(rate(${of(metrics.throttled.name)}[2m]))`, legend: "asked to wait" },
    ],
  },
  {
    title: "Queues",
    about: "Mailboxes that wait for a worker, and events that wait for consumers.",
    kind: "timeseries",
    unit: "none",
    width: 12,
    targets: [
      { expr: `max by (lane) (${metrics.syncJobs.name})`, legend: "sync, {{lane}}" },
      { expr: `max by (state) (${metrics.events.name})`, legend: "events, {{state}}" },
    ],
  },
  {
    title: "Waiting longest for a worker",
    about: "How long the mailbox has been due that waits longest. Rises where workers or logins are too few.",
    kind: "timeseries",
    unit: "s",
    width: 12,
    targets: [{ expr: facts("tenant", of(metrics.dueLag.name)), legend: "{{tenant}}" }],
  },
  {
    title: "Memory and event loop of each role",
    about: "Resident memory, and how late the event loop is (p99).",
    kind: "timeseries",
    unit: "bytes",
    width: 12,
    targets: [
      { expr: `process_resident_memory_bytes and on (instance) ${metrics.build.name}`, legend: "{{instance}}" },
      { expr: `nodejs_eventloop_lag_p99_seconds and on (instance) ${metrics.build.name}`, legend: "{{instance}} loop, s" },
    ],
  },
  {
    title: "Credentials",
    about: "Days until each tenant's credential ends, where that is known.",
    kind: "table",
    unit: "d",
    width: 24,
    targets: [{ expr: `min by (tenant, credential) (${of(metrics.credentialDays.name)})`, legend: "{{tenant}} {{credential}}" }],
  },
];

const height = 8;

/** Every expression on it, for tests. */
export function dashboardQueries(): readonly string[] {
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

/** A dashboard for Grafana 11 and newer: import it, choose the Prometheus data source. */
export function dashboard(): object {
  let x = 0;
  let y = 0;
  const placed = panels.map((panel, i) => {
    const rows = panel.kind === "stat" ? height / 2 : height;
    if (x + panel.width > 24) [x, y] = [0, y + height];
    const place = { x, y, w: panel.width, h: rows };
    x += panel.width;
    if (x >= 24) [x, y] = [0, y + rows];
    return toPanel(panel, i + 1, place);
  });
  return {
    __inputs: [{ name: "DS_PROMETHEUS", label: "Prometheus", type: "datasource", pluginId: "prometheus" }],
    title: "mailfleet",
    uid: "mailfleet-fleet",
    tags: ["mailfleet"],
    timezone: "browser",
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-24h", to: "now" },
    templating: {
      list: [
        {
          name: "tenant",
          label: "Tenant",
          type: "query",
          datasource: { type: "prometheus", uid: "${DS_PROMETHEUS}" },
          query: `label_values(${metrics.mailboxes.name}, tenant)`,
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: ".*",
        },
      ],
    },
    panels: placed,
  };
}

function toPanel(panel: PanelSpec, id: number, gridPos: object): object {
  const { title, about, kind, unit, isStacked, targets } = panel;
  return {
    id,
    type: kind,
    title,
    description: about,
    gridPos,
    datasource: { type: "prometheus", uid: "${DS_PROMETHEUS}" },
    fieldConfig: {
      defaults: { unit, ...(kind === "timeseries" && { min: 0, custom: { stacking: { mode: isStacked ? "normal" : "none" } } }) },
      overrides: [],
    },
    targets: targets.map(({ expr, legend }, i) => ({
      refId: String.fromCodePoint("A".charCodeAt(0) + i),
      expr,
      legendFormat: legend,
      ...(kind === "table" && { instant: true, format: "table" }),
    })),
  };
}
