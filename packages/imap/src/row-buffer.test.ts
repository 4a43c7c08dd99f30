import { expect, test } from "vitest";
import { RowBuffer } from "./row-buffer.ts";

const row = (uid: number, size = 1) => ({ uid, bytes: new Uint8Array(size) });
const uidsOf = (rows: readonly { readonly uid: number }[] | undefined) => rows?.map(({ uid }) => uid);

test("rows that come in one turn of the loop go on together, and a consumer waits for no more than the first", async () => {
  const buffer = new RowBuffer<ReturnType<typeof row>>();
  const first = buffer.take();
  await Promise.resolve();
  void buffer.put(row(1));
  await Promise.resolve();
  void buffer.put(row(2));
  expect(uidsOf(await first)).toEqual([1, 2]);
  void buffer.put(row(3));
  expect(uidsOf(await buffer.take())).toEqual([3]);
  const last = buffer.take();
  buffer.finish();
  expect(await last).toBeUndefined();
});

test.each([
  ["32 rows", 32, 1],
  ["512 KiB", 2, 256 * 1024],
])("%s hold the reader back until they are taken", async (_what, count, size) => {
  const buffer = new RowBuffer<ReturnType<typeof row>>();
  const uids = Array.from({ length: count }, (_, at) => at + 1);
  const room = uids.map((uid) => buffer.put(row(uid, size)));
  expect(room.map((one) => one !== undefined)).toEqual(uids.map((uid) => uid === count));
  expect(buffer.isHolding).toBe(true);
  expect(uidsOf(await buffer.take())).toEqual(uids);
  expect(buffer.isHolding).toBe(false);
  await room.at(-1);
  expect(buffer.put(row(count + 1))).toBeUndefined();
});

test("what came before the end is given, what is left when the consumer leaves is forgotten, and the reader goes on", async () => {
  const buffer = new RowBuffer<ReturnType<typeof row>>();
  void buffer.put(row(1));
  buffer.finish();
  expect(uidsOf(await buffer.take())).toEqual([1]);
  expect(await buffer.take()).toBeUndefined();
  const left = new RowBuffer<ReturnType<typeof row>>();
  const room = left.put(row(1, 600 * 1024));
  left.abandon();
  await room;
  expect(await left.take()).toBeUndefined();
});
