import { recordingLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { arrived, connected, hour, mail, push, setUpPushFleet, work } from "./push-fleet.ts";
import { address, record, sandbox, setUpSyncBench } from "./sync-bench.ts";

setUpSyncBench({ tokenLifetimeSeconds: 15 });
setUpPushFleet();

test("sessions that end with their tokens are replaced; nothing is missed, blamed or logged as trouble (F21)", async () => {
  const log = recordingLog();
  work(hour);
  const started = push(log);
  for (let life = 1; life <= 2; life++) {
    await connected(started, life);
    sandbox.deliver(address, "INBOX", mail(`life-${life}`));
    await arrived([`life-${life}`]);
  }
  expect((await record())?.cause).toBeUndefined();
  expect([...log.messages("warn"), ...log.messages("error")]).toEqual([]);
}, 120_000);
