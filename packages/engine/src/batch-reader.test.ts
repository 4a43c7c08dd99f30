import { type FetchedMessage, limits } from "@mailfleet/core";
import { plainParser } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { passOver } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";

/** Reads messages whose sizes were announced as 100 bytes, and all of which come at once. */
async function read(raws: readonly string[], own: (ports: EnginePorts) => Partial<EnginePorts>) {
  return passOver(raws, atOnce, own, { size: 100 });
}

async function* atOnce(messages: AsyncIterable<readonly FetchedMessage[]>): AsyncGenerator<readonly FetchedMessage[]> {
  const all: FetchedMessage[] = [];
  for await (const some of messages) all.push(...some);
  yield all;
}

async function aWhile(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

test("of what comes at once, and is more than was announced, no more is parsed together than a batch may hold and one message", async () => {
  const raw = `Subject: large\r\n\r\n${"x".repeat(1024 * 1024)}\r\n`;
  const inWork = { bytes: 0, most: 0, count: 0, counts: [] as number[] };
  const outcome = await read(
    Array.from({ length: 12 }, () => raw),
    () => ({
      mime: {
        ...plainParser,
        async parse(bytes) {
          inWork.bytes += bytes.length;
          inWork.most = Math.max(inWork.most, inWork.bytes);
          inWork.counts.push(++inWork.count);
          await aWhile();
          inWork.bytes -= bytes.length;
          inWork.count--;
          return plainParser.parse(bytes);
        },
      },
    }),
  );
  expect(outcome).toMatchObject({ kind: "done", counts: { handedOff: 12 } });
  expect(inWork.most).toBeGreaterThan(limits.batchBytes);
  expect(inWork.most).toBeLessThanOrEqual(limits.batchBytes + raw.length);
  expect(inWork.counts).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
});

test("a batch that fails is thrown away when nothing of it is parsed any more: its store gets nothing afterwards", async () => {
  const done: string[] = [];
  const reading = read(["Subject: bad\r\n\r\n", "Subject: good\r\n\r\n"], ({ blobs }) => ({
    mime: {
      ...plainParser,
      async parse(bytes) {
        if (Buffer.from(bytes).includes("bad")) throw new Error("no thread");
        await aWhile();
        done.push("parsed");
        return plainParser.parse(bytes);
      },
    },
    blobs: {
      ...blobs,
      startBatch: (of) => {
        const batch = blobs.startBatch(of);
        return { ...batch, discard: async () => void done.push("discarded") };
      },
    },
  }));
  await expect(reading).rejects.toThrow("no thread");
  expect(done).toEqual(["parsed", "discarded"]);
});

test("a message that cannot be stored fails its batch: it is not taken for one that the server withheld", async () => {
  const reading = read(["Subject: m1\r\n\r\n", "Subject: m2\r\n\r\n"], ({ blobs }) => ({
    blobs: {
      ...blobs,
      startBatch(of) {
        const batch = blobs.startBatch(of);
        return {
          ...batch,
          put(kind, key, bytes, sha256) {
            if (Buffer.from(bytes).includes("m2")) throw new Error("no room");
            return batch.put(kind, key, bytes, sha256);
          },
        };
      },
    },
  }));
  await expect(reading).rejects.toThrow("no room");
});

test.each([
  ["in their order", [1, 2, 3, 4, 5]],
  ["the newest first", [5, 4, 3, 2, 1]],
  ["from the middle", [3, 5, 1, 4, 2]],
])("of messages that come %s the newest and the oldest are remembered", async (_how, order) => {
  async function* inOrder(messages: AsyncIterable<readonly FetchedMessage[]>): AsyncGenerator<readonly FetchedMessage[]> {
    for await (const all of atOnce(messages)) yield order.flatMap((uid) => all.filter((one) => one.uid === uid));
  }
  const spots: (readonly number[])[] = [];
  const own = ({ handOff }: EnginePorts): Partial<EnginePorts> => ({
    handOff: {
      ...handOff,
      commit(step) {
        if (step.events.length > 0) spots.push(step.checkpoint.spots.map(({ uid }) => uid));
        return handOff.commit(step);
      },
    },
  });
  const raws = order.map((name) => `Subject: m${name}\r\n\r\n`);
  expect(await passOver(raws, inOrder, own, { protocol: "pop3" })).toMatchObject({ kind: "done", counts: { handedOff: 5 } });
  expect(spots).toEqual([[5, 1]]);
});
