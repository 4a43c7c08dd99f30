import { metricCatalogue, type MetricSpec } from "./metric-catalogue.ts";

/** `docs/metrics.md`, whole. */
export function metricsDoc(): string {
  const rows = Object.values(metricCatalogue).map(
    ({ name, type, labels, role, help }: MetricSpec) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${role} | ${help} |`,
  );
  return `${head}\n| metric | type | labels | shown by | what it says |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n\n${tail}`;
}

const head = `# Metrics and health

This page is made from the code; a test keeps both equal. Names and labels are public: they change only with a major version.

\`\`\`yaml
metrics: { listen: 127.0.0.1:9464 } # or MAILFLEET_METRICS_LISTEN
\`\`\`

Each producer, worker and console then shows, without login, on that address:

- \`/metrics\` for Prometheus, with Node's own metrics of the process (memory, event loop, garbage collection) beside those below;
- \`/healthz\`: 200 while the process makes progress, 503 when only a restart helps: no round of its work ended for 2 min, or sessions are at work and none
  ended for 30 min. It does not ask whether a socket is open, and Redis being away is no reason to restart anybody;
- \`/readyz\`: 200 while it does its work, 503 with the reason while it does not: Redis does not answer, the disk is nearly full, it drains. A lane without a worker
  is no trouble of any process, and stopping one would mend nothing: the metrics and an alert tell it.

\`mailfleet up\` gives its roles one port after the other, from that of \`metrics.listen\` on: producers first, then workers, then the console. A role that is
started by itself takes that port. Whoever reaches it can read tenants' names and numbers, and no mailbox, subject or address: let only Prometheus reach it.
`;

const tail = `Facts of the fleet are shown by each producer, from Redis, and read anew at most every 5 s: two producers show the same fleet twice, so queries take
\`max by (tenant, ...)\` of them before they sum. Counters are of the process; Prometheus adds them up.

Rules and a dashboard that use these metrics are in \`deploy/prometheus\` and \`deploy/grafana\`; [runbook.md](runbook.md) says what each alert means.
`;
