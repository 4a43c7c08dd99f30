import type { ConsoleErrorCode } from "@mailfleet/core/console";
import type { RolePanel } from "@mailfleet/role";
import { judgeHealth } from "@mailfleet/telemetry";
import type { EventStreams } from "./http/event-streams.ts";
import type { LiveFleet } from "./fleet/live-fleet.ts";

/** What a running console tells about itself. */
export interface ShownConsole {
  answered(status: number): void;
  refused(code: ConsoleErrorCode): void;
  drains(): void;
}

/** Beside the pages, which scrapers know no login of. Counts nothing where nobody can ask. */
export function showConsole(
  { metrics, judgeBy }: RolePanel,
  { live, streams }: { readonly live: Pick<LiveFleet, "signs">; readonly streams: Pick<EventStreams, "size"> },
): ShownConsole {
  let isDraining = false;
  metrics?.onScrape(() => {
    metrics.set("lastSign", {}, live.signs.sinceRoundMs / 1_000);
    metrics.set("consoleStreams", {}, streams.size);
  });
  judgeBy(() => judgeHealth({ ...live.signs, isDraining, holds: [] }));
  return {
    answered: (status) => metrics?.add("consoleRequests", { status: `${Math.floor(status / 100)}xx` }),
    refused: (code) => metrics?.add("consoleRefusals", { code }),
    drains() {
      isDraining = true;
    },
  };
}
