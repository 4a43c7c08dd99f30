import type { Command } from "commander";
import { fileURLToPath } from "node:url";
import type { Bind, CommonOptions } from "../cli.ts";
import { becomeProgram } from "./roles.ts";

const programs = {
  throughput: fileURLToPath(new URL("../../../../bench/throughput/main.ts", import.meta.url)),
} as const;

/** Each benchmark is a program of its own under `bench/`; its last line on stdout is one JSON object. */
export function addBenchVerb(program: Command, bind: Bind): void {
  const bench = program.command("bench").description("measures mailfleet on this machine, beside what it is compared with");
  bench
    .command("throughput")
    .description("the whole pipeline against a local Dovecot, in turns with the obvious loop and mbsync (--help shows its flags)")
    .argument("[flags...]", "as the benchmark takes them")
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(
      bind<CommonOptions>(async (_cli, _options, flags) => {
        await becomeProgram(programs.throughput, flags);
        return undefined;
      }),
    );
}
