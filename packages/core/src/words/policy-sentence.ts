import { type Disposition, type FailureCode } from "../failure-code.ts";
import { decideRetry } from "../retry-policy.ts";
import { taxonomy } from "../taxonomy.ts";
import { formatDuration } from "./times.ts";

const dispositions: Record<Disposition, string> = {
  continue: "goes on",
  retry: "tries again by itself",
  snooze: "waits until a known time; nobody is blamed",
  "refresh-token": "tries once with a new token, then judges over time and by the neighbours",
  resync: "reads the folder again",
  quarantine: "sets the message aside, the rest goes on",
  park: "parks, and looks again",
  fatal: "does not start",
};

/** What mailfleet does about a code, and when it looks again: `tries again by itself. After 1 s, 5 s at most, and so on.` */
export function policySentence(code: FailureCode): string {
  return `${dispositions[taxonomy[code].disposition]}. ${schedule(code)}`;
}

/** True where only a person ends it, in the end. */
export function endsParked(code: FailureCode): boolean {
  return ask(code, 50).state === "parked";
}

function ask(code: FailureCode, tries: number, random = 1) {
  return decideRetry({ code, tries, since: 0, now: tries > 20 ? 86_400_000 : 0, opened: true, random });
}

/** The longest waits of the first tries, as the policy gives them, until they stay the same. */
function schedule(code: FailureCode): string {
  if (taxonomy[code].disposition === "fatal") return "Nothing was started.";
  const tries = Array.from({ length: 8 }, (_, i) => i + 1);
  const parkedFrom = tries.find((n) => ask(code, n).state === "parked");
  const steps = tries.map((n) => (ask(code, n).inMs < 1_000 ? "at once" : span(ask(code, n).inMs)));
  const rest = span(ask(code, 50).inMs);
  if (parkedFrom === 1) {
    const early = withoutRepeats(steps).filter((step) => step !== rest);
    return `Parked at once; looks again ${early.length > 0 ? `after ${early.join(", ")}, then ` : ""}every ${rest}.`;
  }
  if (parkedFrom !== undefined)
    return `After ${withoutRepeats(steps.slice(0, parkedFrom - 1)).join(", ")} at most; then parked, with a look every ${rest}.`;
  const list = withoutRepeats(steps);
  if (list.length === 1 && list[0] === "at once") return "At once.";
  return `After ${list.slice(0, 5).join(", ")} at most${list.length > 1 ? ", and so on" : ""}.`;
}

function withoutRepeats(steps: readonly string[]): string[] {
  return steps.filter((step, i) => step !== steps[i - 1]);
}

/** In the largest unit that it fills, without the share of chance that the policy adds to fixed times. */
function span(ms: number): string {
  for (const [unit, word] of [
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
  ] as const) {
    const fixed = [ms / 1.1, ms].find((value) => value >= unit * 0.99 && Math.abs(value / unit - Math.round(value / unit)) < 0.02);
    if (fixed !== undefined) return `${Math.round(fixed / unit)} ${word}`;
  }
  return formatDuration(ms);
}
