import { formatCount, formatCounted } from "../words/numbers.ts";
import { shellWord } from "../words/shell-word.ts";
import { formatDeadline, type TimeStyle } from "../words/times.ts";
import type { Finding, Step, StepName, StepVerdict } from "./finding.ts";
import { stepNames } from "./finding.ts";
import { principalIds } from "./fixes.ts";
import { type Backlog, backlogOf, soonerCommand } from "./go-on.ts";
import { configurationStep, machineStep, redisStep } from "./local-steps.ts";
import { mailSteps } from "./mail-steps.ts";
import { networkStep } from "./network-step.ts";
import type { FleetLook, Observations } from "./observations.ts";
import { isOtherOpen, whyNotOther } from "./other-protocol.ts";
import { isAmbiguous, needsControls } from "./refusal.ts";
import { scopeStep } from "./scope-step.ts";
import { permissionStep, tokenStep } from "./token-steps.ts";

/** What the doctor says about one mailbox of one tenant. */
export interface Diagnosis {
  /** All nine, in their order. */
  readonly steps: readonly Step[];
  /** The one that is wrong; absent where all passed. */
  readonly finding?: Finding;
  /** What mailfleet does next and when, without the last stop; only with a finding. */
  readonly next?: string;
  /** Looks again at once; only with a finding. */
  readonly again?: string;
  /** Makes mailfleet go on before `next`, once the finding is mended; absent where nothing waits, or a pause is to be kept. */
  readonly sooner?: string;
  /** What waits although nothing is wrong; only without a finding. */
  readonly backlog?: Backlog;
}

/** What to look at next; the looks in their order are the decision order of exchange-online 2.3. */
export type Look = "machine" | "redis" | "network" | "token" | "mailbox" | "other" | "controls" | "scope";

/** Total: whatever was seen, there is a diagnosis, and what was not looked at is never a success. */
export function diagnose(seen: Observations, style: TimeStyle): Diagnosis {
  const verdicts = judgeSteps(seen, style);
  const byName = new Map(verdicts.map(({ step }) => [step.name, step]));
  const steps = stepNames.map((name): Step => byName.get(name) ?? { name, state: "not reached", text: "not reached" });
  const finding = verdicts.find((verdict) => verdict.finding !== undefined)?.finding;
  if (finding === undefined) {
    const backlog = steps.some(({ state }) => state === "not reached") ? undefined : backlogOf(seen, style);
    return { steps, ...(backlog && { backlog }) };
  }
  const sooner = soonerCommand(seen, finding);
  return {
    steps,
    finding,
    next: nextSentence(seen, finding, style),
    again: commandFor(seen),
    ...(sooner !== undefined && { sooner }),
  };
}

/** Undefined when the answer is known: a step failed, or everything was looked at. */
export function nextLook(seen: Observations, style: TimeStyle): Look | undefined {
  const { mailbox } = seen;
  // What else is refused decides what a refusal means, so that is looked at before it is judged.
  if (mailbox?.kind === "refused" && mailbox.stage === "login") {
    if (isAmbiguous(mailbox.code) && seen.other === undefined && whyNotOther(seen) === undefined) return "other";
    if (needsControls(mailbox.code) && seen.controls === undefined && !isOtherOpen(seen)) return "controls";
  }
  if (judgeSteps(seen, style).some(({ finding }) => finding !== undefined)) return undefined;
  if (seen.machine === undefined) return "machine";
  if (seen.redis === undefined) return "redis";
  if (seen.network === undefined) return "network";
  if (seen.token === undefined) return "token";
  if (mailbox === undefined) return "mailbox";
  return mailbox.kind === "opened" && seen.scope === undefined ? "scope" : undefined;
}

/** Up to the first that failed or was not looked at. */
function judgeSteps(seen: Observations, style: TimeStyle): readonly StepVerdict[] {
  const verdicts: StepVerdict[] = [];
  for (const judge of judges) {
    const found = judge(seen, style);
    for (const verdict of found) {
      verdicts.push(verdict);
      if (verdict.finding !== undefined) return verdicts;
    }
    if (found.length === 0) return verdicts;
  }
  return verdicts;
}

