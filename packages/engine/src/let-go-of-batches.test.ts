import { expect, test } from "vitest";
import type { CommitResult, FetchedMessage, JsonPieces, OutgoingEvent } from "@mailfleet/core";
import { passOver } from "./one-pass.fixture.ts";

/** What its parser wrote of a message. */
function bytesOf(json: JsonPieces): number {
  return json.reduce((sum, piece) => sum + (typeof piece === "string" ? 0 : piece.length), 0);
}

/** Three messages are read and handed off, or not; then what is left of their bytes, and of those of their events. */
async function bytesLeft(answer?: CommitResult): Promise<{ readonly messages: number[]; readonly events: number[] }> {
  const fetched: FetchedMessage[] = [];
  const events: OutgoingEvent[] = [];
  async function* watched(messages: AsyncIterable<readonly FetchedMessage[]>): AsyncGenerator<readonly FetchedMessage[]> {
    for await (const some of messages) {
      fetched.push(...some);
      yield some;
    }
  }
  const raws = ["m1", "m2", "m3"].map((name) => `Subject: ${name}\r\n\r\n${name}\r\n`);
  await passOver(raws, watched, ({ handOff }) => ({
    handOff: {
      ...handOff,
      commit: async (step) => {
        events.push(...step.events);
        return step.events.length > 0 && answer ? answer : handOff.commit(step);
      },
    },
  }));
  return { messages: fetched.map(({ bytes }) => bytes.length), events: events.map(({ json }) => bytesOf(json)) };
}

test("what was handed off takes no memory", async () => {
  expect(await bytesLeft()).toEqual({ messages: [0, 0, 0], events: [0, 0, 0] });
});

test("what was not handed off is not touched", async () => {
  const { messages, events } = await bytesLeft({ kind: "stale" });
  expect(Math.min(...messages, ...events)).toBeGreaterThan(0);
});
