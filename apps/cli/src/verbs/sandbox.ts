import type { Command } from "commander";
import type { Bind, CommonOptions } from "../cli.ts";
import { checkFaultFlags } from "../fault-flags.ts";
import { roleEntries } from "../up/start-roles.ts";
import { becomeProgram } from "./roles.ts";
import { addFaultVerb } from "./sandbox-fault.ts";

/** All its flags are the sandbox's own: `npx mailfleet sandbox --help` shows them. `sandbox fault` steers one that runs. */
export function addSandboxVerb(program: Command, bind: Bind): void {
  const sandbox = program.command("sandbox");
  // Before the settings below, which the verb would inherit.
  addFaultVerb(sandbox, bind);
  sandbox
    .description("Microsoft 365 in a box on its own: token endpoint, mail server, invented tenants (--help shows its flags)")
    .argument("[flags...]", "as the sandbox takes them")
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .helpCommand(false)
    .action(
      bind<CommonOptions>(async (cli, _options, flags) => {
        await becomeProgram(roleEntries.sandbox, checkFaultFlags(flags, cli.cwd));
        return undefined;
      }),
    );
}
