import type { Command } from "commander";
import { allMailboxes, type Fleet } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import {
  canonicalAddress,
  formatCounted,
  mailboxId,
  type MailboxRef,
  parseMailboxId,
  type PurgeSums,
  shellWord,
  stripControls,
} from "@mailfleet/core";
import type { MailboxDesk } from "@mailfleet/queue";
import { createActivityLog } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { suggestible } from "../find-mailbox.ts";
import { configuredIds, each, findAll, some, withDesk } from "../mailbox-choice.ts";
import { operatorName } from "../operator-name.ts";
import { createProgressLine } from "../progress-line.ts";
import { beyondReach, purgeLines, purgeWords, totalOf } from "../purge/purge-report.ts";
import { type MailboxPurge, wirePurge } from "../purge/wire-purge.ts";
import { logFolder } from "../wire.ts";

const examples = `Examples:
  npx mailfleet mailboxes remove left@contoso.com
  npx mailfleet mailboxes remove left@contoso.com --purge --dry-run
  npx mailfleet mailboxes remove contoso/left@contoso.com --purge
`;

interface RemoveOptions extends CommonOptions {
  readonly purge?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

type Row = readonly [MailboxRef, PurgeSums];

export function addRemoveVerb(mailboxes: Command, bind: Bind): void {
  withCommonOptions(mailboxes.command("remove"))
    .description("take mailboxes out; with --purge also all that is stored of them")
    .argument("<address...>", "primary addresses; also TENANT/ADDRESS")
    .option("--purge", "also remove all that is stored of them, for ever: events, dead letters, stored mail, names in logs and lists")
    .option("--dry-run", "with --purge: say what it would remove, and remove nothing")
    .option("--yes", "do not ask")
    .addHelpText("before", examples)
    .action(bind<RemoveOptions>(remove));
}

async function remove(cli: Cli, options: RemoveOptions, addresses: readonly string[]): Promise<number> {
  if (options.dryRun === true && options.purge !== true) {
    throw new CliError(2, {
      code: "USAGE",
      what: "--dry-run goes with --purge: remove alone deletes nothing that is not kept for 30 days.",
      next: "Nothing was changed.",
      todo: [{ run: `mailboxes remove ${addresses.map(shellWord).join(" ")} --purge --dry-run` }],
    });
  }
  return withDesk(cli, options, async (config, fleet, desk) => {
    if (options.purge !== true) return removeOnly(cli, config, desk, await findKnown(config, fleet, addresses));
    const purge = wirePurge(config, fleet, desk, logFolder(cli.cwd, options, config));
    const rows = await findStored(config, fleet, purge, addresses);
    if (options.dryRun === true) return tellPlan(cli, rows);
    if (options.yes !== true) await askPurge(cli, rows);
    return purgeAll(cli, config, fleet, purge, rows);
  });
}

async function removeOnly(cli: Cli, config: Config, desk: MailboxDesk, found: readonly MailboxRef[]): Promise<number> {
  await each(found, (mailbox) => desk.remove(mailbox, false));
  const comesBack = stillConfigured(config, found);
  const removed = found.map(({ address }) => address);
  if (cli.isJson) cli.json({ schema: "mailfleet.remove/1", purged: false, removed, comesBack });
  else {
    tell(cli, [
      `Removed: ${some(removed)}. Events on the queue and stored messages stay; to remove them too: --purge.`,
      "What was handed off of them is remembered for 30 days: one that is added again until then repeats nothing.",
      ...comesBackWords(cli, comesBack),
    ]);
  }
  return comesBack.length > 0 ? 1 : 0;
}

function tellPlan(cli: Cli, rows: readonly Row[]): number {
  const total = totalOf(rows);
  if (cli.isJson) cli.json({ schema: "mailfleet.purge/1", isDryRun: true, total, mailboxes: rows.map(item) });
  else
    tell(cli, [
      `Would remove of ${formatCounted(rows.length, "mailbox", "mailboxes")}:`,
      ...purgeLines(rows),
      beyondReach,
      "Nothing was changed.",
    ]);
  return 0;
}

async function purgeAll(cli: Cli, config: Config, fleet: Fleet, purge: MailboxPurge, rows: readonly Row[]): Promise<number> {
  const progress = createProgressLine(cli, "purge");
  const done: Row[] = [];
  let left: readonly string[];
  try {
    for (const [mailbox] of rows) {
      const what = `${done.length} of ${rows.length} purged`;
      progress.update(what);
      const sums = await purge.purge(mailbox, (ms) =>
        progress.update(`${what}; a session of the next one ends first, ${Math.ceil(ms / 1_000)} s at most`),
      );
      done.push([mailbox, sums]);
    }
    progress.update("Redis writes its file anew");
    await note(fleet, done);
    left = await purge.finish(done.map(([mailbox]) => mailbox));
  } finally {
    progress.close();
  }
  const comesBack = stillConfigured(
    config,
    rows.map(([mailbox]) => mailbox),
  );
  const total = totalOf(done);
  if (cli.isJson) cli.json({ schema: "mailfleet.purge/1", isDryRun: false, total, mailboxes: done.map(item), left, comesBack });
  else {
    tell(cli, [
      `Purged ${formatCounted(done.length, "mailbox", "mailboxes")}. Removed:`,
      ...purgeLines(done),
      ...left.map((sentence) => `${cli.terminal.marks.look} ${sentence}`),
      beyondReach,
      ...comesBackWords(cli, comesBack),
    ]);
  }
  return comesBack.length > 0 || left.length > 0 ? 1 : 0;
}

/** Who did it and how much it was; whom it was about is what has gone (T69). */
async function note({ first }: Fleet, done: readonly Row[]): Promise<void> {
  const byTenant = Map.groupBy(done, ([{ tenant }]) => tenant);
  const activity = createActivityLog(first.redis, first.keys);
  for (const [tenant, rows] of byTenant) {
    await activity.write({
      ...{ who: operatorName(), by: "people", verb: "purge", tenant, count: rows.length, outcome: "done" },
      words: purgeWords(totalOf(rows)),
    });
  }
}

function item([{ tenant, address }, removed]: Row): object {
  return { tenant, address, removed };
}

async function findKnown(config: Config, fleet: Fleet, addresses: readonly string[]): Promise<MailboxRef[]> {
  const registered = await fleet.registry.list();
  const known = allMailboxes(config, registered, undefined);
  return findAll(known, addresses, "removed", suggestible(known, registered));
}

/**
 * With what is stored of each. One that was removed before is neither registered nor configured: it is looked for in each tenant of the
 * configuration, and taken as it is given with its tenant.
 * @throws CliError 2
 */
async function findStored(config: Config, fleet: Fleet, purge: MailboxPurge, addresses: readonly string[]): Promise<Row[]> {
  const registered = await fleet.registry.list();
  const known = [...allMailboxes(config, registered, undefined)];
  const isKnown = (given: string): boolean => known.some((one) => one.address === given || mailboxId(one) === given);
  for (const given of new Set(addresses.map(canonicalAddress))) {
    if (isKnown(given)) continue;
    const named = parseMailboxId(given);
    if (named && /^[a-z0-9][a-z0-9_-]{0,62}$/.test(named.tenant) && named.address.includes("@")) {
      known.push({ ...named, protocol: "imap" });
      continue;
    }
    for (const tenant of Object.keys(config.tenants)) {
      const mailbox: MailboxRef = { tenant, address: given, protocol: "imap" };
      if (Object.keys(await purge.weigh(mailbox)).length > 0) known.push(mailbox);
    }
  }
  const rows: Row[] = [];
  for (const mailbox of findAll(known, addresses, "purged", suggestible(known, registered)))
    rows.push([mailbox, await purge.weigh(mailbox)]);
  return rows;
}

async function askPurge(cli: Cli, rows: readonly Row[]): Promise<void> {
  if (cli.ask !== undefined) {
    cli.terminal.err(`This cannot be undone. It removes:\n${purgeLines(rows).map(stripControls).join("\n")}\n${beyondReach}\n`);
    const question = `Purge ${formatCounted(rows.length, "mailbox", "mailboxes")} for ever? Type yes: `;
    if ((await cli.ask(question)).trim() === "yes") return;
  }
  throw new CliError(2, {
    code: "NOT_CONFIRMED",
    what: cli.ask === undefined ? "--purge is not done unasked where nobody can answer." : "It was not confirmed.",
    next: "Nothing was changed.",
    todo: ["See what it would remove: --dry-run", "Without asking: --yes"],
  });
}

function stillConfigured(config: Config, found: readonly MailboxRef[]): string[] {
  const configured = new Set(configuredIds(config));
  return found.filter((mailbox) => configured.has(mailboxId(mailbox))).map(({ address }) => address);
}

function comesBackWords(cli: Cli, addresses: readonly string[]): string[] {
  if (addresses.length === 0) return [];
  const isOne = addresses.length === 1;
  return [
    `${cli.terminal.marks.look} Still in the configuration ${isOne ? "is" : "are"} ${some(addresses)}: at the next start of a producer ${isOne ? "it comes" : "they come"} back. Take ${isOne ? "it" : "them"} out there too.`,
  ];
}

function tell(cli: Cli, lines: readonly string[]): void {
  cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
}
