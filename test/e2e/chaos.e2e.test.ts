import { join } from "node:path";
import { expect, test } from "vitest";
import { root, startProgram } from "./fleet.ts";

test("a fleet of real processes that is killed ten times, its Redis included, loses nothing and tells nothing twice", async () => {
  const chaos = startProgram([
    join(root, "bench/chaos/main.ts"),
    "--kills",
    "10",
    "--mailboxes",
    "12",
    "--messages",
    "200",
    "--seed",
    "7",
    "--json",
  ]);
  const code = await chaos.ended;
  const output = chaos.output();
  const { chaos: figures } = JSON.parse(output.trim().split("\n").at(-1) ?? "") as { chaos: Record<string, number> };
  expect(figures, output).toMatchObject({
    kills: 10,
    lost: 0,
    duplicates: 0,
    outOfOrder: 0,
    unexpected: 0,
    halfWritten: 0,
    stale: 0,
    unaccounted: 0,
  });
  expect(figures["events"]).toBeGreaterThan(200);
  expect(code).toBe(0);
});
