import { decideIntake, type DownstreamLoad, type MailboxRef } from "@mailfleet/core";
import { recordingLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { createIntakeTeller, othersThan, shareOfHost } from "./run-producer.ts";

const box = (tenant: string, name: string): MailboxRef => ({ tenant, address: `${name}@${tenant}.example`, protocol: "imap" });

test("a registered mailbox that the configuration does not name is told from those it names, tenant by tenant", () => {
  const configured = [box("contoso", "support"), box("fabrikam", "sales")];
  const left = box("contoso", "left");
  const moved = { ...box("fabrikam", "sales"), tenant: "contoso" };
  expect(othersThan(configured, [...configured, left, moved])).toEqual([left, moved]);
  expect(othersThan(configured, configured)).toEqual([]);
});

test("the log says when intake is held back, when that changes, and when it is over, and nothing in between", () => {
  const marks = { highWater: 1_000, highWaterBytes: 2e9, deadLetters: 500 };
  const log = recordingLog();
  const tell = createIntakeTeller(log, marks);
  const look = (given: Partial<DownstreamLoad>): void => {
    const load = { waiting: 0, active: 1, delayed: 0, failed: 0, bytes: 0, memoryShare: 0, problems: [], ...given };
    tell({ intake: decideIntake(load, marks), load }, 0);
  };
  for (const waiting of [10, 1_010, 1_020, 1_210, 1_050, 0, 0]) look({ waiting });
  look({ failed: 500 });
  expect(
    log.records.map(({ level, fields }) => [
      level,
      "code" in fields ? fields.code : undefined,
      "fresh" in fields ? fields.fresh : undefined,
    ]),
  ).toEqual([
    ["warn", "DOWNSTREAM_BACKPRESSURE", "slow"],
    ["warn", "DOWNSTREAM_BACKPRESSURE", "closed"],
    ["warn", "DOWNSTREAM_BACKPRESSURE", "slow"],
    ["info", undefined, "open"],
    ["warn", "DEAD_LETTERS_FULL", "closed"],
  ]);
  expect(log.messages("warn")[0]).toMatch(/^Consumers are behind: 1,011 events in the queue, the limit is 1,000\. History waits/);
});

test("what one mail server may be asked is dealt to the shards by their tenants, and one shard has all of it", () => {
  expect(shareOfHost(500, [7], 1)).toBe(500);
  expect([1, 2, 3].map((shard) => shareOfHost(500, [3, 0, 1], shard))).toEqual([375, 1, 125]);
  expect(shareOfHost(500, [0, 0], 2)).toBe(500);
});
