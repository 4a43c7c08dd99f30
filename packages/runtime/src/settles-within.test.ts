import { expect, test } from "vitest";
import { settlesWithin } from "./settles-within.ts";
import { systemClock } from "./system.ts";

const never = new Promise<never>(() => undefined);

test("what never comes is given up after its time", async () => {
  expect(await settlesWithin(systemClock, 5, never)).toBe(false);
});

test("what is done in time is waited for no longer than that, and its failure is thrown", async () => {
  expect(await settlesWithin(systemClock, 3_600_000, Promise.resolve())).toBe(true);
  await expect(settlesWithin(systemClock, 3_600_000, Promise.reject(new Error("broken")))).rejects.toThrow("broken");
});
