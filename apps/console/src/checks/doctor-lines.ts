import { diagnose, type Observations, type Step, type StepName, stripControls, type TimeStyle } from "@mailfleet/core";
import type { RunLine } from "@mailfleet/core/console";

const kinds: Readonly<Record<Exclude<Step["state"], "not reached">, RunLine["kind"]>> = {
  passed: "passed",
  look: "look",
  failed: "failed",
  skipped: "skipped",
};

/** What was found since it was told last, mailbox by mailbox; a step is told once, when it is settled. */
export class DoctorLines {
  readonly #told = new Map<string, Set<StepName>>();

  /** @param about the line that a mailbox begins with */
  next(about: string, seen: Observations, style: TimeStyle): readonly RunLine[] {
    const lines: RunLine[] = [];
    const told = this.#told.get(about) ?? new Set();
    if (!this.#told.has(about)) lines.push({ kind: "busy", name: "looks at", text: about });
    this.#told.set(about, told);
    for (const { name, state, text } of diagnose(seen, style).steps) {
      if (state === "not reached" || told.has(name)) continue;
      told.add(name);
      lines.push({ kind: kinds[state], name, text: stripControls(text) });
    }
    return lines;
  }
}
