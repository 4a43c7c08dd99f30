import { type Command, InvalidArgumentError, Option } from "commander";
import { type Fleet } from "@mailfleet/checks";
import type { Config, TenantConfig } from "@mailfleet/config";
import { formatCount, formatCounted, type MailboxRef, stripControls } from "@mailfleet/core";
import { createMailboxDesk } from "@mailfleet/queue";
import { systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { requireTenant } from "../find-mailbox.ts";
import { type MailboxFile, readMailboxChunks, readMailboxFile } from "../mailbox-file.ts";
import {
  addLines,
  importJson,
  importLines,
  type ImportPlan,
  type ImportView,
  type ListChoice,
  type Many,
  planImport,
} from "../mailbox-import.ts";
import { trySample } from "../try-sample.ts";
import { eachShard, locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet mailboxes add audit@contoso.com --tenant contoso --protocol pop3
  npx mailfleet mailboxes import boxes.csv --tenant contoso --dry-run --try 50
  npx mailfleet mailboxes import boxes.csv --tenant contoso --prune
`;

interface AddOptions extends CommonOptions {
  readonly tenant: string;
  readonly protocol?: "imap" | "pop3";
}

interface ImportOptions extends CommonOptions {
  readonly tenant: string;
  readonly dryRun?: true;
  readonly prune?: true;
  readonly yes?: true;
  readonly try: number;
  readonly list?: ListChoice;
}

/** Registered in one go: a refusal of Redis in between leaves whole parts, and the next run does the rest. */
const partSize = 1_000;
const spreadPerMailboxMs = 5;
const spreadFrom = 500;
/** Above this share of a tenant, pruning asks: a file that was cut short looks like that. */
const pruneAsksAbove = 0.1;
const mostTried = 1_000;

export function addImportVerbs(mailboxes: Command, bind: Bind): void {
  withCommonOptions(mailboxes.command("add"))
    .description("add mailboxes to a tenant of the configuration")
    .argument("<address...>", "primary addresses")
    .requiredOption("--tenant <alias>", "the tenant, by its name in the configuration")
    .addOption(new Option("--protocol <protocol>", "if another than the tenant's").choices(["imap", "pop3"]))
    .addHelpText("before", examples)
    .action(bind<AddOptions>(add));
  withCommonOptions(mailboxes.command("import"))
    .description("add and change mailboxes by a CSV file: address, protocol")
    .argument("<file>", "the CSV file")
    .requiredOption("--tenant <alias>", "the tenant, by its name in the configuration")
    .option("--dry-run", "show what would change, and change nothing")
    .option("--prune", "take out those that are not in the file")
    .option("--yes", "do not ask, however many are taken out")
    .option("--try <count>", "log in to so many of the new ones first", countOption, 0)
    .addOption(new Option("--list <what>", "name all of them").choices(["new", "change", "missing", "problems"]))
    .addHelpText("before", examples)
    .action(bind<ImportOptions>(importFile));
}

function countOption(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > mostTried) throw new InvalidArgumentError(`expected a number up to ${mostTried}.`);
  return value;
}

async function add(cli: Cli, options: AddOptions, addresses: readonly string[]): Promise<number> {
  const suffix = options.protocol === undefined ? "" : `,${options.protocol}`;
  const text = ["address,protocol", ...addresses.map((address) => `"${address.replaceAll('"', '""')}"${suffix}`)].join("\n");
  const file = await readMailboxChunks([Buffer.from(text)], "arguments");
  return change(cli, { ...options, try: 0 }, file, "arguments", true);
}

async function importFile(cli: Cli, options: ImportOptions, [name = ""]: readonly string[]): Promise<number> {
  return change(cli, options, await readMailboxFile(name, cli.cwd), name, false);
}

/** Plans, and unless it is a dry run does it. */
async function change(cli: Cli, options: ImportOptions, file: MailboxFile, name: string, isAdd: boolean): Promise<number> {
  const { config } = locateConfig(cli, options);
  requireTenant(config, options.tenant, "Nothing was changed.");
  const tenant = config.tenants[options.tenant] as TenantConfig;
  const fleet = await openFleet(config);
  try {
    const plan = await compare(config, fleet, file, tenant);
    if (isAdd) refuseProblems(plan);
    const isDryRun = options.dryRun === true;
    const isPruning = options.prune === true;
    const sample = options.try > 0 ? await trySample(config, cli.env, plan.fresh, options.try) : undefined;
    if (isPruning && !isDryRun && options.yes !== true) await confirmPrune(cli, plan);
    if (!isDryRun) await applyPlan(fleet, plan, isPruning);
    const view: ImportView = {
      file: name,
      isDryRun,
      isPruning,
      ...(options.list !== undefined && { list: options.list }),
      ...(sample && { sample }),
    };
    if (cli.isJson) cli.json(importJson(plan, view));
    else for (const text of isAdd ? addLines(plan) : importLines(plan, view)) cli.terminal.out(`${stripLine(text)}\n`);
    return 0;
  } finally {
    fleet.close();
  }
}

/** With those that are registered, and those that the configuration names and no producer has registered yet. */
async function compare(config: Config, fleet: Fleet, file: MailboxFile, tenant: TenantConfig): Promise<ImportPlan> {
  const planner = planImport(file, tenant);
  for (const { alias, mailboxes } of Object.values(config.tenants)) {
    for (const { address, protocol } of mailboxes) planner.note({ tenant: alias, address, protocol }, true);
  }
  for await (const part of fleet.registry.scan()) for (const mailbox of part) planner.note(mailbox, false);
  return planner.plan();
}

function refuseProblems({ problems }: ImportPlan): void {
  if (problems.length === 0) return;
  throw new CliError(2, {
    code: "ADDRESS",
    what: `${problems.map(({ value, text }) => `${value}: ${text}`).join("; ")}.`,
    next: "Nothing was added.",
    todo: [{ run: "mailboxes add support@contoso.com --tenant TENANT" }],
  });
}

async function confirmPrune(cli: Cli, { missing, here, tenant, problemCount }: ImportPlan): Promise<void> {
  // A row that cannot be read may name one of those that would be taken out.
  const isUnread = problemCount > 0 && missing.length > 0;
  if (!isUnread && missing.length <= here * pruneAsksAbove) return;
  const left = isUnread ? `, and ${formatCounted(problemCount, "row")} of it ${problemCount === 1 ? "was" : "were"} left out` : "";
  const what = `${formatCount(missing.length)} of ${formatCounted(here, "mailbox", "mailboxes")} of ${tenant} are not in the file${left}`;
  if (cli.ask !== undefined && (await cli.ask(`${what}. Take them out? Type yes: `)).trim() === "yes") return;
  const why = isUnread ? "that is not done unasked while rows cannot be read" : "more than a tenth is not done unasked";
  throw new CliError(2, {
    code: "NOT_CONFIRMED",
    what: `${what}. They would be taken out: ${why}.`,
    next: "Nothing was changed.",
    todo: [
      ...(isUnread ? ["Mend the rows: --dry-run --list problems"] : []),
      "See them: --dry-run --list missing",
      "Without asking: --yes",
    ],
  });
}

/** Anything may end it in between: what is done is whole, and the same command does the rest. */
async function applyPlan(fleet: Fleet, plan: ImportPlan, isPruning: boolean): Promise<void> {
  const { tenant, fresh, changes } = plan;
  const spreadMs = fresh.count > spreadFrom ? fresh.count * spreadPerMailboxMs : 0;
  let begun = 0;
  for (const part of parts(fresh)) {
    await fleet.registry.register(part, (spreadMs * part.length) / fresh.count, (spreadMs * begun) / fresh.count);
    begun += part.length;
  }
  for (const part of parts(changes)) {
    await fleet.registry.register(
      part.map(({ address, to }): MailboxRef => ({ tenant, address, protocol: to })),
      0,
    );
  }
  if (!isPruning || plan.missing.length === 0) return;
  const desks = await eachShard(fleet, ({ keys }, queue) => createMailboxDesk({ queue, keys, clock: systemClock }));
  try {
    const desk = desks.parts.of(tenant);
    for (const part of parts({ count: plan.missing.length, [Symbol.iterator]: () => plan.missing.values() })) {
      await Promise.all(part.map((address) => desk.remove({ tenant, address, protocol: "imap" }, false)));
    }
  } finally {
    await desks.close();
  }
}

function* parts<One>(many: Many<One>): Generator<readonly One[]> {
  let part: One[] = [];
  for (const one of many) {
    part.push(one);
    if (part.length < partSize) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** Lines may hold a file's text; the indentation is ours. */
function stripLine(text: string): string {
  const begin = text.length - text.trimStart().length;
  return text.slice(0, begin) + stripControls(text.slice(begin));
}
