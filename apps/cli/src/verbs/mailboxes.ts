import { readFileSync } from "node:fs";
import path from "node:path";
import { type Command, Option } from "commander";
import { type Config, parseMailboxCsv, type TenantConfig } from "@mailfleet/config";
import { formatUtc, type MailboxRef, stateOf, stateSentence, stateStyle, stateWords, type StateWord, stripControls } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { importJson, importLines, type ImportPlan, type ListChoice, planImport } from "../mailbox-import.ts";
import { nearest } from "../nearest.ts";
import { type Column, renderTable, tabbed } from "../table.ts";
import { type Fleet, locateConfig, openFleet } from "../wire.ts";
import { addOperateVerbs } from "./mailboxes-operate.ts";

const examples = `Examples:
  npx mailfleet mailboxes list --state parked
  npx mailfleet mailboxes add support@contoso.com --tenant contoso
  npx mailfleet mailboxes import boxes.csv --tenant contoso --dry-run
`;

interface ListOptions extends CommonOptions {
  readonly tenant?: string;
  readonly state?: StateWord;
}

interface AddOptions extends CommonOptions {
  readonly tenant: string;
  readonly protocol?: "imap" | "pop3";
}

interface ImportOptions extends CommonOptions {
  readonly tenant: string;
  readonly dryRun?: true;
  readonly list?: ListChoice;
}

/** Beside those of the configuration: mailboxes that are kept in Redis. */
export function addMailboxVerbs(program: Command, bind: Bind): void {
  const mailboxes = program
    .command("mailboxes")
    .description("list, add, import, park, resume and remove mailboxes")
    .addHelpText("before", examples);
  withCommonOptions(mailboxes.command("list"))
    .description("each mailbox and its state")
    .option("--tenant <alias>", "only of this tenant")
    .addOption(new Option("--state <word>", "only in this state").choices([...stateWords]))
    .addHelpText("before", examples)
    .action(bind<ListOptions>(list));
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
    .addOption(new Option("--list <what>", "name all of them").choices(["new", "change", "missing", "problems"]))
    .addHelpText("before", examples)
    .action(bind<ImportOptions>(importFile));
  addOperateVerbs(mailboxes, bind);
}

async function list(cli: Cli, options: ListOptions): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  try {
    if (options.tenant !== undefined) tenantOf(config, options.tenant);
    const now = await fleet.reader.now();
    const question = { now, factsAt: now, freshWithinMs: config.sync.freshWithinSeconds * 1_000 };
    const records = (await fleet.reader.mailboxes()).filter(
      (record) =>
        (options.tenant === undefined || record.tenant === options.tenant) &&
        (options.state === undefined || stateOf(record, question) === options.state),
    );
    const { terminal } = cli;
    if (cli.isJson) {
      cli.json({
        schema: "mailfleet.mailboxes/1",
        at: new Date(now).toISOString(),
        mailboxes: records.map((record) => recordJson(record, stateOf(record, question))),
      });
    } else if (records.length === 0) {
      terminal.out(
        (options.tenant ?? options.state)
          ? "No mailbox fits.\n"
          : "No mailboxes yet. npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run\n",
      );
    } else if (terminal.isOutTerminal) {
      const rows = records.map((record) => [
        stateStyle(stateOf(record, question))[terminal.marks.done === "✓" ? "mark" : "plainMark"],
        record.address,
        record.tenant,
        stripControls(stateSentence(record, { ...question, zone: "local" })),
        String(record.ledger.toDo),
      ]);
      terminal.out(`${renderTable(listColumns, rows, terminal.outWidth()).join("\n")}\n`);
    } else {
      const rows = records.map((record) => [
        record.tenant,
        record.address,
        record.protocol,
        stateOf(record, question),
        record.checkedAt === undefined ? "" : formatUtc(record.checkedAt),
        String(record.ledger.listed),
        String(record.ledger.handedOff),
        String(record.ledger.toDo),
        record.cause?.code ?? "",
      ]);
      terminal.out(`${tabbed(pipedColumns, rows).join("\n")}\n`);
    }
    return 0;
  } finally {
    fleet.close();
  }
}

const listColumns: readonly Column[] = [
  { title: "" },
  { title: "Mailbox", isAddress: true },
  { title: "Tenant" },
  { title: "State" },
  { title: "To do", align: "right" },
];

const pipedColumns: readonly Column[] = ["Tenant", "Mailbox", "Protocol", "State", "Checked", "Listed", "Handed off", "To do", "Cause"].map(
  (title) => ({ title }),
);

