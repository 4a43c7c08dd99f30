import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEvents, readSums, until } from "./fleet.ts";
import type { FleetUnderTest } from "./fleet-under-test.ts";
import { startFleet } from "./start-fleet.ts";

let fleet: FleetUnderTest;
let redis: Redis;
beforeAll(async () => {
  fleet = await startFleet({ tenants: [{ alias: "contoso", mailboxes: 3, messages: 240 }], pollSeconds: 3_600, hasConsole: false });
  redis = new Redis(fleet.redis.url);
});
afterAll(async () => {
  redis?.disconnect();
  await fleet?.stop();
});

test("an operator proves a running fleet, finds a planted gap, repairs it, and hands mail off again, each by one command", async () => {
  const { sandbox, mailfleet } = fleet;
  const all = (await sandbox.truth()).filter(({ isMail }) => isMail).length;
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff === all && sums.toDo === 0,
    120_000,
    fleet.output,
  );
  expect(await mailfleet("prove")).toMatchObject({ code: 0, doc: { ok: true, sums: { listed: all, handedOff: all, gaps: 0 } } });

  const address = sandbox.tenants[0]?.addresses[1] ?? "";
  const hole = await sandbox.plant(address);
  const found = await mailfleet("prove", "--tenant", "contoso");
  expect(found).toMatchObject({ code: 1, doc: { ok: false, sums: { listed: all + 1, gaps: 1 } } });
  expect(JSON.stringify(found.doc)).toContain(`"gapUids":"${hole}"`);

  expect(await mailfleet("prove", address, "--repair")).toMatchObject({
    code: 0,
    doc: { ok: true, mailboxes: [{ repair: { ending: "done", putBack: 1 } }] },
  });
  const events = await readEvents(fleet.redis.url);
  expect(events.filter((event) => event.type === "message.added" && event.mailbox === address && event.uid === hole)).toHaveLength(1);
  expect(await mailfleet("prove")).toMatchObject({ code: 0, doc: { ok: true, sums: { listed: all + 1, handedOff: all + 1 } } });

  expect(await mailfleet("replay", "--tenant", "contoso")).toMatchObject({
    code: 0,
    doc: { chosen: all + 1, outcomes: { added: 0, waiting: all + 1 } },
  });
  expect(await mailfleet("dead-letters", "list")).toMatchObject({ code: 0, doc: { letters: 0, causes: [] } });
});
