import { join } from "node:path";
import { expect, test } from "vitest";
import { root, startProgram } from "./fleet.ts";

interface Figures {
  readonly faults: number;
  readonly share: number;
  readonly wrong: readonly object[];
  readonly incident: { readonly isRight: boolean };
  readonly lost: number;
  readonly unaccounted: number;
}

/** The doctor's part of the same faults is test/service/doctor.redis.test.ts. */
test("more than ninety faults of Microsoft 365, over IMAP and POP3, each at a tenant of its own under a fleet of real processes, end as they should and come back by themselves", async () => {
  const bench = startProgram([join(root, "bench/faults/main.ts"), "--no-doctor", "--quick", "--json"]);
  const code = await bench.ended;
  const { faults: figures } = JSON.parse(bench.output().trim().split("\n").at(-1) ?? "") as { faults: Figures };
  expect(figures, JSON.stringify(figures.wrong)).toMatchObject({ incident: { isRight: true }, lost: 0, unaccounted: 0 });
  expect(figures.faults).toBeGreaterThan(90);
  expect(figures.share, JSON.stringify(figures.wrong)).toBeGreaterThanOrEqual(0.95);
  expect(code).toBe(0);
}, 900_000);
