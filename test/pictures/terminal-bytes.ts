import { PassThrough } from "node:stream";
import { viewFleet } from "@mailfleet/core";
import type { Cli } from "../../apps/cli/src/cli.ts";
import { createTerminal } from "../../apps/cli/src/terminal.ts";
import { createReporter } from "../../apps/cli/src/up/reporter.ts";
import type { RunningFleet } from "../../apps/cli/src/up/start-fleet.ts";
import { type FleetFacts, latestOf, pictureNow, pictureSyncMs, recordsOf } from "./fleet-facts.ts";

export const pictureColumns = 100;
const freshWithinMs = 600_000;

/** What `npm start` writes to a terminal of 100 columns once the first sync is done: by the reporter that it uses, for the fleet of the facts. */
export function terminalBytes(facts: FleetFacts): string {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: pictureColumns, rows: 50 });
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const terminal = createTerminal({ stdout: stream, stderr: stream, env: { LANG: "en_GB.UTF-8" }, color: "always", progress: "auto" });
  const cli = { terminal, stderr: stream, cwd: "/checkout", isJson: false } as unknown as Cli;
  const reporter = createReporter(cli, false);
  const records = recordsOf(facts);
  reporter.started({ fleet: startedFleet(facts), records: [], workers: 1 });
  reporter.show({
    view: viewFleet(records, pictureNow, freshWithinMs),
    isSyncing: false,
    rate: 0.5,
    latest: latestOf(facts),
    isStopping: false,
    isSandbox: true,
    options: "",
    now: pictureNow,
    firstSync: {
      ms: pictureSyncMs,
      handedOff: records.reduce((sum, { ledger }) => sum + ledger.handedOff, 0),
      finished: records.filter(({ cause }) => cause === undefined).length,
      mailboxes: records.length,
    },
  });
  reporter.close();
  stream.read();
  return text;
}

/** As much of it as the first lines tell. */
function startedFleet({ tenants, mailboxes }: FleetFacts): RunningFleet {
  const names = [...new Set(mailboxes.map(({ tenant }) => tenant))];
  const parts = {
    console: "http://127.0.0.1:8025",
    sandbox: { configFile: "", tenants, mailboxes: mailboxes.length, messages: 0 },
    redis: { url: "redis://127.0.0.1:6379", isPrivate: true, adopted: false, target: { port: 6379 } },
    config: {
      tenants: Object.fromEntries(names.map((name) => [name, { mailboxes: [] }])),
      console: { listen: { host: "127.0.0.1", port: 8025 } },
    },
    dataDir: "/checkout/.mailfleet",
    log: { path: "/checkout/.mailfleet/mailfleet.log" },
  };
  return parts as unknown as RunningFleet;
}
