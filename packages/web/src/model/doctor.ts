import type { CheckedItem, StateRole, StateShape } from "@mailfleet/core/console";

type Diagnosis = CheckedItem["diagnosis"];

export interface StepLine {
  readonly name: string;
  readonly role: StateRole;
  readonly shape: StateShape;
  /** Said to who does not see the shape. */
  readonly mark: string;
  readonly text: string;
  readonly note?: string;
  readonly commands: readonly string[];
}

/** What passed is folded into few words; what was not reached is never shown as good. */
export function stepLines({ steps }: Diagnosis): readonly StepLine[] {
  return steps.map(({ name, state, text, note, commands = [] }): StepLine => {
    const line = { name, text, commands, ...(note !== undefined && { note }) };
    switch (state) {
      case "passed":
        return { ...line, role: "calm", shape: "check", mark: "passed: " };
      case "look":
        return { ...line, role: "late", shape: "triangle", mark: "look: " };
      case "failed":
        return { ...line, role: "yours", shape: "octagon", mark: "failed: " };
      case "skipped":
        return { ...line, role: "off", shape: "ring", mark: "nothing to check: " };
      case "not reached":
        return { ...line, role: "off", shape: "dashed ring", mark: "" };
    }
  });
}
