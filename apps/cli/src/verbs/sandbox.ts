import type { Command } from "commander";
import type { Bind, CommonOptions } from "../cli.ts";
import { roleEntries } from "../up/start-roles.ts";
import { becomeProgram } from "./roles.ts";

/** All its flags are the sandbox's own: `npx mailfleet sandbox --help` shows them. */
export function addSandboxVerb(program: Command, bind: Bind): void {
  program
    .command("sandbox")
    .description("Microsoft 365 in a box on its own: token endpoint, mail server, invented tenants (--help shows its flags)")
    .argument("[flags...]", "as the sandbox takes them")
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(
      bind<CommonOptions>(async (_cli, _options, flags) => {
        await becomeProgram(roleEntries.sandbox, flags);
        return undefined;
      }),
    );
}
