import { silentLog } from "@mailfleet/checks";
import { comingUp, describeLane, idleLanes, unservedLanes, viewFleet } from "@mailfleet/core";
import type { Command } from "commander";
import { openTenantBook } from "@mailfleet/entra";
import { systemClock } from "@mailfleet/runtime";
import { createCredentialNotes } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { renderStatus, statusJson } from "../status-report.ts";
import { readIntake } from "../read-intake.ts";
import { callOptions, locateConfig, openFleet } from "../wire.ts";

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
    const [at, records, after, processes, servedAt, { load, words }, credentials] = [
      await reader.now(),
      await reader.mailboxes(),
      await reader.tenantLedgers(),
      await reader.processes(),
      await reader.lanesServed(),
      await readIntake(fleet, config),
      await createCredentialNotes(fleet.first.redis, fleet.first.keys).read(),
    ];
    const seconds = (systemClock.monotonic() - beforeMs) / 1_000;
    const rates = new Map(
      [...after].map(([tenant, ledger]) => [tenant, Math.max(0, ledger.handedOff - (before.get(tenant)?.handedOff ?? 0)) / seconds]),
    );
    const lanes = unservedLanes(idleLanes(processes, servedAt, at), () => records, at).map((one) =>
      describeLane(one, at, givenOptions(options)),
    );
    const view = viewFleet(records, at, config.sync.freshWithinSeconds * 1_000, { intake: words, lanes });
    const book = await openTenantBook({ tenants: config.tenants, env: cli.env, clock: systemClock, log: silentLog, hide: () => undefined });
    const mailboxesOf = (alias: string): number => view.tenants.find((tenant) => tenant.alias === alias)?.mailboxes ?? 0;
    const facts = {
      view,
      load,
      marks: config.downstream,
      rates,
      processes,
      comingUp: comingUp(book.tenants(), credentials, mailboxesOf, systemClock.now()),
      credentials,
      options: givenOptions(options),
      startOptions: callOptions(cli.cwd, options).start,
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
