import { Command } from "commander";
import type { Bind } from "./cli.ts";
import { addExitCodes } from "./exit-codes.ts";
import { programVersion } from "./program-version.ts";
import type { Terminal } from "./terminal.ts";
import { addBenchVerb } from "./verbs/bench.ts";
import { addDeadLetterVerbs } from "./verbs/dead-letters.ts";
import { addDoctorVerb } from "./verbs/doctor.ts";
import { addMailboxVerbs } from "./verbs/mailboxes.ts";
import { addOnboardVerb } from "./verbs/onboard.ts";
import { addPlanVerb } from "./verbs/plan.ts";
import { addProveVerb } from "./verbs/prove.ts";
import { addReplayVerb } from "./verbs/replay.ts";
import { addRoleVerbs } from "./verbs/roles.ts";
import { addSandboxVerb } from "./verbs/sandbox.ts";
import { addStatusVerb } from "./verbs/status.ts";
import { addTailVerb } from "./verbs/tail.ts";
import { addTryVerb } from "./verbs/try.ts";
import { addUpVerb } from "./verbs/up.ts";

const examples = `Examples:
  npx mailfleet up                              three invented tenants, everything in one process tree
  npx mailfleet up --config mailfleet.yaml      your tenants
  npx mailfleet status                          the fleet in one screen
`;

const exitCodes = `
Exit codes: 0 done, 1 something failed, 2 wrong usage or configuration and nothing was started, 130 after a second Ctrl-C.
`;

/**
 * All verbs. Each lives in a file of its own under `verbs/`.
 * @param onErrorText what commander would write to stderr: its errors, and the help of a group whose verb is missing
 */
export function createProgram(bind: Bind, terminal: Terminal, onErrorText: (text: string) => void): Command {
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
  addUpVerb(program, bind);
  addOnboardVerb(program, bind);
  addRoleVerbs(program, bind);
  addTryVerb(program, bind);
  addDoctorVerb(program, bind);
  addStatusVerb(program, bind);
  addPlanVerb(program, bind);
  addMailboxVerbs(program, bind);
  addTailVerb(program, bind);
  addProveVerb(program, bind);
  addReplayVerb(program, bind);
  addDeadLetterVerbs(program, bind);
  addSandboxVerb(program, bind);
  addBenchVerb(program, bind);
  addExitCodes(program);
  return program;
}
