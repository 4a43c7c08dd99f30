import { type Command, InvalidArgumentError } from "commander";
import { allMailboxes } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import {
  formatCount,
  formatCounted,
  type MailboxRef,
  parseMessageKey,
  parseUidSet,
  replayNotes,
  replaySentence,
  stripControls,
  syncError,
  type UidSet,
} from "@mailfleet/core";
import { type ReplayCounts, replayMailbox, type ReplayProgress, type StoredChoice } from "@mailfleet/engine";
import { stopSignals, systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { findMailbox, requireTenant } from "../find-mailbox.ts";
import { nearest } from "../nearest.ts";
import { createProgressLine } from "../progress-line.ts";
import { addCounts, noCounts, openReplay, type ReplayAccess } from "../replay-access.ts";
import { readWhen } from "../when.ts";
import { locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet replay support@contoso.com --folder INBOX --uids 5:90 --dry-run
  npx mailfleet replay --tenant contoso --since 7d         what arrived within a week, all mailboxes of a tenant
  npx mailfleet replay contoso/support@contoso.com/INBOX/1.14/412         one message, by its key
`;

interface ReplayOptions extends CommonOptions {
  readonly tenant?: string;
  readonly folder?: string;
  readonly uids?: UidSet;
  readonly since?: string;
  readonly until?: string;
  readonly removed?: true;
  readonly dryRun?: true;
}

/** Failures that are named on the terminal. */
const shownFailures = 10;

export function addReplayVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("replay"))
    .description("hand off again what was handed off before: same keys, from stored bytes, without the mail server")
    .argument("[what]", "a mailbox's address, or a message's key")
    .option("--tenant <alias>", "all mailboxes of this tenant")
    .option("--folder <path>", "only this folder")
    .option(
      "--uids <set>",
      "only these UIDs of it, such as 5:90,101; over POP3 the numbers at the end of keys, on Exchange the UIDLs",
      uidsOption,
    )
    .option("--since <when>", "only messages that arrived since then: 7d, 36h, 2026-11-01")
    .option("--until <when>", "only messages that arrived until then")
    .option("--removed", "also messages that are no longer on the server")
    .option("--dry-run", "count what would be replayed, and change nothing")
    .addHelpText("before", examples)
    .action(bind<ReplayOptions>(replay));
}

async function replay(cli: Cli, options: ReplayOptions, [what]: readonly string[]): Promise<number> {
  const { config } = locateConfig(cli, options);
  const choice = choiceOf(options);
  const named = await findNamed(config, what, options);
  const fleet = await openFleet(config);
  const access = await openReplay(config, fleet);
  const signals = stopSignals();
  const stop = new AbortController();
  const reason = syncError("INTERRUPTED", "Stopped. What was replayed is on the queue; run it again for the rest: nothing is doubled.", {
    layer: "engine",
  });
  void signals.asked.then(() => stop.abort(reason));
  const progress = createProgressLine(cli, "replay");
  try {
    const targets =
      named ?? allMailboxes(config, await fleet.registry.list(), options.tenant).map((mailbox): Target => ({ mailbox, choice }));
    await checkFolder(access, targets, options);
    const sum = noCounts();
    for (const { mailbox, choice: own } of targets) {
      const onProgress = (at: ReplayProgress): void => progress.update(`${mailbox.address}: ${progressWords(at)}`);
      const request = { mailbox, choice: { ...choice, ...own }, isDryRun: options.dryRun === true, onProgress };
      addCounts(sum, await replayMailbox(access.ports, request, stop.signal));
    }
    progress.close();
    const [target] = targets;
    if (sum.chosen + sum.failed === 0 && target?.key !== undefined) throw notStored(target.key);
    const isTimed = options.since !== undefined || options.until !== undefined;
    const undated = isTimed ? targets.filter((one) => one.mailbox.protocol === "pop3").length : 0;
    report(cli, sum, targets.length, options.dryRun === true, undated);
    return sum.failed > 0 ? 1 : 0;
  } finally {
    progress.close();
    signals.dispose();
    await access.close();
    fleet.close();
  }
}

interface Target {
  readonly mailbox: MailboxRef;
  readonly choice: StoredChoice;
  /** Where one message was named. */
  readonly key?: string;
}

/** One mailbox or one message; undefined for a whole tenant. @throws CliError 2 */
async function findNamed(config: Config, what: string | undefined, options: ReplayOptions): Promise<Target[] | undefined> {
  if (what === undefined) {
    if (options.tenant !== undefined) return void requireTenant(config, options.tenant, "Nothing was replayed.");
    throw usage("It is not said what to replay: a mailbox, a message's key, or --tenant.");
  }
  const key = parseMessageKey(what);
  if (key === undefined) return [{ mailbox: await findMailbox(config, what, options.tenant, "replay"), choice: {} }];
  const mailbox = await findMailbox(config, key.address, key.tenant, "replay");
  const { folder, generation, uid } = key;
  const isByKeyAlone = options.since === undefined && options.until === undefined;
  return [{ mailbox, choice: { folder, generation, uids: [[uid, uid]], withRemoved: true }, ...(isByKeyAlone && { key: what }) }];
}

function choiceOf({ folder, uids, since, until, removed }: ReplayOptions): StoredChoice {
  if (uids !== undefined && folder === undefined) throw usage("UIDs are of one folder: --uids needs --folder.");
  const from = momentOf("--since", since);
  const to = momentOf("--until", until);
  if (from !== undefined && to !== undefined && to < from) throw usage("--until is before --since, so no message can fit.");
  return {
    ...(folder !== undefined && { folder }),
    ...(uids !== undefined && { uids }),
    ...(from !== undefined && { since: from }),
    ...(to !== undefined && { until: to }),
    ...(removed && { withRemoved: true }),
  };
}

function momentOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = readWhen(text, systemClock.now());
  if (at === undefined)
    throw usage(`${flag} is ${stripControls(text)}; expected a moment such as 7d, 36h, 2026-11-01 or 2026-11-01T09:00Z.`);
  return at;
}

function uidsOption(text: string): UidSet {
  try {
    return parseUidSet(text);
  } catch {
    throw new InvalidArgumentError("expected UIDs in ascending order, such as 5:90,101.");
  }
}

/** A folder's name that is known nowhere is a slip, not an empty replay. */
async function checkFolder(access: ReplayAccess, targets: readonly Target[], { folder }: ReplayOptions): Promise<void> {
  if (folder === undefined) return;
  const known = new Set<string>();
  for (const { mailbox } of targets) for (const path of (await access.ports.store.load(mailbox)).folders.keys()) known.add(path);
  if (known.has(folder)) return;
  const meant = nearest(folder, known, 1)[0];
  throw usage(`No folder ${stripControls(folder)} was synced${meant === undefined ? "." : `; did you mean ${stripControls(meant)}?`}`);
}

/** Who names one message expects one: that there is none is a failure. */
function notStored(key: string): CliError {
  return new CliError(1, {
    code: "MESSAGE_UNKNOWN",
    what: `${stripControls(key)} is not there: no message is stored under this key.`,
    next: "Nothing was replayed. After a reset of its folder a message has a new key.",
    todo: [{ say: "What is stored of a mailbox", run: "replay MAILBOX --dry-run" }],
  });
}

function usage(what: string): CliError {
  return new CliError(2, { code: "USAGE", what, next: "Nothing was replayed.", todo: ["npx mailfleet replay --help"] });
}

export function progressWords({ done, all, waitsAt }: ReplayProgress): string {
  const how = `${formatCount(done)} of ${formatCounted(all, "message")} replayed`;
  return waitsAt === undefined ? how : `${how}; consumers are behind, ${formatCount(waitsAt)} events wait, so it waits too`;
}

/** @param undated mailboxes whose messages have no time of arrival, where one was asked for */
function report(cli: Cli, sum: ReplayCounts, mailboxes: number, isDryRun: boolean, undated: number): void {
  const { terminal } = cli;
  if (cli.isJson) {
    const left = undated > 0 && { undatedMailboxes: undated };
    return cli.json({ schema: "mailfleet.replay/1", ok: sum.failed === 0, dryRun: isDryRun, mailboxes, ...left, ...sum });
  }
  const where = formatCounted(mailboxes, "mailbox", "mailboxes");
  if (sum.chosen + sum.failed === 0) {
    terminal.out(`No message of ${where} fits, so nothing ${isDryRun ? "would be" : "was"} replayed.\n`);
  } else if (isDryRun) {
    terminal.out(`${formatCounted(sum.chosen, "message")} of ${where} would be replayed, with the keys they had.\n`);
  } else {
    const mark = sum.failed === 0 ? terminal.paint("done", terminal.marks.done, "out") : terminal.paint("look", terminal.marks.look, "out");
    terminal.out(`${mark} ${replaySentence(sum)} The keys are those they had, so consumers can tell repeats.\n`);
  }
  if (undated > 0) {
    const whose = undated === 1 ? "1 mailbox is" : `${formatCount(undated)} mailboxes are`;
    terminal.out(
      `  ${whose} read over POP3, which does not say when a message arrived: what came over it fits no --since and no --until.\n`,
    );
  }
  for (const note of replayNotes(sum)) terminal.out(`  ${note}\n`);
  reportFailures(cli, sum);
  if (isDryRun && sum.chosen > 0) terminal.out("Nothing was changed; without --dry-run it will be.\n");
}

/** What could not be replayed, by name, and what to do. */
export function reportFailures({ terminal }: Cli, { failed, failures }: ReplayCounts): void {
  if (failed === 0) return;
  const mark = terminal.paint("yours", terminal.marks.yours, "out");
  terminal.out(`${mark} ${formatCounted(failed, "message")} could not be replayed:\n`);
  for (const { key, code, text } of failures.slice(0, shownFailures))
    terminal.out(`    ${stripControls(key)}  ${code}  ${stripControls(text)}\n`);
  if (failed > shownFailures)
    terminal.out(`    and ${formatCount(failed - shownFailures)} more; --json names the first hundred of each mailbox\n`);
  terminal.out(
    "  They stay on the server, if they were not deleted there. Restore the blob folder from its backup and run it again: nothing is doubled.\n",
  );
}
