import type { FailureCode } from "../failure-code.ts";

/** In the order in which they are checked: each needs those before it. */
export const stepNames = [
  "configuration",
  "this machine",
  "Redis",
  "network",
  "token",
  "permission",
  "Exchange",
  "mailbox",
  "scope",
] as const;

export type StepName = (typeof stepNames)[number];

/** `look`: passed, with something to be told. `skipped`: there was nothing to check. */
export type StepState = "passed" | "look" | "failed" | "skipped" | "not reached";

export interface Step {
  readonly name: StepName;
  readonly state: StepState;
  /** Half a sentence: `24.21.0, clock 0.2 s off`. */
  readonly text: string;
  /** A sentence under it, where there is more to know. */
  readonly note?: string;
  /** Whole lines to paste, under the note. */
  readonly commands?: readonly string[];
}

/**
 * What only the doctor finds: nothing of it stops a sync by itself, or a sync sees no more of it than a refusal.
 * SECRET_EXPOSED is a warning, never a finding.
 */
export const doctorOnlyCodes = [
  "SECRET_EXPOSED",
  "NODE_TOO_OLD",
  "REDIS_MISCONFIGURED",
  "MAILBOX_PROTOCOL_DISABLED",
  "SCOPE_TOO_WIDE",
] as const;

export type DoctorCode = FailureCode | (typeof doctorOnlyCodes)[number];

/** How sure it is that the named cause is the cause. */
export type Certainty = "certain" | "most likely" | "possible";

/** Who runs what where. Commands are whole lines to paste. */
export interface Fix {
  /** Ends with a colon. */
  readonly who: string;
  readonly commands: readonly string[];
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** The one step that is wrong. */
export interface Finding {
  readonly step: StepName;
  readonly code: DoctorCode;
  readonly certainty: Certainty;
  /** What was seen, with the server's words. */
  readonly happened: string;
  /** The cause, as a sentence that may stand behind `Most likely:`. */
  readonly cause: string;
  /** Half a sentence for the last line: `Exchange does not know the app`. */
  readonly conclusion: string;
  readonly facts: readonly Fact[];
  readonly fixes: readonly Fix[];
  /** Other causes, and why they are less likely. */
  readonly also: readonly string[];
  /** Found at one mailbox, true of all of its tenant. */
  readonly forTenant?: true;
}

/** One step, and what is wrong with it if anything is. */
export interface StepVerdict {
  readonly step: Step;
  readonly finding?: Finding;
}

export function passed(name: StepName, text: string, note?: string): StepVerdict {
  return { step: { name, state: "passed", text, ...(note !== undefined && { note }) } };
}

export function look(name: StepName, text: string, note: string, commands: readonly string[] = []): StepVerdict {
  return { step: { name, state: "look", text, note, ...(commands.length > 0 && { commands }) } };
}

export function skipped(name: StepName, text: string): StepVerdict {
  return { step: { name, state: "skipped", text } };
}

type FindingGiven = Pick<Finding, "code" | "certainty" | "happened" | "cause" | "conclusion"> & Partial<Finding>;

export function failed(name: StepName, given: FindingGiven): StepVerdict {
  return {
    step: { name, state: "failed", text: given.happened },
    finding: { facts: [], fixes: [], also: [], ...given, step: name },
  };
}
