import { backlogsOf, doctorSentence, type Examined, subjectHead } from "@mailfleet/checks";
import { type Diagnosis, type Finding, formatCounted, formatUtc, type Step, stripControls } from "@mailfleet/core";
import { padEnd, textWidth, wrapText } from "../text-layout.ts";
import type { Role, Terminal } from "../terminal.ts";

const nameWidth = 16;
const indent = "    ";
const deeper = "        ";

/** For people: what passed folds into one line where something failed, and what was not reached is no pass. */
export function renderDoctor(all: readonly Examined[], tookMs: number, terminal: Terminal): string {
  const lines: string[] = [];
  const only = all.length === 1 ? all[0] : undefined;
  for (const one of all) {
    lines.push(subjectHead(one.seen));
    lines.push(...(one.diagnosis.finding ? failedBlock(one.diagnosis, one.diagnosis.finding, terminal) : passedBlock(one, only, terminal)));
  }
  const backlogs = backlogsOf(all);
  const closing = doctorSentence(all, tookMs);
  // The command stands by itself in a terminal: it is there to be pasted.
  lines.push(backlogs.reduce((text, { sentence, command }) => text.replace(` ${sentence}; go on now: ${command}`, ""), closing));
  for (const { sentence, command } of backlogs) lines.push(...withCommand(`${sentence}; go on now:`, command, "", terminal));
  return `${lines.join("\n")}\n`;
}

/** All steps where one mailbox is asked about; else one line, what is worth a look, and that what must be refused is. */
function passedBlock({ diagnosis, seen }: Examined, only: Examined | undefined, terminal: Terminal): string[] {
  const { steps } = diagnosis;
  if (only) return steps.flatMap((step) => stepLines(step, terminal));
  const mailbox = steps.find(({ name }) => name === "mailbox")?.text ?? "";
  const passed = steps.filter(({ state }) => state === "passed" || state === "look").length;
  const isAsked = seen.scope?.isInvented === false;
  return [
    `  ${mark("done", terminal)} ${formatCounted(passed, "check")} passed${mailbox === "" ? "" : `; mailbox ${mailbox}`}`,
    ...steps
      .filter(({ name, state }) => state === "look" || (state === "passed" && name === "scope" && isAsked))
      .flatMap((step) => stepLines(step, terminal)),
  ];
}

function stepLines({ name, state, text, note, commands = [] }: Step, terminal: Terminal): string[] {
  const sign = state === "look" ? mark("look", terminal) : state === "passed" ? mark("done", terminal) : "-";
  const lines = [`  ${sign} ${padEnd(name, nameWidth)}${text}`];
  const told = note === undefined ? [] : wrapped(note, terminal);
  return [...lines, ...told, ...commands.map((command) => `${deeper}${stripControls(command)}`)];
}

function failedBlock({ steps, next, sooner }: Diagnosis, finding: Finding, terminal: Terminal): string[] {
  const passed = steps.filter(({ state }) => state === "passed").map(({ name }) => name);
  const missed = steps.filter(({ state }) => state === "not reached").map(({ name }) => name);
  const between = steps.filter(({ state }) => state === "look" || state === "skipped");
  const lines: string[] = [];
  if (passed.length > 0) lines.push(`  ${mark("done", terminal)} ${passed.join(", ")}`);
  lines.push(...between.flatMap((step) => stepLines(step, terminal)));
  const [first = "", ...more] = wrapText(stripControls(finding.happened), terminal.outWidth(), nameWidth + 4);
  lines.push(`  ${mark("yours", terminal)} ${padEnd(finding.step, nameWidth)}${first}`);
  lines.push(...more.map((part) => `${" ".repeat(nameWidth + 4)}${part}`));
  lines.push(...wrapped(`${certaintyWords[finding.certainty]}: ${finding.cause}`, terminal));
  const width = Math.max(0, ...finding.facts.map(({ label }) => label.length)) + 4;
  for (const { label, value } of finding.facts) lines.push(`${deeper}${padEnd(label, width)} ${stripControls(value)}`);
  for (const { who, commands } of finding.fixes) {
    lines.push(`${indent}${who}`);
    for (const command of commands) lines.push(`${deeper}${stripControls(command)}`);
  }
  if (next !== undefined) lines.push(...nextLines(next, sooner, terminal));
  if (finding.also.length > 0) lines.push(...wrapped(`Also possible: ${finding.also.map(withoutStop).join("; ")}.`, terminal));
  if (missed.length > 0) lines.push(`  - ${padEnd(missed.join(", "), nameWidth)} not reached`.replace(/ {2,}not/, "    not"));
  return lines;
}

/** A command to paste is never broken: where it does not fit, it stands on a line of its own. */
function nextLines(next: string, sooner: string | undefined, terminal: Terminal): string[] {
  return sooner === undefined
    ? wrapped(`${next}.`, terminal)
    : withCommand(`${next}; once it is mended, sooner:`, sooner, indent, terminal);
}

function withCommand(words: string, command: string, before: string, terminal: Terminal): string[] {
  const whole = stripControls(`${before}${words} ${command}`);
  if (textWidth(whole) <= terminal.outWidth()) return [whole];
  const parts = wrapText(stripControls(words), terminal.outWidth(), before.length).map((part) => `${before}${part}`);
  return [...parts, `${before}    ${stripControls(command)}`];
}

const certaintyWords = { certain: "Certain", "most likely": "Most likely", possible: "Possible" } as const;

function wrapped(text: string, terminal: Terminal): string[] {
  return wrapText(stripControls(text), terminal.outWidth(), indent.length).map((part) => `${indent}${part}`);
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}

function mark(role: Extract<Role, "done" | "yours" | "look">, terminal: Terminal): string {
  return terminal.paint(role, terminal.marks[role], "out");
}

/** `mailfleet.doctor/1`: one document for programs. */
export function doctorJson(all: readonly Examined[], at: number, tookMs: number): object {
  const wrong = all.filter(({ diagnosis }) => diagnosis.finding !== undefined);
  return {
    schema: "mailfleet.doctor/1",
    ok: all.length > 0 && wrong.length === 0,
    at: formatUtc(at),
    seconds: Math.round(tookMs / 100) / 10,
    sentence: doctorSentence(all, tookMs),
    wrong: wrongJson(wrong[0]),
    checks: all.map(({ seen: { subject, other }, diagnosis: { steps, finding, next, again, sooner, backlog } }) => ({
      tenant: subject.tenant,
      mailbox: subject.mailbox,
      protocol: subject.protocol,
      ok: finding === undefined,
      steps,
      ...(other && {
        compared: { protocol: other.protocol, ok: other.refusal === undefined, ...(other.refusal && { code: other.refusal.code }) },
      }),
      ...(backlog && { waits: { what: backlog.sentence, do: [backlog.command] } }),
      ...(finding && {
        diagnosis: {
          step: finding.step,
          code: finding.code,
          certainty: finding.certainty,
          happened: finding.happened,
          cause: finding.cause,
          conclusion: finding.conclusion,
          facts: finding.facts,
          do: finding.fixes,
          commands: finding.fixes.flatMap(({ commands }) => commands),
          also: finding.also,
          next,
          again,
          ...(sooner !== undefined && { sooner }),
        },
      }),
    })),
  };
}

/** The first step that is wrong; null where none is. */
function wrongJson(one: Examined | undefined): object | null {
  if (one?.diagnosis.finding === undefined) return null;
  const { step, code, certainty } = one.diagnosis.finding;
  return { tenant: one.seen.subject.tenant, mailbox: one.seen.subject.mailbox, step, code, certainty };
}
