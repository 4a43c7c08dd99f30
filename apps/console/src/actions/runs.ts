import { randomBytes } from "node:crypto";
import type { ActionRun, RunLine } from "@mailfleet/core/console";

/** Actions that are remembered; the oldest give way. */
const mostRuns = 500;
/** Results that are kept: a proof of fifty mailboxes may be a megabyte, and whoever asked has it within seconds. */
const mostResults = 20;
/** Lines of one check that are kept: what comes later is what somebody waits for. */
const mostLines = 40;

/** What became of actions, for pages that ask and for the stream. In this process' memory: the record of what was done is the activity. */
export class Runs {
  readonly #runs = new Map<string, ActionRun>();
  readonly #tell: (run: ActionRun) => void;

  /** @param tell called with each step, without what only the asker may see */
  constructor(tell: (run: ActionRun) => void) {
    this.#tell = tell;
  }

  begin(run: Omit<ActionRun, "id">): ActionRun {
    const begun = { ...run, id: randomBytes(9).toString("base64url") };
    this.#runs.set(begun.id, begun);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size > mostRuns && oldest !== undefined) this.#runs.delete(oldest);
    this.#told(begun);
    return begun;
  }

  find(id: string): ActionRun | undefined {
    return this.#runs.get(id);
  }

  update(id: string, change: Partial<Omit<ActionRun, "id">>): ActionRun | undefined {
    const known = this.#runs.get(id);
    if (known === undefined) return undefined;
    const next = { ...known, ...change };
    this.#runs.set(id, next);
    if (change.result) this.#forgetResults();
    this.#told(next);
    return next;
  }

  addLines(id: string, more: readonly RunLine[]): void {
    const known = this.#runs.get(id);
    if (known === undefined || more.length === 0) return;
    this.update(id, { lines: [...(known.lines ?? []), ...more].slice(-mostLines) });
  }

  /** What can be undone no more. */
  settle(id: string): void {
    const known = this.#runs.get(id);
    if (known === undefined) return;
    const { undoUntil: _over, ...rest } = known;
    this.#runs.set(id, rest);
  }

  #forgetResults(): void {
    const withResult = [...this.#runs.values()].filter(({ result }) => result !== undefined);
    for (const { result: _old, ...run } of withResult.slice(0, -mostResults)) this.#runs.set(run.id, run);
  }

  #told({ result: _own, ...run }: ActionRun): void {
    this.#tell(run);
  }
}
