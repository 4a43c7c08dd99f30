import { seededChance } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { CrashWorld } from "./crash-world.ts";
import { folderScenarios } from "./folder-scenarios.ts";
import { Interleaving } from "./interleaving.ts";
import { mailScenarios } from "./mail-scenarios.ts";
import { moveScenarios } from "./move-scenarios.ts";
import { settle } from "./run-scenario.ts";
import { spoolScenarios } from "./spool-scenarios.ts";

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
const sessions = 8;

describe("two workers that race for one mailbox", () => {
  test.each([...mailScenarios, ...folderScenarios, ...spoolScenarios, ...moveScenarios])(
    "tell everything once: $name",
    async (scenario) => {
      let sleeps = 0;
      for (const seed of seeds) {
        const world = new CrashWorld(scenario.world);
        scenario.begin(world);
        world.noteHistory();
        if (scenario.change) {
          await settle(world, world.worker());
          scenario.change(world);
        }
        const interleaving = new Interleaving(world, seededChance(seed));
        const workers = [0, 1].map((i) => world.worker(undefined, { turn: interleaving.turnOf(i) }));
        await interleaving.run(workers, sessions);
        await settle(world, world.worker());
        expect(world.problems(), `seed ${seed}`).toEqual([]);
        sleeps += interleaving.sleeps;
      }
      // Else nothing was tried.
      expect(sleeps).toBeGreaterThan(seeds.length / 2);
    },
  );
});
