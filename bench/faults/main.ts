import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags } from "../flags.ts";
import { type Judged, runFaults } from "./run-faults.ts";
import { renderJudged } from "./report.ts";
import { injectedFaults } from "./rows.ts";

const help = `Faults of Microsoft 365, injected one by one into a sandbox, each at a tenant of its own, under a fleet of real processes. Judged is
whether each ends in the right class, stops as much as it should, is tried again at the right time, is named at the right step by the doctor,
and whether mail flows by itself once it is gone, with nothing lost and nothing unaccounted for. Then all healthy tenants are refused at
once: an incident, which parks nobody. Exit code 1 when less than 95 % is right.

  npx mailfleet bench faults
  npx mailfleet bench faults --only throttle --no-doctor

  --seed N       of the sandbox (default 1)
  --only TEXT    only the rows whose name holds it
  --no-doctor    without the doctor, which is most of the time
  --quick        without the two rows that take half a minute or more to be seen
  --json         nothing but the result on stdout
`;

const given = readFlags("faults", help, { numbers: { seed: { default: 1, min: 0 } }, texts: ["only"], switches: ["no-doctor", "quick"] });
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));
const only = given.texts.get("only");
const isQuick = given.switches.has("quick");
const rows = injectedFaults.filter((row) => (only === undefined || row.name.includes(only)) && !(isQuick && row.isSlow === true));
const dir = await mkdtemp(join(tmpdir(), "mailfleet-bench-faults-"));
const startedAt = performance.now();
const leastShare = 0.95;
try {
  const result = await runFaults({ dir, rows, say, seed: given.numbers.seed, withDoctor: !given.switches.has("no-doctor") });
  const right = result.judged.filter(isRight).length + Number(result.incident.isRight);
  const faults = result.judged.length + 1;
  say(renderJudged(result));
  const document = {
    faults: {
      faults,
      right,
      share: Math.round((1_000 * right) / faults) / 1_000,
      wrong: result.judged.filter((one) => !isRight(one)).map(({ name, problems }) => ({ name, problems })),
      incident: result.incident,
      lost: result.lost,
      unaccounted: result.unaccounted,
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    },
  };
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "../results/faults.json"), `${JSON.stringify(document, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(document)}\n`);
  process.exitCode = right / faults >= leastShare && result.lost === 0 ? 0 : 1;
} finally {
  await rm(dir, { recursive: true, force: true });
}

function isRight({ problems }: Judged): boolean {
  return problems.length === 0;
}