function recordJson(record: MailboxRecord, state: StateWord): object {
  const { tenant, address, protocol, checkedAt, cause, parkedBy, ledger, hasHistory } = record;
  return {
    tenant,
    address,
    protocol,
    state,
    ...(checkedAt !== undefined && { checkedAt: new Date(checkedAt).toISOString() }),
    hasHistory,
    ledger,
    ...(parkedBy && {
      parkedBy: {
        name: stripControls(parkedBy.name),
        at: new Date(parkedBy.at).toISOString(),
        ...(parkedBy.reason !== undefined && { reason: stripControls(parkedBy.reason) }),
      },
    }),
    ...(cause && {
      cause: {
        code: cause.code,
        text: stripControls(cause.text),
        since: new Date(cause.since).toISOString(),
        next: new Date(cause.nextAt).toISOString(),
      },
    }),
  };
}

async function add(cli: Cli, options: AddOptions, addresses: readonly string[]): Promise<number> {
  const suffix = options.protocol === undefined ? "" : `,${options.protocol}`;
  const csv = parseMailboxCsv(addresses.map((address) => `"${address.replaceAll('"', '""')}"${suffix}`).join("\n"));
  return change(cli, options, (known, tenant) => {
    const plan = planImport(csv, tenant, known);
    const [first] = plan.problems;
    if (first !== undefined) {
      throw new CliError(2, {
        code: "ADDRESS",
        what: `${plan.problems.map(({ value, text }) => `${value}: ${text}`).join("; ")}.`,
        next: "Nothing was added.",
        todo: ["npx mailfleet mailboxes add support@contoso.com --tenant TENANT"],
      });
    }
    return plan;
  });
}

async function importFile(cli: Cli, options: ImportOptions, [file = ""]: readonly string[]): Promise<number> {
  const csv = parseMailboxCsv(readCsv(cli, file));
  return change(cli, options, (known, tenant) => planImport(csv, tenant, known), file);
}

function readCsv(cli: Cli, file: string): string {
  try {
    return readFileSync(path.resolve(cli.cwd, file), "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new CliError(2, {
      code: "FILE",
      what: `${file} cannot be read: ${code === "ENOENT" ? "there is no such file" : code}.`,
      next: "Nothing was changed.",
    });
  }
}

/** Plans, and unless it is a dry run does it. */
async function change(
  cli: Cli,
  options: ImportOptions,
  plan: (known: readonly MailboxRef[], tenant: TenantConfig) => ImportPlan,
  file = "arguments",
): Promise<number> {
  const { config } = locateConfig(cli, options);
  const tenant = tenantOf(config, options.tenant);
  const fleet = await openFleet(config);
  try {
    const planned = plan(await knownMailboxes(config, fleet), tenant);
    const isDryRun = options.dryRun === true;
    if (!isDryRun) await applyPlan(fleet, planned);
    if (cli.isJson) cli.json(importJson(planned, isDryRun));
    else cli.terminal.out(`${importLines(planned, file, isDryRun, options.list).map(stripLine).join("\n")}\n`);
    return 0;
  } finally {
    fleet.close();
  }
}

/** Registered ones, and those that the configuration names and no producer has registered yet. */
async function knownMailboxes(config: Config, fleet: Fleet): Promise<readonly MailboxRef[]> {
  const registered = await fleet.registry.list();
  const seen = new Set(registered.map((mailbox) => mailbox.address));
  const configured = Object.values(config.tenants).flatMap(({ alias, mailboxes }) =>
    mailboxes.map(({ address, protocol }): MailboxRef => ({ tenant: alias, address, protocol })),
  );
  return [...registered, ...configured.filter((mailbox) => !seen.has(mailbox.address))];
}

const spreadPerMailboxMs = 5;
const spreadFrom = 500;

async function applyPlan(fleet: Fleet, { tenant, fresh, changes }: ImportPlan): Promise<void> {
  const changed = changes.map(({ address, to }): MailboxRef => ({ tenant, address, protocol: to }));
  const spreadMs = fresh.length > spreadFrom ? fresh.length * spreadPerMailboxMs : 0;
  await fleet.registry.register([...fresh, ...changed], spreadMs);
}

function tenantOf(config: Config, alias: string): TenantConfig {
  const tenant = Object.hasOwn(config.tenants, alias) ? config.tenants[alias] : undefined;
  if (tenant) return tenant;
  const names = Object.keys(config.tenants);
  const meant = nearest(alias, names, 1)[0];
  throw new CliError(2, {
    code: "TENANT_UNKNOWN",
    what: `Tenant ${stripControls(alias)} is not in the configuration${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    next: "Nothing was changed.",
    todo: [`Its tenants: ${names.join(", ")}`],
  });
}

/** Lines may hold a file's text; line ends that are ours stay. */
function stripLine(text: string): string {
  return text
    .split("\n")
    .map((part) => part.slice(0, part.length - part.trimStart().length) + stripControls(part.trimStart()))
    .join("\n");
}
