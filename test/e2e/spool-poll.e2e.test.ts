import { join } from "node:path";
import { expect, test } from "vitest";
import { root, startProgram } from "./fleet.ts";

interface Spool {
  readonly mailboxes: readonly {
    readonly uidls: string;
    readonly messages: number;
    readonly checkpointBytes: number;
    readonly poll: { readonly roundTrips: number; readonly received: number; readonly sent: number };
  }[];
  readonly ledger: readonly number[];
}

test("a poll of a large POP3 mailbox without new mail costs what one of ten messages costs, whatever its UIDLs look like", async () => {
  const run = startProgram([join(root, "bench/spool/main.ts"), "--messages", "1500", "--polls", "3", "--json"]);
  const code = await run.ended;
  expect(code, run.output()).toBe(0);
  const { spool } = JSON.parse(run.output().trim().split("\n").at(-1) ?? "") as { spool: Spool };
  expect(spool.ledger).toEqual([3_020, 3_020, 0, 0, 0]);
  for (const uidls of ["decimal", "opaque"]) {
    const [large, small] = spool.mailboxes.filter((one) => one.uidls === uidls).sort((a, b) => b.messages - a.messages);
    expect(large?.poll.roundTrips).toBe(small?.poll.roundTrips);
    // A list of 1,500 would be 12 kB and more.
    expect((large?.poll.received ?? 0) - (small?.poll.received ?? 0)).toBeLessThan(100);
    expect(large?.checkpointBytes).toBeLessThan(100_000);
  }
});
