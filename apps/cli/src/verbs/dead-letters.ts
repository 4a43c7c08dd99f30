import type { Command } from "commander";
import { type Fleet } from "@mailfleet/checks";
import {
  byMailbox,
  formatCount,
  formatCounted,
  type LetterOutcomeFacts,
  lettersDoneSentence,
  replayNotes,
  replaySentence,
} from "@mailfleet/core";
import type { ReplayCounts } from "@mailfleet/engine";
import { systemClock } from "@mailfleet/runtime";
import { createDiscardLists, type DiscardLists } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import type { ListedLetter } from "../letter-list.ts";
import { selectLetters, type Selection, type SelectionOptions } from "../letter-selection.ts";
import { type LetterSource, openLetters } from "../letter-source.ts";
import { listJson, listPiped, listReport } from "../letters-report.ts";
import { replayGroup } from "../replay-group.ts";
import { operatorName } from "../operator-name.ts";
import { createProgressLine } from "../progress-line.ts";
import { addCounts, noCounts, openReplay } from "../replay-access.ts";
import { locateConfig, openFleet } from "../wire.ts";
import { restoreLetters } from "./restore-letters.ts";
import { showLetter, type ShowOptions } from "./show-letter.ts";
import { reportFailures } from "./replay.ts";

const examples = `Examples:
  npx mailfleet dead-letters list                          causes, not rows
  npx mailfleet dead-letters show c7f2                     one cause, or one letter by its key
  npx mailfleet dead-letters replay --cause c7f2 --dry-run
`;

interface ActOptions extends CommonOptions, SelectionOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

export function addDeadLetterVerbs(program: Command, bind: Bind): void {
  const letters = program
    .command("dead-letters")
    .description("events that consumers failed on, and messages that were set aside: list, show, replay, discard, restore")
    .addHelpText("before", examples);
  withCommonOptions(letters.command("list"))
    .description("what failed, grouped by cause; later commands act on what was listed")
    .addHelpText("before", examples)
    .action(bind<CommonOptions>(list));
  withCommonOptions(letters.command("show"))
    .description("a cause, or one letter; bodies and subjects stay hidden")
    .argument("<what>", "a cause's id, or a letter's key")
    .option("--content", "of one letter also sender, subject and text; that it was shown is written down")
    .addHelpText("before", examples)
    .action(
      bind<ShowOptions>((cli, options, args) =>
        withLetters(cli, options, (fleet, source) => showLetter(cli, fleet, source, options, args)),
      ),
    );
  withCommonOptions(letters.command("replay"))
    .description("fresh attempts for letters, exactly those that were listed; what was set aside is read anew")
    .argument("[key...]", "letters by their keys")
    .option("--cause <id>", "all of one cause")
    .option("--all", "all of the last list")
    .option(
      "--as-of <when>",
      "with --cause or --all: list anew what had failed by then, such as 2026-11-01T09:00:00Z, in place of the last list",
    )
    .option("--dry-run", "say what would be done, and change nothing")
    .addHelpText("before", examples)
    .action(
      bind<ActOptions>((cli, options, keys) => withLetters(cli, options, (fleet, source) => replay(cli, fleet, source, options, keys))),
    );
  withCommonOptions(letters.command("discard"))
    .description("remove letters from the queue, exactly those that were listed; the stored messages stay")
    .argument("[key...]", "letters by their keys")
    .option("--cause <id>", "all of one cause")
    .option("--all", "all of the last list")
    .option(
      "--as-of <when>",
      "with --cause or --all: list anew what had failed by then, such as 2026-11-01T09:00:00Z, in place of the last list",
    )
    .option("--dry-run", "say what would be done, and change nothing")
    .option("--yes", "do not ask; needed where nobody can answer")
    .addHelpText("before", examples)
    .action(
      bind<ActOptions>((cli, options, keys) => withLetters(cli, options, (fleet, source) => discard(cli, fleet, source, options, keys))),
    );
  withCommonOptions(letters.command("restore"))
    .description("put back the messages of a discard of the last seven days, from their stored bytes, under the keys they had")
    .argument("<discard>", "its id, which the discard said; the console shows it too")
    .addHelpText("before", examples)
    .action(bind<CommonOptions>(restoreLetters));
}

