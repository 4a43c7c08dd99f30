import type { Config } from "@mailfleet/config";
import { type RoleStart, type RunningRole, runRole } from "@mailfleet/role";
import { goLast, systemClock } from "@mailfleet/runtime";
import { runWorker } from "./run-worker.ts";
import { showWorker } from "./show-metrics.ts";
import { beginParser, type BegunParser, wireWorker } from "./wire.ts";

interface Ahead {
  readonly isLast: boolean;
  readonly parser: BegunParser;
}

function ahead(config: Config): Ahead {
  // Before there are threads, which have the priority of the one that began them.
  const isLast = config.worker.lane === "backfill" && goLast();
  return { isLast, parser: beginParser(config) };
}

async function begin(start: RoleStart, { isLast, parser }: Ahead): Promise<RunningRole> {
  const parts = await wireWorker(start, parser);
  const shown = showWorker(start.panel, systemClock);
  const worker = runWorker(start.config, parts, shown.signs);
  shown.open({ tenants: parts.tenants, tokens: parts.tokenStats, active: () => worker.active(), push: () => worker.push() });
  parts.credentialDesk.start();
  return {
    facts: { node: process.versions.node, name: parts.name, lane: start.config.worker.lane, ...(isLast && { isLast }) },
    async stop() {
      const { finished, cut } = await worker.drain();
      await parts.close();
      return { finished, cut };
    },
  };
}

const worker = { name: "worker", manifest: new URL("../package.json", import.meta.url), marksShards: true, ahead, begin } as const;
// Not by itself: the IPC channel of a parent and clients that wait for a dead Redis would keep the process alive.
process.exit(await runRole(worker, process.env));
