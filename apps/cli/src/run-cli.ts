import { type Command, CommanderError } from "commander";
import type { Bind, Cli, CliProcess } from "./cli.ts";
import { type CallOptions, CliError, formatReport, reportJson, toCliError } from "./cli-error.ts";
import { callOptions } from "./wire.ts";
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
  // Of the verb, once its flags are read.
  let terminal = terminalFor("auto", "auto");
  let told: CallOptions = { given: "", start: "" };
  const bind: Bind = (verb) =>
    async function action(...received) {
      const options = this.optsWithGlobals() as Parameters<typeof verb>[1];
      terminal = terminalFor(options.color, options.progress);
      told = callOptions(cwd, options);
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
  const said: string[] = [];
  const program = createProgram(bind, terminal, await verbsFor(args), (text) => said.push(text));
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const meant = meantVerb(program, args);
    // A verb that was called wrongly has not begun, and still was given its options.
    if (error instanceof CommanderError) told = callOptions(cwd, meant.optsWithGlobals());
    const failure = error instanceof CommanderError ? usageError(error, said.join(""), helpOf(meant)) : toCliError(error);
    if (isJson) terminal.out(`${reportJson(failure.report, told)}\n`);
    const width = terminal.isErrTerminal ? terminal.errSize().columns : undefined;
    terminal.err(`${failure.text ?? formatReport(failure.report, terminal.paint("yours", terminal.marks.yours), told, width)}\n`);
    if (args.includes("--debug") && error instanceof Error) terminal.err(`${error.stack ?? ""}\n`);
    return failure.exitCode;
  }
}

/** A start reads no other verb's code: those of doctor, proof and replay would be half of what is read before the first bar moves. */
async function verbsFor([verb]: readonly string[]): Promise<Parameters<typeof createProgram>[2]> {
  if (verb === "up") return (await import("./verbs/up.ts")).addUpVerb;
  return (await import("./all-verbs.ts")).addAllVerbs;
}

/** Commander's `error: unknown option '--onse'\n(Did you mean --once?)` in our words. */
function usageError(error: CommanderError, said: string, help: string): CliError {
  // A group such as `mailboxes` without one of its verbs: commander wrote its help.
  if (error.code === "commander.help") {
    const report = { code: "USAGE", what: "It is not said which verb.", next: "Nothing was started.", todo: [help] };
    return new CliError(2, report, said.trimEnd());
  }
  const [first = "", second = ""] = error.message.split("\n");
  const meant = /^\(Did you mean (?:one of )?(.+)\?\)$/.exec(second)?.[1];
  const unknown = /^error: unknown (option|command) '(.*)'$/.exec(first);
  const wrong =
    /^error: (?:option '.*?(--[\w-]+).*?' argument '(.*)'|command-argument value '(.*)') is invalid(?: for argument '(.+)')?\.\s*(.*)$/s.exec(
      first,
    );
  const what =
    wrong !== null
      ? sentence(
          `${wrong[1] ?? wrong[4] ?? ""} cannot be '${wrong[2] ?? wrong[3] ?? ""}'; ${(wrong[5] ?? "").replace(/^Allowed choices are/, "expected one of")}`,
        )
      : unknown === null
        ? sentence(first.replace(/^error: /, ""))
        : `${unknown[1] === "option" ? "The flag" : "The verb"} ${unknown[2]} is not known${meant === undefined ? "." : `; did you mean ${meant}?`}`;
  const which =
    error.code === "commander.missingArgument" && first.endsWith("'mailbox'") ? [{ say: "Which there are", run: "mailboxes list" }] : [];
  return new CliError(2, { code: "USAGE", what, next: "Nothing was started.", todo: [...which, help] });
}

function sentence(text: string): string {
  return `${text.replace(/^[a-z]/, (letter) => letter.toUpperCase()).replace(/[.;\s]*$/, "")}.`;
}

/** The verb that was meant, as far as it is one. */
function meantVerb(program: Command, args: readonly string[]): Command {
  let at = program;
  for (const arg of args) {
    const next = at.commands.find((command) => command.name() === arg);
    if (next === undefined) break;
    at = next;
  }
  return at;
}

/** `npx mailfleet mailboxes park --help` */
function helpOf(verb: Command): string {
  const names: string[] = [];
  for (let at: Command | null = verb; at?.parent; at = at.parent) names.unshift(at.name());
  return ["npx mailfleet", ...names, "--help"].join(" ");
}
