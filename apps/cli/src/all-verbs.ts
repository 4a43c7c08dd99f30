import type { Command } from "commander";
import type { Bind } from "./cli.ts";
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

/** Every verb. Each lives in a file of its own under `verbs/`. */
export function addAllVerbs(program: Command, bind: Bind): void {
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
}
