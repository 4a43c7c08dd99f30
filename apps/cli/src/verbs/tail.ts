import type { Command } from "commander";
import { silentLog } from "@mailfleet/checks";
import { type FollowedEvent, followEvents, peekEvents } from "@mailfleet/queue";
import { stopSignals } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { countOption, withCommonOptions } from "../common-options.ts";
import { tailLine } from "../tail-lines.ts";
import { eachShard, locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet tail                            one line per event, until Ctrl-C
  npx mailfleet tail --full                     the events as JSON, mail text included
  npx mailfleet tail --json | jq .key           the same for programs, one object a line
`;

interface TailOptions extends CommonOptions {
  readonly full?: true;
  readonly last: number;
}

export function addTailVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("tail"))
    .description("events as they come, without consuming them; first the last ones that still wait")
    .option("--full", "whole events as JSON; without it no subject, no sender, no text")
    .option("--last <n>", "how many of those that wait are shown first", countOption, 10)
    .addHelpText("before", examples)
    .addHelpText(
      "after",
      "\nThe sandbox's sample consumer is faster than tail: to read whole events, start it with npm start -- --keep-events.",
    )
    .action(bind<TailOptions>(tail));
}

async function tail(cli: Cli, options: TailOptions): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  const signals = stopSignals();
  const isFull = options.full === true || cli.isJson;
  const show = (followed: FollowedEvent): void => cli.terminal.out(`${tailLine(followed, isFull)}\n`);
  // Listening begins first: what comes while the waiting ones are read is told after them.
  const early: FollowedEvent[] = [];
  let isEarly = true;
  const { parts, close } = await eachShard(fleet, async ({ connection, keys }, queue) => ({
    queue,
    following: await followEvents({ connection, keys, log: silentLog, queue }, (followed) =>
      isEarly ? void early.push(followed) : show(followed),
    ),
  }));
  try {
    const waiting = (await Promise.all(parts.all.map(({ queue }) => peekEvents(queue, options.last)))).flat();
    if (parts.all.length > 1) waiting.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    const shown = new Set(waiting.map((event) => event.key));
    for (const event of waiting.slice(-options.last)) show({ id: event.key, type: event.type, event });
    if (cli.terminal.isErrTerminal && !cli.isJson) cli.terminal.err("Waiting for events. Ctrl-C ends; nothing is consumed.\n");
    for (const followed of early) if (!shown.has(followed.id)) show(followed);
    isEarly = false;
    await signals.asked;
    return 0;
  } finally {
    signals.dispose();
    await Promise.allSettled(parts.all.map(({ following }) => following.close()));
    await close();
    fleet.close();
  }
}
