import { expect, test } from "vitest";
import { bytesInFlight, createByteBudget } from "./byte-budget.ts";

const never = new AbortController().signal;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("requests wait for room, in the order they came", async () => {
  const budget = createByteBudget(10);
  const order: string[] = [];
  const first = await budget.take(8, never);
  const second = budget.take(5, never).then((give) => (order.push("second"), give));
  const third = budget.take(1, never).then((give) => (order.push("third"), give));
  await settle();
  expect(order).toEqual([]);
  first();
  first();
  await Promise.all([second, third]);
  expect(order).toEqual(["second", "third"]);
});

test("a request above the whole budget is served alone", async () => {
  const budget = createByteBudget(10);
  const small = await budget.take(1, never);
  let isServed = false;
  const huge = budget.take(99, never).then((give) => ((isServed = true), give));
  await settle();
  expect(isServed).toBe(false);
  small();
  (await huge)();
  await expect(budget.take(10, never)).resolves.toBeTypeOf("function");
});

test("a request that is given up leaves its place to the next", async () => {
  const budget = createByteBudget(10);
  const first = await budget.take(5, never);
  const controller = new AbortController();
  const given = budget.take(9, controller.signal);
  const next = budget.take(5, never);
  controller.abort(new Error("drained"));
  await expect(given).rejects.toThrow("drained");
  await expect(next).resolves.toBeTypeOf("function");
  first();
});

test("the budget follows from the process's cap, and is never too small to work with", () => {
  expect(bytesInFlight(768, 1)).toBe(122 * 1024 * 1024);
  expect(bytesInFlight(512, 1)).toBe(37 * 1024 * 1024);
  expect(bytesInFlight(512, 8)).toBe(16 * 1024 * 1024);
});
