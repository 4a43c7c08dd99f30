import type { HistoryPoint } from "@mailfleet/core/console";
import type { WatchedMailbox } from "@mailfleet/store";
import { recordingLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { FleetHistory } from "./fleet-history.ts";
import { FleetMemory } from "./fleet-memory.ts";
import { watchedMailbox } from "./watched-mailbox.fixture.ts";

const second = 1_000;
const stepMs = 10 * second;
const start = 170_000_000 * stepMs;

/** Counts how often all of its mailboxes were gone through. */
class CountingMemory extends FleetMemory {
  passes = 0;

  override *mailboxes(): Generator<WatchedMailbox> {
    this.passes += 1;
    yield* super.mailboxes();
  }
}

test.each([1, 9])(
  "each 10 s of the charts have a point where the console looks every %d s, and ages are sorted once for it",
  async (everySeconds) => {
    const memory = new CountingMemory({ freshWithinMs: 600 * second, options: "" });
    const written: HistoryPoint[] = [];
    const rings = {
      amScribe: () => Promise.resolve(true),
      read: () => Promise.resolve([]),
      write(span: string, points: ReadonlyMap<string, HistoryPoint>) {
        const fleet = points.get("");
        if (span === "1h" && fleet) written.push(fleet);
        return Promise.resolve();
      },
    };
    const activity = { write: () => Promise.resolve(), read: () => Promise.resolve({ entries: [] }) };
    const history = new FleetHistory({ rings, activity, id: "c", log: recordingLog() });
    memory.take({ at: start, changed: [watchedMailbox("a", { checkedAt: start })], gone: [] });
    let passes = 0;
    for (let at = start; at <= start + 20 * stepMs; at += everySeconds * second) {
      memory.settle(at);
      const before = memory.passes;
      history.note(memory, at);
      passes += memory.passes - before;
      // What was written is written before the next look.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written.length).toBeGreaterThanOrEqual(19);
    expect(written.map(({ at }) => (at - start) / stepMs)).toEqual(written.map((_, step) => step));
    for (const { at, worst } of written) {
      expect(worst).toBeGreaterThanOrEqual(at - start);
      expect(worst).toBeLessThan(at - start + stepMs);
    }
    expect(passes).toBe(written.length + 1);
  },
);
