import { type Command, Option } from "commander";
import { pathToFileURL } from "node:url";
import path from "node:path";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { roleEntries } from "../up/start-roles.ts";
import { locateConfig } from "../wire.ts";

const examples = (role: string, variable: string): string => `Examples:
  npx mailfleet ${role} --config mailfleet.yaml
  npx mailfleet ${role} --config mailfleet.yaml | jq .msg          its log is JSON, one object a line
  ${variable} npx mailfleet ${role} --config mailfleet.yaml
`;

interface WorkerOptions extends CommonOptions {
  readonly lane?: string;
}

export function addRoleVerbs(program: Command, bind: Bind): void {
  const add = (role: "producer" | "worker" | "console", variable: string, description: string): Command =>
    withCommonOptions(program.command(role))
      .description(description)
      .addHelpText("before", examples(role, variable))
      .action(bind<WorkerOptions>((cli, options) => runInPlace(cli, role, options)));
  add(
    "producer",
    "MAILFLEET_SYNC_POLL_SECONDS=60",
    "one producer alone, for scaling out: puts mailboxes that are due into the sync queues",
  );
  add(
    "worker",
    "MAILFLEET_SYNC_CONCURRENCY=32",
    "one worker alone, for scaling out: reads mailboxes and hands their messages off",
  ).addOption(
    new Option("--lane <lane>", "what it works on: new mail and push, history, or both (default: worker.lane)").choices([
      "fresh",
      "backfill",
      "both",
    ]),
  );
  add("console", "MAILFLEET_CONSOLE_LISTEN=127.0.0.1:8030", "the console alone: the fleet as web pages; its address is in its log");
}

/** The role's own program in this process: one process less between a service manager and its signals. */
async function runInPlace(cli: Cli, role: keyof typeof roleEntries, options: WorkerOptions): Promise<undefined> {
  // Said in our words before the role starts; the role reads it again by itself.
  const { config, file, isSandbox } = locateConfig(cli, options);
  // A sandbox that runs here has folder and name from variables, which this process was not started with.
  if (isSandbox) cli.setVariable("MAILFLEET_NAME", config.name);
  if (isSandbox || options.data !== undefined) cli.setVariable("MAILFLEET_DATA_DIR", config.dataDir);
  if (options.lane !== undefined) cli.setVariable("MAILFLEET_WORKER_LANE", options.lane);
  const more = role === "console" ? [...(isSandbox ? ["--sandbox"] : []), `--options=${givenOptions(options)}`] : [];
  await becomeProgram(roleEntries[role], ["--config", path.resolve(cli.cwd, file), ...more]);
  return undefined;
}

/** Its top level runs to its end; it sets the exit code itself. */
export async function becomeProgram(entry: string, args: readonly string[]): Promise<void> {
  process.argv = [process.execPath, entry, ...args];
  await import(pathToFileURL(entry).href);
}
