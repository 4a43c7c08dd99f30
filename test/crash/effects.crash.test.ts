import type { EnginePorts } from "@mailfleet/engine";
import { expect, test } from "vitest";
import { givenRules, portRules, type Rules } from "./effects.ts";
import { folderScenarios } from "./folder-scenarios.ts";
import { mailScenarios } from "./mail-scenarios.ts";
import { runScenario } from "./run-scenario.ts";
import { watchPorts } from "./watch-ports.ts";

/** Effects of ports that the flow of one mailbox does not have, and who has them. */
const elsewhere: Readonly<Record<string, string>> = {
  "session.idle": "the push sessions, which only poke",
  "store.load": "proofs and replay; a session finds it with its lease",
  "blobs.read": "replay, which tells again what was told",
  "blobs.indexed": "replay",
  "entries.return": "nobody: an index is read to its end",
  "breakers.hold": "tenants that are held: held-tenants.crash.test.ts",
  "breakers.release": "the same",
};

test("every effect that there is is met in some scenario, so that something was stopped at it", async () => {
  const met = new Set<string>();
  for (const scenario of [...mailScenarios, ...folderScenarios])
    for (const { name } of (await runScenario(scenario)).effects) met.add(name);
  // Only what goes wrong leads there.
  for (const name of ["batch.discard", "writer.giveUp", "messages.return", "pieces.return", "stored.return", "signals.announce"])
    met.add(name);
  const all = [...Object.entries(portRules), ...Object.entries(givenRules)].flatMap(([name, rules]) =>
    Object.entries(rules as Rules).flatMap(([method, rule]) =>
      rule === undefined || rule.is === "pure" || rule.is === "holder" ? [] : [`${name}.${method}`],
    ),
  );
  expect(all.filter((name) => !met.has(name) && elsewhere[name] === undefined)).toEqual([]);
  expect(Object.keys(elsewhere).filter((name) => met.has(name))).toEqual([]);
});

test("a call of a port that is not classified fails, in the ports and in what they give out", async () => {
  const watcher = {
    before: () => undefined,
    call: <R>(_: unknown, run: () => R) => run(),
    callAsync: <R>(_: unknown, run: () => Promise<R>) => run(),
  };
  const lease = { mailbox: {}, token: "1:x", lane: "fresh", stop: () => undefined, extend: () => undefined };
  const ports = watchPorts(
    { store: { acquire: async () => lease, sweep: () => undefined }, ghost: { walk: () => undefined } } as unknown as EnginePorts,
    watcher,
  );
  expect(() => (ports.store as unknown as { sweep(): void }).sweep()).toThrow("store.sweep is not classified");
  expect(() => (ports as unknown as { ghost: { walk(): void } }).ghost.walk()).toThrow("ghost.walk is not classified");
  const given = await ports.store.acquire({ tenant: "t", address: "a", protocol: "imap" }, "fresh");
  expect(() => (given as unknown as { extend(): void }).extend()).toThrow("lease.extend is not classified");
  expect(given?.token).toBe("1:x");
});
