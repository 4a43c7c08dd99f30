import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { measureBudgets } from "./hidden-budget.ts";
import { measureNeighbours } from "./quiet-neighbours.ts";

const help = `Two judges of the throttle governor, in the sandbox, with a producer and a worker as processes of their own.

The first gives four mailboxes a hidden account of server time each, and counts how much of what it would have paid for was read, and how
many commands were refused. The second throttles half of a tenant's mailboxes, and looks whether the others' new mail comes as soon as
before and whether a job slot sleeps.

  npx mailfleet bench governor
  npx mailfleet bench governor --minutes 5

  --seconds N      how long the accounts are read from (default 120)
  --minutes N      how long half of the mailboxes are throttled (default: 40 seconds)
  --only-budget    the first judge alone
  --only-half      the second judge alone
  --json           nothing but the result on stdout
`;

const given = readFlags("governor", help, {
  numbers: { seconds: { default: 120, min: 10 }, minutes: { min: 1 } },
  switches: ["only-budget", "only-half"],
});
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));
const duringSeconds = given.numbers.minutes === undefined ? 40 : given.numbers.minutes * 60;
const dir = await mkdtemp(join(tmpdir(), "mailfleet-governor-"));
try {
  const budgets = given.switches.has("only-half") ? [] : await measureBudgets(join(dir, "budgets"), given.numbers.seconds, say);
  const neighbours = given.switches.has("only-budget")
    ? undefined
    : await measureNeighbours(join(dir, "half"), { before: Math.min(duringSeconds, 30), during: duringSeconds }, say);
  const sum = (key: "messages" | "possible" | "commands" | "refused"): number => budgets.reduce((all, one) => all + one[key], 0);
  const document = {
    governor: {
      goodput: Math.round((1_000 * sum("messages")) / Math.max(1, sum("possible"))) / 1_000,
      refusedShare: Math.round((10_000 * sum("refused")) / Math.max(1, sum("commands"))) / 10_000,
      seconds: given.numbers.seconds,
      budgets,
      neighbours,
      machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.versions.node },
    },
  };
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "../results/governor.json"), `${JSON.stringify(document, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
  await rm(dir, { recursive: true, force: true });
}
