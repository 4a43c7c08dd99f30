import { type Command, InvalidArgumentError } from "commander";
import { openAccess, openStore } from "@mailfleet/checks";
import { formatClock, isSyncError, mailboxId, type MailboxRef, shellWord } from "@mailfleet/core";
import { planMailbox } from "@mailfleet/engine";
import { stopSignals, systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { findMailbox } from "../find-mailbox.ts";
import { type PlanFacts, planJson, planText } from "../plan-report.ts";
import { locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet plan support@contoso.com                  what would be read, in which order, and how long
  npx mailfleet plan support@contoso.com --per-second 20  the same, for a server that gives less
  npx mailfleet plan support@contoso.com --json | jq .history
`;

interface PlanOptions extends CommonOptions {
  readonly tenant?: string;
  readonly perSecond: number;
}

/** A turn of history at its limits: a thousand messages in twenty seconds. */
const defaultPerSecond = 50;

export function addPlanVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("plan"))
    .description("what the next session would do in a mailbox: its folders in order, new mail, history, how long; writes nothing")
    .argument("<mailbox>", "its primary address")
    .option("--tenant <alias>", "its tenant, where two have the address")
    .option("--per-second <n>", "messages that the server gives in a second, for the guess", rateOption, defaultPerSecond)
    .addHelpText("before", examples)
    .action(bind<PlanOptions>(plan));
}

function rateOption(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 10_000)) throw new InvalidArgumentError("expected messages in a second, from 0.1 to 10000.");
  return value;
}

async function plan(cli: Cli, options: PlanOptions, [given = ""]: readonly string[]): Promise<number> {
  const { config } = locateConfig(cli, options);
  const mailbox = await findMailbox(config, given, options.tenant, "plan");
  const fleet = await openFleet(config);
  const access = await openAccess(config, cli.env);
  const signals = stopSignals();
  const stop = new AbortController();
  void signals.asked.then(() => stop.abort(new CliError(1, { code: "INTERRUPTED", what: "Stopped. Nothing was changed." })));
  try {
    const [now, records] = [await fleet.reader.now(), await fleet.reader.mailboxes()];
    const record = records.find(({ id }) => id === mailboxId(mailbox));
    const cause = record?.cause;
    if (cause?.code === "SERVER_THROTTLED" && cause.nextAt > now) throw askedToWait(mailbox.address, cause.nextAt, cli, now);
    const { folders: rules, backfill, changes, slice } = config.sync;
    const compare = {
      recentMs: changes.recentSeconds * 1_000,
      wholeMs: changes.wholeSeconds * 1_000,
      recentUids: changes.recentMessages,
    };
    const ports = { clock: systemClock, tokens: access.tokens, mail: access.mail, store: openStore(fleet, "plan") };
    const found = await planMailbox(ports, { mailbox, folders: rules, backfill, compare }, stop.signal).catch((error: unknown) => {
      throw notRead(error, mailbox, givenOptions(options));
    });
    const facts = {
      ...found,
      mailbox,
      now,
      slice,
      messagesPerSecond: options.perSecond,
      options: givenOptions(options),
      ...(cause && { cause }),
      ...(record?.parkedBy && { parkedBy: record.parkedBy }),
      ...(record?.nextAt !== undefined && { nextAt: record.nextAt }),
    };
    if (cli.isJson) cli.json(planJson(facts));
    else sayPlan(cli, facts);
    return 0;
  } finally {
    signals.dispose();
    await access.close();
    fleet.close();
  }
}

/** A piped table is for programs; the sentences are for people, and stay where they see them. */
function sayPlan({ terminal }: Cli, facts: PlanFacts): void {
  const { isOutTerminal } = terminal;
  const { head, table, sentences } = planText(facts, isOutTerminal ? terminal.outWidth() : undefined);
  const say = (text: string): void => (isOutTerminal ? terminal.out(`${text}\n`) : terminal.err(`${text}\n`));
  say(head);
  for (const text of table) terminal.out(`${text}\n`);
  for (const text of sentences) say(text);
}

/** What a mail or login server refused, with the way to find out why; anything else as it is. */
function notRead(error: unknown, { tenant, address }: MailboxRef, options: string): unknown {
  if (!isSyncError(error)) return error;
  const { code, message } = error.failure;
  return new CliError(1, {
    code,
    what: message,
    next: "Nothing was changed, and mailfleet goes on with this mailbox as before.",
    todo: [
      `Which step is wrong, and what mends it: npx mailfleet doctor --tenant ${shellWord(tenant)} --mailbox ${shellWord(address)}${options}`,
    ],
  });
}

/** Its wait is kept, whoever is curious. */
function askedToWait(address: string, until: number, { terminal }: Cli, now: number): CliError {
  const at = formatClock(until, { now, zone: terminal.isOutTerminal ? "local" : "utc", seconds: true });
  return new CliError(1, {
    code: "SERVER_THROTTLED",
    what: `The server asked to leave ${address} alone until ${at}, so it was not asked.`,
    next: "mailfleet goes on with it by itself then.",
    todo: ["Ask again later."],
  });
}
