import type { Config } from "@mailfleet/config";
import type { Log } from "@mailfleet/core";
import type { ConsoleErrorCode } from "@mailfleet/core/console";
import { programVersion } from "@mailfleet/runtime";
import { createRoleMetrics, judgeHealth, startRoleServer } from "@mailfleet/telemetry";
import type { EventStreams } from "./http/event-streams.ts";
import type { LiveFleet } from "./fleet/live-fleet.ts";

/** What a running console tells about itself. */
export interface ShownConsole {
  answered(status: number): void;
  refused(code: ConsoleErrorCode): void;
  drains(): void;
  close(): void;
}

const silent: ShownConsole = { answered: () => undefined, refused: () => undefined, drains: () => undefined, close: () => undefined };

/**
 * `/metrics`, `/healthz` and `/readyz` on `metrics.listen`, an address of their own: scrapers know no login, and pages no scraper. Counts
 * nothing where nobody can ask.
 * @throws SyncError CONFIG_INVALID when the address cannot be had
 */
export async function showConsole(
  config: Config,
  log: Log,
  { live, streams }: { readonly live: Pick<LiveFleet, "signs">; readonly streams: Pick<EventStreams, "size"> },
): Promise<ShownConsole> {
  if (!config.metrics) return silent;
  const metrics = createRoleMetrics({ role: "console", version: programVersion(new URL("../package.json", import.meta.url)) });
  let isDraining = false;
  metrics.onScrape(() => {
    metrics.set("lastSign", {}, live.signs.sinceRoundMs / 1_000);
    metrics.set("consoleStreams", {}, streams.size);
  });
  const server = await startRoleServer({
    listen: config.metrics.listen,
    metrics,
    log,
    health: () => judgeHealth({ ...live.signs, isDraining, holds: [] }),
  });
  log.info({ port: server.port }, "metrics and health are shown");
  return {
    answered: (status) => metrics.add("consoleRequests", { status: `${Math.floor(status / 100)}xx` }),
    refused: (code) => metrics.add("consoleRefusals", { code }),
    drains() {
      isDraining = true;
    },
    close: () => server.close(),
  };
}
