import { limits, syncError } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { CrashWorld } from "./crash-world.ts";
import { mailScenarios } from "./mail-scenarios.ts";
import { folderScenarios } from "./folder-scenarios.ts";
import type { Scenario } from "./run-scenario.ts";
import type { EffectCall } from "./watch-ports.ts";

/** What a session may still do that has lost its right: leave, and put into a file that it then gives up. */
const leaving = new Set([
  ...["session.close", "messages.return", "pieces.return", "stored.return", "entries.return"],
  ...["batch.put", "writer.giveUp", "batch.discard", "lease.stop"],
]);

const tried: readonly Scenario[] = [...mailScenarios, ...folderScenarios].filter(({ name }) =>
  ["first sync", "flags and removals", "a new UIDVALIDITY"].includes(name),
);

describe("a session that loses its right to work stops at once, wherever it is", () => {
  test.each(tried)("the lease, or the lock of its job: $name", async (scenario) => {
    for (const right of ["lease", "job"] as const) {
      const whole = await interrupt(scenario, 0, right);
      expect(whole.outcome?.kind).toBe("done");
      for (let at = 2; at <= whole.effects; at++) {
        const { outcome, after, isTried } = await interrupt(scenario, at, right);
        if (!isTried) continue;
        const where = `${right} lost at effect ${at} of ${whole.effects}`;
        // With its last commit under way a session has only to say that it is complete, which is leaving too.
        const isOver = at >= whole.lastCommit;
        if (!isOver) expect(outcome, where).toMatchObject({ kind: "lease-lost" });
        const staying = after.filter(({ name }) => !leaving.has(name) && !(isOver && name === "handOff.settle"));
        // It begins nothing any more that changes anything. It may ask one thing more, and a message on its own disk is parsed to its end.
        expect(
          staying.filter(({ rule }) => rule.is !== "question"),
          where,
        ).toEqual([]);
        expect(staying.filter(({ name }) => name !== "stored.next").length, where).toBeLessThanOrEqual(1);
      }
    }
  });
});

/** One backfill session, whose right is lost just before effect `at` is answered; 0 for never. */
async function interrupt(scenario: Scenario, at: number, right: "lease" | "job") {
  const world = new CrashWorld(scenario.world);
  scenario.begin(world);
  if (scenario.change) {
    for (const lane of ["fresh", "backfill", "fresh"] as const) await world.worker().sync(world.settings, world.mailbox, lane);
    scenario.change(world);
  }
  const job = new AbortController();
  /** What was under way or done when the right was lost. */
  let begun: ReadonlySet<EffectCall> | undefined;
  const worker = world.worker(undefined, {
    async turn(effect) {
      if (effect !== at) return;
      if (right === "lease") {
        world.fleet.expireLease(world.mailbox);
        await world.clock.advance(limits.leaseRenewMs + 1);
      } else job.abort(syncError("LEASE_LOST", "The lock of the sync job is lost.", { layer: "redis" }));
      begun = new Set(worker.effects);
    },
  });
  const outcome = await worker.sync(world.settings, world.mailbox, "backfill", job.signal);
  const effects = worker.effects.map(({ name }) => name);
  return {
    outcome,
    isTried: begun !== undefined,
    effects: effects.length,
    lastCommit: effects.lastIndexOf("handOff.commit") + 1,
    after: worker.done.filter((effect) => begun?.has(effect) === false),
  };
}
