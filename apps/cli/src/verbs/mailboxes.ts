import { type Command, Option } from "commander";
import { formatUtc, stateOf, stateWords, type StateWord, stripControls } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { mailboxTable } from "../mailbox-table.ts";
import { type Column, tabbed } from "../table.ts";
import { requireTenant } from "../find-mailbox.ts";
import { locateConfig, openFleet } from "../wire.ts";
import { addImportVerbs } from "./mailboxes-import.ts";
import { addOperateVerbs } from "./mailboxes-operate.ts";
import { addRemoveVerb } from "./mailboxes-remove.ts";

const examples = `Examples:
  npx mailfleet mailboxes list --state parked
  npx mailfleet mailboxes add support@contoso.com --tenant contoso
  npx mailfleet mailboxes import boxes.csv --tenant contoso --dry-run
`;

interface ListOptions extends CommonOptions {
  readonly tenant?: string;
  readonly state?: StateWord;
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
  addImportVerbs(mailboxes, bind);
  addOperateVerbs(mailboxes, bind);
  addRemoveVerb(mailboxes, bind);
}

async function list(cli: Cli, options: ListOptions): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  try {
    if (options.tenant !== undefined) requireTenant(config, options.tenant, "Nothing was listed.");
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
          : `No mailboxes yet. npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run${givenOptions(options)}\n`,
      );
    } else if (terminal.isOutTerminal) {
      const style = { width: terminal.outWidth(), isPlain: terminal.marks.done !== "✓", zone: "local" } as const;
      terminal.out(`${mailboxTable(records, question, style).join("\n")}\n`);
    } else {
      const rows = records.map((record) => [
        record.tenant,
        textCell(record.address),
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

/** Spreadsheets open such a table and take these beginnings for formulas (T58). */
function textCell(text: string): string {
  return /^[=+@-]/.test(text) ? `'${text}` : text;
}
