import { type FetchedMessage, limits } from "@mailfleet/core";
import { plainParser } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { passOver } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";

/** Reads messages whose sizes were announced as 100 bytes, and all of which come at once. */
async function read(raws: readonly string[], own: (ports: EnginePorts) => Partial<EnginePorts>) {
  return passOver(raws, atOnce, own, 100);
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
  const inWork = { bytes: 0, most: 0 };
  const outcome = await read(
    Array.from({ length: 12 }, () => raw),
    () => ({
      mime: {
        ...plainParser,
        async parse(bytes) {
          inWork.bytes += bytes.length;
          inWork.most = Math.max(inWork.most, inWork.bytes);
          await aWhile();
          inWork.bytes -= bytes.length;
          return plainParser.parse(bytes);
        },
      },
    }),
  );
  expect(outcome).toMatchObject({ kind: "done", counts: { handedOff: 12 } });
  expect(inWork.most).toBeGreaterThan(limits.batchBytes);
  expect(inWork.most).toBeLessThanOrEqual(limits.batchBytes + raw.length);
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
