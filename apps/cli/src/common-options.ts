import { shellWord } from "@mailfleet/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommonOptions } from "./cli.ts";

/** The options that every verb has. */
export function withCommonOptions(command: Command): Command {
  return command
    .option("--config <file>", "the configuration (default: the sandbox that runs here, else mailfleet.yaml; for up a sandbox)")
    .option("--data <dir>", "mailfleet's own folder (default ./.mailfleet)")
    .option("--json", "one JSON document on stdout, also on failure")
    .addOption(new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto"))
    .addOption(new Option("--progress <how>", "progress on stderr").choices(["auto", "plain", "none"]).default("auto"))
    .option("--debug", "with an error, also the place in the code");
}

/** Where the configuration lies, as it was given: a printed command that is pasted must reach the same fleet. Begins with a space, or is empty. */
export function givenOptions({ config, data }: Pick<CommonOptions, "config" | "data">): string {
  return `${config === undefined ? "" : ` --config ${shellWord(config)}`}${data === undefined ? "" : ` --data ${shellWord(data)}`}`;
}

/** For options that count processes. */
export function countOption(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 64) throw new InvalidArgumentError("expected a number from 1 to 64.");
  return value;
}
