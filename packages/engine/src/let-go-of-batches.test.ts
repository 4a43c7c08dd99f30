import { expect, test } from "vitest";
import type { CommitResult, FetchedMessage, JsonPieces, OutgoingEvent, Protocol } from "@mailfleet/core";
import { passOver } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";

/** What its parser wrote of a message. */
function bytesOf(json: JsonPieces): number {
  return json.reduce((sum, piece) => sum + (typeof piece === "string" ? 0 : piece.length), 0);
}

/** Three messages are read and handed off, or not; then what is left of their bytes, and of those of their events. */
async function bytesLeft(protocol: Protocol, answer?: CommitResult): Promise<{ readonly messages: number[]; readonly events: number[] }> {
  const fetched: FetchedMessage[] = [];
  const events: OutgoingEvent[] = [];
  async function* watched(messages: AsyncIterable<readonly FetchedMessage[]>): AsyncGenerator<readonly FetchedMessage[]> {
    for await (const some of messages) {
      fetched.push(...some);
      yield some;
    }
  }
  const raws = ["m1", "m2", "m3"].map((name) => `Subject: ${name}\r\n\r\n${name}\r\n`);
  const own = ({ handOff }: EnginePorts): Partial<EnginePorts> => ({
    handOff: {
      ...handOff,
      commit: async (step) => {
        events.push(...step.events);
        return step.events.length > 0 && answer ? answer : handOff.commit(step);
      },
    },
  });
  await passOver(raws, watched, own, { protocol });
  return { messages: fetched.map(({ bytes }) => bytes.length), events: events.map(({ json }) => bytesOf(json)) };
}

// Two messages of POP3 share a buffer, and so does none of IMAP.
const protocols = ["imap", "pop3"] as const;

test.each(protocols)("what was handed off takes no memory (%s)", async (protocol) => {
  expect(await bytesLeft(protocol)).toEqual({ messages: [0, 0, 0], events: [0, 0, 0] });
});

test.each(protocols)("what was not handed off is not touched (%s)", async (protocol) => {
  const { messages, events } = await bytesLeft(protocol, { kind: "stale" });
  expect(Math.min(...messages, ...events)).toBeGreaterThan(0);
});
