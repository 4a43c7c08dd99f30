import { expect, test } from "vitest";
import { limits, type MailboxRef } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import { wholeMailbox } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";
import { syncMailbox } from "./sync-mailbox.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };

/** A mailbox of two messages that a worker died with in hand: what the next one notes and commits, in order. */
async function afterDeath() {
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const box = server.addMailbox(mailbox.address);
  for (const name of ["m1", "m2"]) box.deliver("INBOX", Buffer.from(`Subject: ${name}\r\n\r\n`));
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), server.source);
  const sync = (own: Partial<EnginePorts>): ReturnType<typeof syncMailbox> =>
    syncMailbox({ ...ports, ...own }, wholeMailbox, mailbox, "fresh", new AbortController().signal);
  const mime: EnginePorts["mime"] = { ...ports.mime, parse: () => Promise.reject(new Error("the worker died")) };
  await expect(sync({ mime })).rejects.toThrow("the worker died");
  await clock.advance(limits.leaseMs + 1);
  const done: string[] = [];
  const next = (refuses: (step: string) => boolean) =>
    sync({
      store: {
        ...ports.store,
        noteInHand: async (lease, note) => {
          const step = note.inHand?.step ?? "empty";
          if (refuses(step)) return false;
          done.push(step);
          return ports.store.noteInHand(lease, note);
        },
      },
      handOff: {
        settle: (...given) => ports.handOff.settle(...given),
        commit(step) {
          done.push(...step.events.map(() => "commit"));
          return ports.handOff.commit(step);
        },
      },
    });
  return { done, next };
}

const ofOne = ["fetching", "parsing", "empty", "commit", "empty"];

test("of what a worker died with each message is noted step by step, and nothing is in hand when it is committed", async () => {
  const { done, next } = await afterDeath();
  expect(await next(() => false)).toMatchObject({ kind: "done", counts: { handedOff: 2 } });
  expect(done).toEqual(["empty", ...ofOne, ...ofOne]);
});

test("one whose hand another worker empties is not committed", async () => {
  const { done, next } = await afterDeath();
  await next((step) => step === "empty" && done.includes("parsing")).catch(() => undefined);
  expect(done).toEqual(["empty", "fetching", "parsing"]);
});
