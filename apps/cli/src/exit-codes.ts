import type { Command } from "commander";

/** What exit code 1 says of each verb: 0, 2 and 130 are the same for all. */
export const failureOf: Readonly<Record<string, string>> = {
  up: "with --once: a mailbox still waits, something is unaccounted for, or the pass was interrupted; else a part could not start",
  onboard: "the script could not be written",
  producer: "Redis cannot be reached, or forgets",
  worker: "Redis cannot be reached, or forgets",
  console: "Redis cannot be reached, or no port can be had",
  try: "a step failed; which one is said",
  doctor: "a step is wrong",
  status: "Redis does not answer, or nothing ever ran here; a fleet in trouble is no failure of this command",
  plan: "the mailbox cannot be read now",
  "mailboxes list": "Redis does not answer",
  "mailboxes add": "Redis does not answer",
  "mailboxes import": "Redis does not answer; rows that are left out are no failure",
  "mailboxes park": "Redis does not answer",
  "mailboxes resume": "Redis does not answer",
  "mailboxes remove": "a mailbox is in the configuration still, and comes back; with --purge: something of it could not be removed",
  tail: "Redis does not answer",
  prove: "a message is missing, or something could not be looked at; with --verify: the file is not what was written, or says so",
  replay: "a message could not be replayed, or none is stored under the key",
  "dead-letters list": "Redis does not answer",
  "dead-letters show": "Redis does not answer",
  "dead-letters replay": "a message that was set aside could not be read anew",
  "dead-letters discard": "the number that was asked for was not given",
  "dead-letters restore": "a letter could not be put back: it was no message, or is stored no more",
  sandbox: "it ended by a fault of its own",
  "sandbox fault": "never",
  "sandbox fault list": "never",
  "sandbox fault show": "the sandbox does not answer",
  "sandbox fault add": "the sandbox does not answer",
  "sandbox fault clear": "the sandbox does not answer",
};

/** A verb with the groups that it is in: `mailboxes import`. */
export function verbName(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}

/** The verbs of a tree that do something, in its order; a group that only holds verbs takes no arguments, and is none. */
export function verbsOf(program: Command): readonly Command[] {
  return program.commands.flatMap((command) => {
    const isVerb = command.commands.length === 0 || command.registeredArguments.length > 0;
    return [...(isVerb ? [command] : []), ...verbsOf(command)];
  });
}

/** A line at the end of each verb's help. */
export function addExitCodes(program: Command): void {
  for (const verb of verbsOf(program)) {
    const failure = failureOf[verbName(verb)];
    if (failure !== undefined)
      verb.addHelpText("after", `\nExit codes: 0 done; 1 ${failure}; 2 wrong usage or configuration, and nothing was done.`);
  }
}
