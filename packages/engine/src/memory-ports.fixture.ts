import { hash } from "node:crypto";
import type { MailSource } from "@mailfleet/core";
import {
  createMemoryBlobStore,
  type createMemoryFleet,
  createMemorySignals,
  createMemoryTokenSource,
  type fakeClock,
  noSlots,
  plainParser,
  seededChance,
  silentLog,
} from "@mailfleet/testkit";
import { createByteBudget } from "./byte-budget.ts";
import type { EnginePorts } from "./ports.ts";

/** A worker over the fakes: nobody drains it, nothing is behind, and nothing is said. */
export function memoryPorts(
  clock: ReturnType<typeof fakeClock>,
  fleet: ReturnType<ReturnType<typeof createMemoryFleet>["process"]>,
  mail: MailSource,
): EnginePorts {
  return {
    clock,
    chance: seededChance(2),
    digest: (text) => hash("sha256", text, "base64url").slice(0, 22),
    log: silentLog,
    tokens: createMemoryTokenSource(() => clock.now()),
    mail,
    blobs: createMemoryBlobStore(),
    mime: plainParser,
    ...fleet,
    gate: { shouldYield: () => Promise.resolve(false), isDraining: () => false },
    bytes: createByteBudget(64e6),
    slots: noSlots,
    signals: createMemorySignals(clock),
  };
}
