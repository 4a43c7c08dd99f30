import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageSlab } from "./message-slab.ts";

/** Writes a message in pieces of a chunk that begins and ends elsewhere. */
function write(slab: MessageSlab, message: Buffer, pieceBytes: number): Buffer {
  const chunk = Buffer.concat([Buffer.from("before"), message, Buffer.from("behind")]);
  const end = "before".length + message.length;
  for (let at = "before".length; at < end; at += pieceBytes) slab.add(chunk, at, Math.min(end, at + pieceBytes));
  expect(slab.length).toBe(message.length);
  return slab.take();
}

const message = fc.record({
  bytes: fc.oneof(fc.nat(30_000), fc.nat(600_000)).map((length) => Buffer.alloc(length, `${length} `)),
  pieceBytes: fc.oneof(fc.integer({ min: 1_000, max: 17_000 }), fc.constant(400_000)),
});

test("messages of any size come out as they were written, whatever comes behind them", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const slab = new MessageSlab();
      const taken = messages.map(({ bytes, pieceBytes }) => write(slab, bytes, pieceBytes));
      slab.end();
      for (const [at, { bytes }] of messages.entries()) expect(taken[at]?.equals(bytes)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test("a message may fill its buffer to the last byte, and one without bytes lies in one as well", () => {
  const kb = 1_024;
  const sizes = [16 * kb, 0, 32 * kb - 1, 1, 0, 64 * kb + 1, 256 * kb, 0, 0, 256 * kb - 1, 1, 512 * kb];
  const slab = new MessageSlab();
  const taken = sizes.map((size) => {
    const bytes = Buffer.alloc(size, `${size} `);
    return { bytes, written: write(slab, bytes, 64 * kb), letGo: slab.letGo };
  });
  slab.end();
  for (const [at, { letGo }] of taken.entries()) {
    for (const { bytes, written } of taken.slice(at)) expect(written.equals(bytes)).toBe(true);
    letGo();
  }
  expect(taken.map(({ written }) => written.buffer.byteLength)).toEqual(sizes.map(() => 0));
});

test("small messages share few buffers, and a lone one takes little", () => {
  const slab = new MessageSlab();
  const buffers = new Set(Array.from({ length: 100 }, () => write(slab, Buffer.alloc(7_000), 4_096).buffer));
  expect([...buffers].map((buffer) => buffer.byteLength / 1_024)).toEqual([16, 32, 64, 128, 256, 256]);
});

test("a buffer goes once nobody writes to it, and all that lies in it was let go of", () => {
  const slab = new MessageSlab();
  const first = write(slab, Buffer.from("first"), 5);
  const letGoOfFirst = slab.letGo;
  const second = write(slab, Buffer.from("second"), 6);
  const letGoOfSecond = slab.letGo;
  letGoOfFirst();
  letGoOfSecond();
  expect([first.toString(), second.toString()]).toEqual(["first", "second"]);
  const third = write(slab, Buffer.from("third"), 5);
  const letGoOfThird = slab.letGo;
  slab.end();
  expect(third.toString()).toBe("third");
  letGoOfThird();
  expect([first.length, second.length, third.length]).toEqual([0, 0, 0]);
});