async function withLetters(
  cli: Cli,
  options: CommonOptions,
  run: (fleet: Fleet, source: LetterSource) => Promise<number>,
): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  const source = await openLetters(config, fleet);
  try {
    return await run(fleet, source);
  } finally {
    await source.close();
    fleet.close();
  }
}

async function list(cli: Cli, options: CommonOptions): Promise<number> {
  return withLetters(cli, options, async (_fleet, source) => {
    const { terminal } = cli;
    const progress = createProgressLine(cli, "list");
    const found = await source
      .freeze((letters) => progress.update(`${formatCounted(letters, "dead letter")} read`))
      .finally(() => progress.close());
    if (cli.isJson) cli.json(listJson(found));
    else if (terminal.isOutTerminal)
      terminal.out(`${listReport(found, found.at, terminal.outWidth(), givenOptions(options)).join("\n")}\n`);
    else terminal.out(`${(found.letters === 0 ? listReport(found, found.at, 80, givenOptions(options)) : listPiped(found)).join("\n")}\n`);
    return 0;
  });
}

async function replay(cli: Cli, fleet: Fleet, source: LetterSource, options: ActOptions, keys: readonly string[]): Promise<number> {
  const { config } = locateConfig(cli, options);
  const isDryRun = options.dryRun === true;
  const selection = await selectLetters(source, keys, options, systemClock.now());
  const progress = createProgressLine(cli, "replay");
  const access = await openReplay(config, fleet);
  try {
    const outcome = { done: 0, gone: 0, moved: 0 };
    const messages = noCounts();
    for await (const page of selection.pages) {
      const jobs = page.filter(({ kind }) => kind === "job");
      add(outcome, await (isDryRun ? source.jobs.inspect(jobs) : source.jobs.retry(jobs)));
      for (const group of byMailbox(page.flatMap(({ kind, id }) => (kind === "message" ? [id] : []))))
        addCounts(messages, await replayGroup(access, group, isDryRun, progress));
      progress.update(
        `${formatCount(outcome.done + outcome.gone + outcome.moved + messages.chosen)} of ${formatCounted(selection.count, "letter")}`,
      );
    }
    progress.close();
    reportActed(cli, options, "replay", selection, isDryRun, outcome, { messages });
    return messages.failed > 0 ? 1 : 0;
  } finally {
    progress.close();
    await access.close();
  }
}

async function discard(cli: Cli, fleet: Fleet, source: LetterSource, options: ActOptions, keys: readonly string[]): Promise<number> {
  const isDryRun = options.dryRun === true;
  const selection = await selectLetters(source, keys, options, systemClock.now());
  if (!isDryRun) await confirm(cli, selection, options);
  const jobs: ListedLetter[][] = [];
  let setAside = 0;
  for await (const page of selection.pages) {
    jobs.push(page.filter(({ kind }) => kind === "job"));
    setAside += page.filter(({ kind }) => kind === "message").length;
  }
  const discards = createDiscardLists(fleet.shards);
  const under = isDryRun || jobs.flat().length === 0 ? undefined : await beginDiscard(discards, fleet, selection);
  const progress = createProgressLine(cli, "discard");
  const outcome = { done: 0, gone: 0, moved: 0 };
  try {
    for (const page of jobs) {
      add(outcome, await (under === undefined ? source.jobs.inspect(page) : source.jobs.discard(page, under)));
      progress.update(`${formatCount(outcome.done)} of ${formatCounted(selection.count, "letter")}`);
    }
  } finally {
    progress.close();
  }
  // Nothing was as it was listed: there is nothing to put back.
  if (under !== undefined && outcome.done === 0) await discards.take(under);
  const discarded = outcome.done > 0 ? under : undefined;
  reportActed(cli, options, "discard", selection, isDryRun, outcome, { setAside, ...(discarded !== undefined && { discarded }) });
  return 0;
}

