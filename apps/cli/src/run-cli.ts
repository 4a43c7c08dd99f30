import { CommanderError } from "commander";
import type { Bind, Cli, CliProcess } from "./cli.ts";
import { CliError, formatReport, reportJson, toCliError } from "./cli-error.ts";
import { createProgram } from "./program.ts";
import { safeJson } from "./safe-json.ts";
import { type ColorChoice, createTerminal, type ProgressChoice, type Terminal } from "./terminal.ts";

/**
 * One command from its arguments to its exit code: 0 done, 1 failed, 2 usage or configuration, 130 stopped at once. Undefined when a
 * role took over the process. Never throws.
 */
export async function runCli(given: CliProcess): Promise<number | undefined> {
  const { stdout, stderr, env, cwd } = given;
  const args = given.args.length === 0 ? ["--help"] : [...given.args];
  const isJson = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).includes("--json");
  const terminalFor = (color: ColorChoice, progress: ProgressChoice): Terminal => createTerminal({ stdout, stderr, env, color, progress });
  // `mailfleet ... | head` ends the pipe early; that is no failure.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
  });

  let exitCode: number | undefined = 0;
  const bind: Bind = (verb) =>
    async function action(...received) {
      const options = this.optsWithGlobals() as Parameters<typeof verb>[1];
      const terminal = terminalFor(options.color, options.progress);
      const cli: Cli = {
        env,
        cwd,
        stderr,
        terminal,
        setVariable: given.setVariable,
        isJson: options.json === true,
        ...(given.ask && { ask: (question: string) => given.ask?.(question) ?? Promise.resolve("") }),
        json: (value) => terminal.out(`${safeJson(value)}\n`),
      };
      exitCode = await verb(
        cli,
        options,
        received
          .slice(0, -2)
          .flat()
          .filter((one) => one !== undefined)
          .map(String),
      );
    };
  const terminal = terminalFor("auto", "auto");
  const said: string[] = [];
  try {
    await createProgram(bind, terminal, (text) => said.push(text)).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = error instanceof CommanderError ? usageError(error, said.join("")) : toCliError(error);
    if (isJson) terminal.out(`${reportJson(failure.report)}\n`);
    terminal.err(`${failure.text ?? formatReport(failure.report, terminal.paint("yours", terminal.marks.yours))}\n`);
    if (args.includes("--debug") && error instanceof Error) terminal.err(`${error.stack ?? ""}\n`);
    return failure.exitCode;
  }
}

/** Commander's `error: unknown option '--onse'\n(Did you mean --once?)` in our words. */
function usageError(error: CommanderError, said: string): CliError {
  // A group such as `mailboxes` without one of its verbs: commander wrote its help.
  if (error.code === "commander.help") {
    const report = { code: "USAGE", what: "It is not said which verb.", next: "Nothing was started.", todo: ["npx mailfleet --help"] };
    return new CliError(2, report, said.trimEnd());
  }
  const [first = "", second = ""] = error.message.split("\n");
  const meant = /^\(Did you mean (?:one of )?(.+)\?\)$/.exec(second)?.[1];
  const unknown = /^error: unknown (option|command) '(.*)'$/.exec(first);
  const what =
    unknown === null
      ? `${first
          .replace(/^error: /, "")
          .replace(/^./, (letter) => letter.toUpperCase())
          .replace(/\.*$/, "")}.`
      : `${unknown[1] === "option" ? "The flag" : "The verb"} ${unknown[2]} is not known${meant === undefined ? "." : `; did you mean ${meant}?`}`;
  return new CliError(2, { code: "USAGE", what, next: "Nothing was started.", todo: ["npx mailfleet --help"] });
}