/** Each gives nothing where its look is missing. */
const judges: readonly ((seen: Observations, style: TimeStyle) => readonly StepVerdict[])[] = [
  ({ configuration }) => [configurationStep(configuration)],
  ({ machine }) => (machine ? [machineStep(machine)] : []),
  ({ redis, subject }, { now }) => (redis ? [redisStep(redis, now, subject.options)] : []),
  ({ network, subject }, { now }) => (network ? [networkStep(network, subject, now)] : []),
  ({ token, subject }, style) => (token ? [tokenStep(token, subject, style)] : []),
  ({ token, subject }) => (token ? [permissionStep(token, subject)] : []),
  (seen, style) => (seen.mailbox ? mailSteps(seen, seen.mailbox, style) : []),
  ({ scope, mailbox, subject, token }) => {
    if (scope) return [scopeStep(scope, principalIds(subject, token?.claims?.oid))];
    return mailbox?.kind === "not tried" ? [{ step: { name: "scope", state: "skipped", text: "not tried" } }] : [];
  },
];

/** Steps whose mending takes a while to reach all of Exchange. */
const spreading: ReadonlySet<StepName> = new Set<StepName>(["permission", "Exchange", "mailbox"]);

function nextSentence(seen: Observations, finding: Finding, style: TimeStyle): string {
  if (finding.step === "scope") return "Nothing waits for it, and it does not mend itself. Exchange may need up to an hour after a change";
  const fleet = seen.redis?.kind === "ready" ? seen.redis.fleet : undefined;
  const parts: string[] = [];
  if (spreading.has(finding.step) && finding.fixes.length > 0 && finding.code !== "SERVICE_INCIDENT")
    parts.push("Exchange may need up to an hour.");
  parts.push(againSentence(fleet, style));
  return parts.join(" ");
}

function againSentence(fleet: FleetLook | undefined, style: TimeStyle): string {
  if (fleet === undefined || !fleet.isRunning) return "mailfleet does not run here, so nothing tries again by itself";
  const { mailbox } = fleet;
  const at = mailbox?.cause?.nextAt ?? mailbox?.nextAt;
  if (at === undefined) return "mailfleet finds it by itself at its next look";
  return `mailfleet tries again by itself ${at <= style.now ? "now" : `at ${formatDeadline(at, style)}`}`;
}

function commandFor({ subject }: Observations): string {
  return subject.mailbox === undefined
    ? `npx mailfleet doctor --tenant ${subject.tenant}${subject.options ?? ""}`
    : `npx mailfleet doctor --tenant ${subject.tenant} --mailbox ${shellWord(subject.mailbox)}${subject.options ?? ""}`;
}

/** The last line, which says in words what the exit code says. */
export function closingSentence(diagnosis: Diagnosis, seen: Observations, tookMs: string): string {
  const { finding, steps } = diagnosis;
  if (!finding) {
    const checked = steps.filter(({ state }) => state === "passed" || state === "look").length;
    const looks = steps.filter(({ state }) => state === "look").length;
    const { backlog } = diagnosis;
    const waits = backlog === undefined ? [] : [`${backlog.sentence}; go on now: ${backlog.command}`];
    const told = looks === 0 ? [] : [`${formatCounted(looks, "thing")} to look at.`];
    const rest = looks === 0 && backlog === undefined ? "Nothing to do." : [...told, ...waits].join(" ");
    if (checked === steps.length) return `All ${formatCount(checked)} checks passed in ${tookMs}. ${rest}`;
    return `${formatCount(checked)} of ${formatCount(steps.length)} checks passed in ${tookMs}, the others had nothing to check. ${rest}`;
  }
  const fleet = seen.redis?.kind === "ready" ? seen.redis.fleet : undefined;
  // Too much access stops no mailbox: those that wait do so for something else.
  const waiting = finding.step === "scope" ? 0 : (fleet?.tenantStopped ?? 0);
  const waits = waiting === 0 ? "" : `; ${formatCounted(waiting, "mailbox waits", "mailboxes wait")}`;
  return `1 of ${formatCount(steps.length)} checks failed: ${finding.conclusion}. No mail is lost${waits}.`;
}
