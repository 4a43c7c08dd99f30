import { hourMs, type RecordedHours, stateWords, withHour } from "@mailfleet/core/console";
import type { WatchedMailbox } from "@mailfleet/store";
import { recordingLog } from "@mailfleet/testkit";
import { beforeEach, expect, test } from "vitest";
import { FleetMemory } from "./fleet-memory.ts";
import { StripScribe } from "./strip-scribe.ts";
import { watchedMailbox } from "./watched-mailbox.fixture.ts";

const first = 500_000 * hourMs;
const minute = 60_000;
const id = "contoso/a@contoso.example";

let stored: Map<string, RecordedHours>;
let memory: FleetMemory;
let isScribe: boolean;
let scribe: StripScribe;
beforeEach(() => {
  stored = new Map();
  isScribe = true;
  memory = new FleetMemory({ freshWithinMs: 10 * minute, options: "" });
  const strips = {
    read: (mailbox: string) => Promise.resolve(stored.get(mailbox)),
    write(hour: number, states: Iterable<readonly [string, number]>) {
      for (const [mailbox, state] of states) stored.set(mailbox, withHour(stored.get(mailbox), hour, state));
      return Promise.resolve();
    },
  };
  const rings = { amScribe: () => Promise.resolve(isScribe) };
  scribe = new StripScribe({ rings, id: "c", log: recordingLog(), stripsOf: () => strips });
});

/** The console looks. */
function look(at: number, more: Partial<WatchedMailbox>): void {
  memory.take({ at, changed: [watchedMailbox("a", { checkedAt: at, ...more })], gone: [] });
  memory.settle(at);
  scribe.note(memory, at);
}

const parkedBy = { name: "anna", at: first };
const words = (recorded: RecordedHours | undefined) => recorded?.states.map((state) => (state === null ? null : stateWords[state]));

test("an hour is written when it is over, with the worst of its states; until then only its page has it", async () => {
  look(first, {});
  look(first + minute, { parkedBy });
  look(first + 2 * minute, {});
  expect(stored.size).toBe(0);
  const { hours } = await scribe.read({ id, tenant: "contoso" }, first + 2 * minute);
  expect(stateWords[hours.at(-1) ?? -1]).toBe("parked by operator");
  look(first + hourMs, {});
  await expect.poll(() => words(stored.get(id))).toEqual(["parked by operator"]);
  await scribe.flush();
  expect(words(stored.get(id))).toEqual(["parked by operator", "fresh"]);
});

test("what was written in between is not forgotten while no state changes", async () => {
  look(first, { parkedBy });
  await scribe.flush();
  look(first + minute, { parkedBy });
  look(first + hourMs, { parkedBy });
  look(first + hourMs + minute, { parkedBy });
  await scribe.flush();
  expect(words(stored.get(id))).toEqual(["parked by operator", "parked by operator"]);
});

test("a console that stops and begins again within an hour keeps the worst of both", async () => {
  look(first, { parkedBy });
  await scribe.flush();
  look(first + 2 * minute, {});
  await scribe.flush();
  expect(words(stored.get(id))).toEqual(["parked by operator"]);
});

test("of several consoles one writes, and a mailbox that was removed leaves nothing more", async () => {
  look(first, {});
  isScribe = false;
  await scribe.flush();
  expect(stored.size).toBe(0);
  isScribe = true;
  look(first + minute, {});
  memory.take({ at: first + 2 * minute, changed: [], gone: [id] });
  memory.settle(first + 2 * minute);
  scribe.note(memory, first + 2 * minute);
  await scribe.flush();
  expect(stored.size).toBe(0);
});
