import type { ActionRequest, ActionRun, ActivityEntry, RunLine } from "@mailfleet/core/console";

/** What is done once an action is let go. */
export interface Work {
  readonly verb: ActionRequest["verb"];
  readonly subject: string;
  readonly count: number;
  readonly command: string;
  /** The command of the action that puts it back; absent where there is none. */
  readonly reverse?: string;
  readonly about: Pick<ActivityEntry, "tenant" | "mailbox" | "cause">;
  readonly reason: string | undefined;
  /** `at once`; `held`: after the time to undo it; `stoppable`: at once, and may be ended while it runs. */
  readonly pace: "at once" | "held" | "stoppable";
  /** Gives back what it took, where it never begins. */
  readonly leave?: () => void;
  /** @returns what came of it, and what puts it back */
  readonly act: (progress: WorkProgress) => Promise<Outcome>;
}

export interface WorkProgress {
  readonly onDone: (done: number) => void;
  readonly onLines: (lines: readonly RunLine[]) => void;
  /** Of work that is stoppable: aborted when somebody stops it. */
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly done: number;
  readonly failed: number;
  readonly words: string;
  readonly result?: ActionRun["result"];
  readonly undo?: () => Promise<{ readonly words: string }>;
}
