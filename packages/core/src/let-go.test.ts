import { expect, test } from "vitest";
import { letGo, letGoBuffer } from "./let-go.ts";

test("bytes that are all of their buffer are gone", () => {
  const bytes = new Uint8Array(5_000).fill(1);
  letGo(bytes);
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([0, 0]);
});

test("bytes beside others stay, and so do the others", () => {
  const all = Uint8Array.of(1, 2, 3, 4);
  letGo(all.subarray(0, 2));
  expect([...all]).toEqual([1, 2, 3, 4]);
});

test("letting go twice is letting go", () => {
  const bytes = Uint8Array.of(1);
  const { buffer } = bytes;
  letGoBuffer(buffer);
  letGoBuffer(buffer);
  letGo(bytes);
  expect(bytes.length).toBe(0);
});

test("memory that threads share is nobody's to give back", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
  letGo(shared);
  expect([...shared]).toEqual([7, 7, 7, 7]);
});
