import { expect, test } from "vitest";
import { MessagePieces } from "./message-pieces.ts";

test.each([0, 1, 2, 1_023, 1_024, 1_025, 3 * 1_024 + 7])("of %i bytes that come one by one are one buffer of their own", (count) => {
  const pieces = new MessagePieces();
  const expected = Buffer.from(Array.from({ length: count }, (_, index) => index % 251));
  for (const byte of expected) pieces.add(Uint8Array.of(byte));
  expect(pieces.length).toBe(count);
  const whole = pieces.take();
  expect(whole.equals(expected)).toBe(true);
  expect(whole.buffer.byteLength).toBe(count);
});

test("are used up once they were taken", () => {
  const pieces = new MessagePieces();
  for (let at = 0; at < 2_000; at++) pieces.add(Buffer.from("ab"));
  expect(pieces.take()).toHaveLength(4_000);
  expect(pieces.length).toBe(0);
  pieces.add(Buffer.from("next"));
  expect(pieces.take().toString()).toBe("next");
});
