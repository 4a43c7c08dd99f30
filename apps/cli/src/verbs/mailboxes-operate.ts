import type { Command } from "commander";
import { type Fleet, openAccess } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { failureCodes, shellWord, stripControls } from "@mailfleet/core";
import { operatorCode } from "@mailfleet/queue";
import { forgetFailures } from "@mailfleet/entra";
import { createTokenCache, type MailboxRecord } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { requireTenant } from "../find-mailbox.ts";
import { each, findAll, findConfigured, some, withDesk } from "../mailbox-choice.ts";
import { nearest } from "../nearest.ts";
import { oneLine, operatorName } from "../operator-name.ts";

const examples = `Examples:
  npx mailfleet mailboxes park support@contoso.com --reason "moves to another tenant"
  npx mailfleet mailboxes resume --cause MAILBOX_ACCESS_DENIED
`;

interface ParkOptions extends CommonOptions {
  readonly reason?: string;
  readonly by?: string;
}

interface ResumeOptions extends CommonOptions {
  readonly tenant?: string;
  readonly cause?: string;
}

const reasonLength = 300;

/** What stops single mailboxes, and lets them go on. */
export function addOperateVerbs(mailboxes: Command, bind: Bind): void {
  withCommonOptions(mailboxes.command("park"))
    .description("stop mailboxes until somebody resumes them; also over restarts")
    .argument("<address...>", "primary addresses")
    .option("--reason <text>", "why, for colleagues and consumers")
    .option("--by <name>", "who (default: your name on this machine)")
    .addHelpText("before", examples)
    .action(bind<ParkOptions>(park));
  withCommonOptions(mailboxes.command("resume"))
    .description("go on with mailboxes that were parked, and try at once those that wait")
    .argument("[address...]", "primary addresses")
    .option("--tenant <alias>", "all of this tenant that are parked or wait")
    .option("--cause <code>", "all that are parked or wait for this cause, such as MAILBOX_ACCESS_DENIED")
    .addHelpText("before", examples)
    .action(bind<ResumeOptions>(resume));
}

async function park(cli: Cli, options: ParkOptions, addresses: readonly string[]): Promise<number> {
  return withDesk(cli, options, async (config, fleet, desk) => {
    const found = await findConfigured(config, fleet, addresses, "parked");
    const name = operatorName(options.by);
    const reason = options.reason === undefined ? "" : oneLine(options.reason, reasonLength);
    // One that the configuration names and no producer has seen yet is there from now on, and parked.
    await fleet.registry.register(found, 0);
    const at = await fleet.reader.now();
    const outcomes = await each(found, (mailbox) => desk.park(mailbox, { name, at, ...(reason !== "" && { reason }) }));
    const done = outcomes.filter(([, outcome]) => outcome === "parked").map(([{ address }]) => address);
    const already = outcomes.filter(([, outcome]) => outcome === "already").map(([{ address }]) => address);
    if (cli.isJson) cli.json({ schema: "mailfleet.park/1", by: name, ...(reason !== "" && { reason }), parked: done, already });
    else {
      const lines = [
        `Parked by ${name}: ${some(done)}. A session that runs ends within its batch; nothing is lost, mail waits on the server.`,
      ];
      if (done.length === 0) lines.pop();
      if (already.length > 0) lines.push(`Parked before, and left as it is: ${some(already)}.`);
      lines.push(
        `Go on: npx mailfleet mailboxes resume ${found.length === 1 ? shellWord(found[0]?.address ?? "") : "ADDRESS"}${givenOptions(options)}`,
      );
      cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
    }
    return 0;
  });
}

async function resume(cli: Cli, options: ResumeOptions, addresses: readonly string[]): Promise<number> {
  const { tenant, cause } = options;
  if (addresses.length > 0 === (tenant !== undefined || cause !== undefined)) {
    throw new CliError(2, {
      code: "USAGE",
      what: "Name mailboxes, or --tenant, or --cause, or both of these.",
      next: "Nothing was changed.",
      todo: [{ run: "mailboxes resume support@contoso.com" }, { run: "mailboxes resume --tenant contoso" }],
    });
  }
  if (cause !== undefined) requireCause(cause);
  return withDesk(cli, options, async (config, fleet, desk) => {
    if (tenant !== undefined) requireTenant(config, tenant, "Nothing was changed.");
    const records = await fleet.reader.mailboxes();
    const stopped = (record: MailboxRecord): boolean =>
      (record.cause !== undefined || record.parkedBy !== undefined) &&
      (tenant === undefined || record.tenant === tenant) &&
      (cause === undefined || causeOf(record) === cause);
    const chosen = addresses.length > 0 ? findAll(records, addresses, "resumed") : records.filter(stopped);
    await tryTokens(cli, config, fleet, new Set(chosen.map(({ tenant: alias }) => alias)), records);
    const outcomes = await each(chosen, (mailbox) => desk.resume(mailbox));
    const of = (wanted: string): string[] => outcomes.filter(([, outcome]) => outcome === wanted).map(([{ address }]) => address);
    const [resumed, tried, running] = [of("resumed"), of("tried"), of("running")];
    if (cli.isJson) cli.json({ schema: "mailfleet.resume/1", resumed, tried, running });
    else {
      const lines: string[] = [];
      if (resumed.length > 0) lines.push(`Resumed: ${some(resumed)}.`);
      if (tried.length > 0) lines.push(`Tried at once, whatever was the reason: ${some(tried)}.`);
      if (running.length > 0) lines.push(`A session works on it already, and looks once more at its end: ${some(running)}.`);
      lines.push(
        lines.length === 0
          ? "Nothing fits: no mailbox is parked or waits for that."
          : `See what came of it: npx mailfleet status${givenOptions(options)}`,
      );
      cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
    }
    return 0;
  });
}

/** A tenant that waits for its login service would go on waiting for what it said last, though somebody has mended it. */
async function tryTokens(
  cli: Cli,
  config: Config,
  fleet: Fleet,
  tenants: ReadonlySet<string>,
  records: readonly MailboxRecord[],
): Promise<void> {
  const waiting = records.filter(({ tenant, cause }) => tenants.has(tenant) && cause?.code.startsWith("ENTRA_"));
  if (waiting.length === 0) return;
  const access = await openAccess(config, cli.env);
  try {
    const cache = createTokenCache(fleet.first.redis, fleet.first.keys);
    for (const alias of new Set(waiting.map(({ tenant }) => tenant))) {
      // One that left the configuration has no token to try.
      const tenant = Object.hasOwn(config.tenants, alias) ? access.tenants.tenant(alias) : undefined;
      if (tenant) await forgetFailures(tenant, cache);
    }
  } finally {
    await access.close();
  }
}

function causeOf(record: MailboxRecord): string | undefined {
  return record.parkedBy === undefined ? record.cause?.code : operatorCode;
}

/** @throws CliError 2 */
function requireCause(cause: string): void {
  const known: readonly string[] = [...failureCodes, operatorCode];
  if (known.includes(cause)) return;
  const meant = nearest(cause, known, 1)[0];
  throw new CliError(2, {
    code: "CAUSE_UNKNOWN",
    what: `${stripControls(cause)} is no cause${meant === undefined ? "." : `; did you mean ${meant}?`}`,
    next: "Nothing was changed.",
    todo: [{ say: "See which there are", run: "status --json" }],
  });
}
