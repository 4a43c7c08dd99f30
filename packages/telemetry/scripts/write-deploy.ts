// Writes docs/metrics.md, deploy/prometheus, deploy/grafana and the rules of the chart anew: `node packages/telemetry/scripts/write-deploy.ts`, then `npx oxfmt docs deploy`.
import { mkdirSync, writeFileSync } from "node:fs";
import { alertsFile, dashboard, metricsDoc } from "../src/index.ts";

const root = new URL("../../../", import.meta.url);
for (const dir of ["deploy/prometheus", "deploy/grafana", "deploy/helm/mailfleet/files"])
  mkdirSync(new URL(dir, root), { recursive: true });
writeFileSync(new URL("docs/metrics.md", root), metricsDoc());
writeFileSync(new URL("deploy/prometheus/mailfleet-alerts.yml", root), alertsFile());
writeFileSync(new URL("deploy/helm/mailfleet/files/mailfleet-alerts.yml", root), alertsFile());
writeFileSync(new URL("deploy/grafana/mailfleet.json", root), `${JSON.stringify(dashboard(), undefined, 2)}\n`);
