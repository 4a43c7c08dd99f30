import { expect, test } from "vitest";
import { inOneBuffer } from "./one-buffer.ts";

const messages = ["first", "", "second"].map((text, at) => ({ uid: at + 1, flags: [], bytes: Buffer.from(text) }));

test("the buffer goes with the last message, and who reads on in one that was let go of finds other bytes", () => {
  const [first, empty, second] = inOneBuffer(messages);
  expect([first, empty, second].map((one) => Buffer.from(one?.bytes ?? []).toString())).toEqual(["first", "", "second"]);
  first?.letGo?.();
  empty?.letGo?.();
  expect([...(first?.bytes ?? [])]).toEqual([0xff, 0xff, 0xff, 0xff, 0xff]);
  expect(Buffer.from(second?.bytes ?? []).toString()).toBe("second");
  second?.letGo?.();
  expect(first?.bytes).toHaveLength(0);
});

test("a message is not let go of twice", () => {
  const [first] = inOneBuffer(messages);
  first?.letGo?.();
  expect(() => first?.letGo?.()).toThrow("message 1 was let go of twice");
});
