import { Command } from "commander";
import type { Bind } from "./cli.ts";
import { addExitCodes } from "./exit-codes.ts";
import { programVersion } from "./program-version.ts";
import type { Terminal } from "./terminal.ts";

const examples = `Examples:
  npx mailfleet up                              three invented tenants, everything in one process tree
  npx mailfleet up --config mailfleet.yaml      your tenants
  npx mailfleet status                          the fleet in one screen
`;

const exitCodes = `
Exit codes: 0 done, 1 something failed, 2 wrong usage or configuration and nothing was started, 130 after a second Ctrl-C.
`;

/**
 * The command line without its verbs.
 * @param addVerbs all of them, or those that this call can be about
 * @param onErrorText what commander would write to stderr: its errors, and the help of a group whose verb is missing
 */
export function createProgram(
  bind: Bind,
  terminal: Terminal,
  addVerbs: (program: Command, bind: Bind) => void,
  onErrorText: (text: string) => void,
): Command {
  const program = new Command("mailfleet")
    .description("Every message from every mailbox, exactly once.")
    .version(programVersion())
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      // The catcher of the error says it, in our words.
      writeErr: onErrorText,
      getErrHelpWidth: () => terminal.outWidth(),
      getOutHelpWidth: () => terminal.outWidth(),
    })
    .addHelpText("before", examples)
    .addHelpText("after", exitCodes);
  addVerbs(program, bind);
  addExitCodes(program);
  return program;
}
