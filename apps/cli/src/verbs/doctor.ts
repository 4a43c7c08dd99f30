import type { Command } from "commander";
import { isWell, runDoctor } from "@mailfleet/checks";
import { canonicalAddress, explainable, explainCode, type MailboxRef, stripControls } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { doctorJson, renderDoctor } from "../doctor/doctor-report.ts";
import { findMailbox, requireTenant } from "../find-mailbox.ts";
import { nearest } from "../nearest.ts";
import { wrapText } from "../text-layout.ts";
import { locateConfig } from "../wire.ts";

const examples = `Examples:
  npx mailfleet doctor                                 each tenant through one mailbox, and those in trouble
  npx mailfleet doctor --mailbox support@contoso.com   every step from the clock to one message
  npx mailfleet doctor --explain AADSTS7000222         what a code means, and what to do
`;

interface DoctorOptions extends CommonOptions {
  readonly tenant?: string;
  readonly mailbox?: string;
  readonly explain?: string;
  readonly mustRefuse?: string;
}

export function addDoctorVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("doctor"))
    .description("check every step from the clock to a message, name the one that is wrong, print the fix; changes nothing")
    .option("--tenant <alias>", "this tenant only")
    .option("--mailbox <address>", "this mailbox only; with --tenant also one that is not in the configuration yet")
    .option("--must-refuse <address>", "a mailbox that the app must not be able to open")
    .option("--explain <code>", "what a failure code or an AADSTS number means; nothing is checked")
    .addHelpText("before", examples)
    .action(bind<DoctorOptions>(doctor));
}

async function doctor(cli: Cli, options: DoctorOptions): Promise<number> {
  if (options.explain !== undefined) return explain(cli, options.explain);
  const { config, warnings } = locateConfig(cli, options);
  const nothing = "Nothing was checked.";
  if (options.tenant !== undefined) requireTenant(config, options.tenant, nothing);
  let mailbox: MailboxRef | undefined;
  if (options.mailbox !== undefined) mailbox = await findMailbox(config, options.mailbox, options.tenant, "doctor");
  if (options.mustRefuse !== undefined && !options.mustRefuse.includes("@")) {
    throw new CliError(2, { code: "USAGE", what: `--must-refuse is an address, not ${stripControls(options.mustRefuse)}.`, next: nothing });
  }
  const tenant = mailbox?.tenant ?? options.tenant;
  const { terminal } = cli;
  const at = systemClock.now();
  const startedMs = systemClock.monotonic();
  const examined = await runDoctor({
    env: cli.env,
    config,
    warnings,
    clock: systemClock,
    zone: cli.isJson || !terminal.isOutTerminal ? "utc" : "local",
    node: process.versions.node,
    ...(tenant !== undefined && { tenant }),
    ...(mailbox && { mailbox }),
    options: givenOptions(options),
    ...(options.mustRefuse !== undefined && { mustRefuse: canonicalAddress(options.mustRefuse) }),
    onPatient: (alias, address) => {
      if (terminal.progress !== "none")
        terminal.err(`Looking at ${stripControls(alias)}${address === undefined ? "" : `, ${stripControls(address)}`}\n`);
    },
  });
  const tookMs = systemClock.monotonic() - startedMs;
  if (cli.isJson) cli.json(doctorJson(examined, at, tookMs));
  else terminal.out(renderDoctor(examined, tookMs, terminal));
  return isWell(examined) ? 0 : 1;
}

function explain(cli: Cli, given: string): number {
  const found = explainCode(given);
  if (!found) {
    const meant = nearest(
      given
        .trim()
        .toUpperCase()
        .replace(/^(?=\d+$)/, "AADSTS"),
      explainable(),
      3,
    );
    throw new CliError(2, {
      code: "CODE_UNKNOWN",
      what: `${stripControls(given)} is no code that mailfleet knows${meant.length === 0 ? "." : `; did you mean ${meant.join(", ")}?`}`,
      next: "Nothing was checked.",
      todo: ["All codes: docs/errors.md"],
    });
  }
  if (cli.isJson) {
    cli.json({ schema: "mailfleet.explain/1", ok: true, ...found });
    return 0;
  }
  const { terminal } = cli;
  const rows = [
    ["Means", found.meaning],
    ["mailfleet does", found.mailfleetDoes],
    ["You can", found.youCan],
  ] as const;
  terminal.out(`${found.name}${found.name === found.code ? "" : `, which mailfleet calls ${found.code}`}\n`);
  for (const [label, text] of rows) {
    const [first = "", ...more] = wrapText(text, terminal.outWidth(), 18);
    terminal.out(`  ${label.padEnd(16)}${first}\n${more.map((part) => `${" ".repeat(18)}${part}\n`).join("")}`);
  }
  return 0;
}
