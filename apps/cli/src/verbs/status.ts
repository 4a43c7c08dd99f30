import type { Command } from "commander";
import { systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { withCommonOptions } from "../common-options.ts";
import { viewFleet } from "../fleet-view.ts";
import { expiringSecrets, renderStatus, statusJson } from "../status-report.ts";
import { readIntake } from "../read-intake.ts";
import { locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet status                          the sandbox that runs here
  npx mailfleet status --config mailfleet.yaml  your fleet
  npx mailfleet status --json | jq .causes      for programs
`;

/** Between two looks at the ledgers, for messages per second. */
const rateMs = 1_000;

export function addStatusVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("status"))
    .description("the fleet in one screen: is all well, what needs you, what recovers by itself")
    .addHelpText("before", examples)
    .action(bind<CommonOptions>(status));
}

async function status(cli: Cli, options: CommonOptions): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  try {
    const { reader } = fleet;
    const before = await reader.tenantLedgers();
    const beforeMs = systemClock.monotonic();
    await systemClock.sleep(rateMs);
    const [at, records, after, processes, { load, words }] = [
      await reader.now(),
      await reader.mailboxes(),
      await reader.tenantLedgers(),
      await reader.processes(),
      await readIntake(fleet, config),
    ];
    const seconds = (systemClock.monotonic() - beforeMs) / 1_000;
    const rates = new Map(
      [...after].map(([tenant, ledger]) => [tenant, Math.max(0, ledger.handedOff - (before.get(tenant)?.handedOff ?? 0)) / seconds]),
    );
    const facts = {
      view: viewFleet(records, at, config.sync.freshWithinSeconds * 1_000, words),
      load,
      marks: config.downstream,
      rates,
      processes,
      expiring: expiringSecrets(config, systemClock.now()),
      now: systemClock.now(),
    };
    if (cli.isJson) cli.json(statusJson(facts));
    else {
      const { terminal } = cli;
      terminal.out(
        renderStatus(facts, {
          width: terminal.outWidth(),
          marks: terminal.marks,
          paint: (role, text) => terminal.paint(role, text, "out"),
          isPiped: !terminal.isOutTerminal,
        }),
      );
    }
    return 0;
  } finally {
    fleet.close();
  }
}