/** As the console does it too. @returns the id of the discard */
async function beginDiscard(discards: DiscardLists, { reader }: Fleet, { cause = "" }: Selection): Promise<string> {
  return discards.begin({ at: await reader.now(), who: operatorName(), cause });
}

/** The number is typed, not a letter: who types it has read it. @throws CliError */
async function confirm(cli: Cli, { count, words }: Selection, options: ActOptions): Promise<void> {
  if (options.yes || count === 0) return;
  const letters = formatCounted(count, "letter");
  if (cli.ask === undefined || cli.isJson) {
    throw new CliError(2, {
      code: "CONFIRM",
      what: `${letters} ${words} would be discarded, and nobody can be asked here.`,
      next: "Nothing was discarded.",
      todo: ["See what it would do: --dry-run", "Do it without asking: --yes"],
    });
  }
  const typed = await cli.ask(`Discard ${letters} ${words}? Type ${formatCount(count)} to do it: `);
  if (typed.replaceAll(/[\s,]/g, "") === String(count)) return;
  throw new CliError(1, { code: "CONFIRM", what: "That was not the number.", next: "Nothing was discarded." });
}

function add(sum: { done: number; gone: number; moved: number }, one: LetterOutcomeFacts): void {
  sum.done += one.done;
  sum.gone += one.gone;
  sum.moved += one.moved;
}

/** What became of letters that are no jobs, and the id of a discard. */
interface Besides {
  readonly messages?: ReplayCounts;
  readonly setAside?: number;
  readonly discarded?: string;
}

function reportActed(
  cli: Cli,
  options: CommonOptions,
  verb: "replay" | "discard",
  { count, words }: Selection,
  isDryRun: boolean,
  outcome: LetterOutcomeFacts,
  { messages, setAside = 0, discarded }: Besides,
): void {
  const { terminal } = cli;
  if (cli.isJson) {
    const schema = `mailfleet.dead-letters-${verb}/1`;
    return cli.json({
      schema,
      ok: (messages?.failed ?? 0) === 0,
      dryRun: isDryRun,
      selected: count,
      ...outcome,
      ...(discarded !== undefined && { discarded }),
      ...(messages && messages.chosen > 0 && { messages }),
    });
  }
  const mark = isDryRun ? "" : `${terminal.paint("done", terminal.marks.done, "out")} `;
  terminal.out(`${formatCounted(count, "letter")} ${words}.\n`);
  if (outcome.done + outcome.gone + outcome.moved > 0) terminal.out(`${mark}${lettersDoneSentence(verb, isDryRun, outcome)}\n`);
  if (messages !== undefined && messages.chosen > 0) {
    const sentence = isDryRun
      ? `${formatCounted(messages.chosen, "message")} that ${messages.chosen === 1 ? "was" : "were"} set aside would be read anew.`
      : replaySentence(messages);
    terminal.out(`${mark}${sentence}\n`);
    for (const note of isDryRun ? [] : replayNotes(messages)) terminal.out(`  ${note}\n`);
    if (!isDryRun && messages.outcomes.added > 0)
      terminal.out("  Once consumed, they go out again with every such replay, under the same keys.\n");
    reportFailures(cli, messages);
  }
  if (setAside > 0)
    terminal.out(
      `${formatCounted(setAside, "message")} that ${setAside === 1 ? "was" : "were"} set aside stay as they are: they are no jobs, and their bytes are kept.\n`,
    );
  if (discarded !== undefined) {
    const command = `npx mailfleet dead-letters restore ${discarded}${givenOptions(options)}`;
    terminal.out(`  For 7 days the messages among them can be put back: ${command}\n`);
  }
  if (isDryRun) terminal.out("Nothing was changed; without --dry-run it will be.\n");
}
