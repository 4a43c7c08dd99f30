import { byMailbox, formatAgo, formatCounted, restoredWords, stripControls } from "@mailfleet/core";
import type { DiscardedItem } from "@mailfleet/core/console";
import { createDiscardLists } from "@mailfleet/store";
import type { Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { replayGroup } from "../replay-group.ts";
import { createProgressLine } from "../progress-line.ts";
import { addCounts, noCounts, openReplay } from "../replay-access.ts";
import { locateConfig, openFleet } from "../wire.ts";
import { reportFailures } from "./replay.ts";

/** Discards that are named where there is none of the id that was given. */
const shownDiscards = 8;

/** Puts back what was discarded, here or in the console. Once: then the discard is forgotten. */
export async function restoreLetters(cli: Cli, options: CommonOptions, [given = ""]: readonly string[]): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  const access = await openReplay(config, fleet);
  const progress = createProgressLine(cli, "restore");
  try {
    const discards = createDiscardLists(fleet.shards);
    const letters = await discards.take(given);
    if (letters === undefined) {
      const now = await fleet.reader.now();
      throw unknown(given, await discards.list(now), now);
    }
    const counts = noCounts();
    for (const group of byMailbox(letters)) addCounts(counts, await replayGroup(access, group, false, progress));
    progress.close();
    const { chosen: putBack, failed } = counts;
    const others = letters.length - putBack - failed;
    const isWhole = failed + others === 0;
    if (cli.isJson)
      cli.json({ schema: "mailfleet.dead-letters-restore/1", ok: isWhole, selected: letters.length, putBack, failed, others });
    else {
      const { terminal } = cli;
      const role = isWhole ? "done" : "look";
      const mark = terminal.paint(role, terminal.marks[role], "out");
      terminal.out(`${mark} ${formatCounted(letters.length, "letter")}: ${restoredWords({ putBack, failed, others })}.\n`);
      reportFailures(cli, counts);
    }
    return isWhole ? 0 : 1;
  } finally {
    progress.close();
    await access.close();
    fleet.close();
  }
}

function unknown(given: string, kept: readonly DiscardedItem[], now: number): CliError {
  const named = kept
    .slice(0, shownDiscards)
    .map(({ id, letters, who, at }) => `${id} (${formatCounted(letters, "letter")}, by ${who}, ${formatAgo(at, now)})`);
  return new CliError(2, {
    code: "DISCARD_UNKNOWN",
    what: `No discard is called ${stripControls(given)}: it is older than 7 days, was put back before, or there was none.`,
    next: "Nothing was changed.",
    todo: kept.length === 0 ? [] : named.map((text) => `There is ${stripControls(text)}`),
  });
}
