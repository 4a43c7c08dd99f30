import { describe, expect, test } from "vitest";
import { canHappen, crashModes } from "./crashing-worker.ts";
import { runScenario, type Scenario } from "./run-scenario.ts";

/**
 * isync's method: each scenario is stopped at every single effect, in every way, goes on with a new worker, and must reach the same end.
 */
export function describeEveryStep(scenarios: readonly Scenario[]): void {
  describe.each(scenarios)("$name", (scenario) => {
    test.each(crashModes)("ends the same whichever effect a worker is %s", async (mode) => {
      const whole = await runScenario(scenario);
      expect(whole.problems).toEqual([]);
      for (const [index, effect] of whole.effects.entries()) {
        if (!canHappen(mode, effect)) continue;
        const at = index + 1;
        const where = `${mode} effect ${at} of ${whole.effects.length}, ${effect.name}`;
        const run = await runScenario(scenario, { at, mode }).catch((error: unknown) => {
          throw new Error(where, { cause: error });
        });
        expect(run.problems, where).toEqual([]);
        if (!scenario.isTimed) expect(run.told, where).toEqual(whole.told);
      }
    });
  });
}
