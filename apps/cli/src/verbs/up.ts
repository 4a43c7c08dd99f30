import { type Command, Option } from "commander";
import type { Bind } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { countOption, withCommonOptions } from "../common-options.ts";
import { runUp } from "../up/run-up.ts";
import type { UpOptions } from "../up/up-options.ts";

const examples = `Examples:
  npx mailfleet up                                  three invented tenants, everything in one process tree
  npx mailfleet up --config mailfleet.yaml          your tenants
  npx mailfleet up --once --json --corpus ./mail    your own .eml and .mbox files, one pass, one line of JSON
`;

export function addUpVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("up"))
    .description("everything in one process tree: Redis if none is given, producer, workers, console; without --config the sandbox")
    .option("--once", "one full pass of every mailbox including its history, then a summary")
    .option("--corpus <dir>", "the sandbox serves the .eml and .mbox files of this folder")
    .option("--seed <seed>", "the sandbox invents other mail; the same seed gives the same mail")
    .option("--workers <n>", "worker processes", countOption, 1)
    .addOption(
      new Option("--lanes <how>", "apart: a worker for new mail and one for history, --workers of each")
        .choices(["together", "apart"])
        .default("together"),
    )
    .option("--producers <n>", "producer processes", countOption, 1)
    .option("--no-console", "no web page; also so with --once")
    .option("--keep-events", "sandbox: no sample consumer, events stay in the queue")
    .addHelpText("before", examples)
    .action(bind<UpOptions>(up));
}

async function up(cli: Parameters<typeof runUp>[0], options: UpOptions): Promise<number> {
  const sandboxOnly = (["corpus", "seed"] as const).find((name) => options[name] !== undefined);
  if (options.config !== undefined && sandboxOnly !== undefined) {
    throw new CliError(2, {
      code: "USAGE",
      what: `--${sandboxOnly} is for the sandbox, and --config names your own tenants.`,
      next: "Nothing was started.",
      todo: ["Leave out one of them."],
    });
  }
  return runUp(cli, options);
}
