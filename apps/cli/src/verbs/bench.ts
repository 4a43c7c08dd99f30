import type { Command } from "commander";
import { fileURLToPath } from "node:url";
import type { Bind, CommonOptions } from "../cli.ts";
import { becomeProgram } from "./roles.ts";

/** Name of the benchmark, which is its folder under `bench/`, and what it measures. */
const benchmarks = {
  throughput:
    "the whole pipeline against a local Dovecot, in turns with the obvious loop and mbsync, or over POP3 with poplib (--help shows its flags)",
  hostile: "mail built to hurt, in one mailbox: the worker's memory against its cap, and how long everybody else's mail waits",
  fleet: "ten thousand mailboxes from a cold start: time to the first full pass, Redis and memory they take, age of the last look",
  latency: "from a message's delivery to its event, by push or by poll",
  scale: "the same mailboxes by 1, 2, 4 and 8 workers, from a server that is 50 ms away",
  soak: "an hour of steady work: the slope of each process's memory, and what it holds of timers, connections and listeners",
  resync: "a large folder whose UIDVALIDITY changes: what is fetched again, and what a checkpoint costs in Redis",
  spool: "large mailboxes over POP3: what a poll without new mail costs, and the checkpoint in Redis",
  poll: "a poll in which nothing is new: CPU, round trips and bytes, beside imapflow's connect, STATUS and LOGOUT",
  faults: "what becomes of some fifty faults of Microsoft 365, each at a tenant of its own, and whether the doctor names the step",
  governor: "mailboxes with a hidden budget of server time: what is read of what was granted, and what the others notice",
  console: "the console with ten thousand mailboxes in Chromium: first content, filter and search, its idle CPU and memory",
  chaos: "a fleet whose processes and Redis are killed at random, and an audit of everything that was handed off (--kills, --seed)",
} as const;

/** Each benchmark is a program of its own; its last line on stdout is one JSON object. */
export function addBenchVerb(program: Command, bind: Bind): void {
  const bench = program.command("bench").description("measures mailfleet on this machine, beside what it is compared with");
  for (const [name, description] of Object.entries(benchmarks)) {
    const file = fileURLToPath(new URL(`../../../../bench/${name}/main.ts`, import.meta.url));
    bench
      .command(name)
      .description(description)
      .argument("[flags...]", "as the benchmark takes them")
      .allowUnknownOption()
      .allowExcessArguments()
      .helpOption(false)
      .action(
        bind<CommonOptions>(async (_cli, _options, flags) => {
          await becomeProgram(file, flags);
          return undefined;
        }),
      );
  }
}
