import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ViolationKind } from "@mailfleet/testkit/servers";
import { readFlags } from "../flags.ts";
import { runChaos } from "./chaos-run.ts";

const help = `A fleet of real processes over a sandbox in motion: 2 producers, 3 workers and a redis-server of its own, killed with SIGKILL at
random moments (Redis comes back from its AOF), workers also stopped past their leases and woken. Meanwhile mail comes, is read, moved and
deleted, and folders get another UIDVALIDITY. Then everything settles, and an auditor compares what the sandbox holds with everything that
ever entered the queue. Exit code 1 when anything was lost, told twice, out of order, or is unaccounted for.

  npx mailfleet bench chaos
  npx mailfleet bench chaos --kills 20 --seed 7

  --kills N       processes killed (default 200)
  --seed N        of the kills and of the mail's changes; how processes and kills meet is the machine's business (default: from the clock)
  --mailboxes N   (default 60)
  --messages N    in all mailboxes together at the beginning (default 3000)
  --json          nothing but the result on stdout
`;

const given = readFlags("chaos", help, {
  numbers: {
    kills: { default: 200, min: 1 },
    seed: { default: Date.now() % 1_000_000, min: 0 },
    mailboxes: { default: 60, min: 1 },
    messages: { default: 3_000, min: 1 },
  },
});
const wanted = given.numbers;
const shownViolations = 40;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));
const dir = await mkdtemp(join(tmpdir(), "mailfleet-chaos-"));
say(`seed ${wanted.seed}: ${wanted.kills} kills over ${wanted.mailboxes} mailboxes with ${wanted.messages} messages`);
const startedAt = performance.now();
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
try {
  const { kills, changes, events, violations, settledSeconds } = await runChaos({
    dir,
    say,
    signal: stop.signal,
    kills: wanted.kills,
    seed: wanted.seed,
    mailboxes: wanted.mailboxes,
    messages: wanted.messages,
  });
  const count = (...kinds: readonly ViolationKind[]): number => violations.filter(({ kind }) => kinds.includes(kind)).length;
  const document = {
    chaos: {
      kills: kills.workers + kills.producers + kills.redis,
      lost: count("lost"),
      duplicates: count("twice"),
      outOfOrder: count("out-of-order"),
      unexpected: count("unexpected"),
      halfWritten: count("half-written"),
      stale: count("stale"),
      unaccounted: count("unaccounted"),
      seed: wanted.seed,
      killed: kills,
      changes,
      events,
      settledSeconds: Math.round(settledSeconds),
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    },
  };
  for (const { kind, text } of violations.slice(0, shownViolations)) process.stderr.write(`${kind}: ${text}\n`);
  if (violations.length > 0) process.stderr.write(`again: npx mailfleet bench chaos --kills ${wanted.kills} --seed ${wanted.seed}\n`);
  else say("nothing lost, nothing twice, nothing out of order, nothing unaccounted for");
  await mkdir(join(import.meta.dirname, "../results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "../results/chaos.json"), `${JSON.stringify(document, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(document)}\n`);
  process.exitCode = violations.length > 0 ? 1 : 0;
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.stderr.write("stopped before the end; nothing was audited\n");
  process.exitCode = 1;
} finally {
  await rm(dir, { recursive: true, force: true });
}
