import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "@mailfleet/core";
import { readSums, until } from "../e2e/fleet.ts";
import { type ComposeFleet, startComposeFleet, untilHealthy } from "./compose-fleet.ts";
import { inspect, mustDocker } from "./compose-project.ts";
import { deliverSome, expectEveryMessageOnce, killProcess, untilHandedOff, untilRestarted } from "./fleet-steps.ts";

let fleet: ComposeFleet;
let redis: Redis;
beforeAll(async () => {
  fleet = await startComposeFleet({
    tenants: [
      { alias: "contoso", mailboxes: 20, messages: 5_000 },
      { alias: "fabrikam", mailboxes: 10, messages: 2_000 },
    ],
    // So that the first test comes in the middle of the work, however fast the machine is.
    prepare: async (sandbox) => void (await sandbox.addFault({ name: "slow", params: { ms: 300 } })),
    pollSeconds: 3,
  });
  redis = new Redis(fleet.redis.url, { maxRetriesPerRequest: null });
  redis.on("error", () => undefined);
});
afterAll(async () => {
  redis?.disconnect();
  await fleet?.stop();
});

test("a worker that is killed in the middle comes back by itself, and every message is handed off once, byte for byte", async () => {
  const all = (await fleet.sandbox.truth()).filter(({ isMail }) => isMail).length;
  await until(
    () => readSums(redis),
    ({ handedOff }) => handedOff > 0,
    120_000,
    fleet.output,
  );
  const [victim = "", ...others] = await fleet.project.containers("worker");
  expect(others).toHaveLength(1);
  await killProcess(victim);
  expect((await readSums(redis)).handedOff).toBeLessThan(all);
  await untilRestarted(victim, fleet.output);
  await fleet.sandbox.clearFaults();
  await untilHandedOff(fleet, redis);
  await expectEveryMessageOnce(fleet);
  await untilHealthy(victim, fleet.output);
});

test("workers are scaled to four and back to two while mail comes, and the fleet says how many it has", async () => {
  const processes = async (): Promise<number> => {
    const { doc } = await fleet.mailfleet("status");
    return (doc["processes"] as readonly { readonly role: string }[]).filter(({ role }) => role === "worker").length;
  };
  await fleet.project.up(4);
  await deliverSome(fleet, "while there are four");
  await until(processes, (count) => count === 4, 60_000, fleet.output);
  await Promise.all([fleet.project.up(2), deliverSome(fleet, "while two of them go")]);
  expect(await fleet.project.containers("worker")).toHaveLength(2);
  await until(processes, (count) => count === 2, 60_000, fleet.output);
  await untilHandedOff(fleet, redis);
  await expectEveryMessageOnce(fleet);
});

test("a Redis that is killed comes back with all that it had, and the fleet goes on", async () => {
  const before = await readSums(redis);
  const [id = ""] = await fleet.project.containers("redis");
  await killProcess(id);
  await untilRestarted(id, fleet.output);
  expect(await readSums(redis)).toEqual(before);
  await deliverSome(fleet, "after Redis was killed");
  await untilHandedOff(fleet, redis);
  await fleet.project.run("restart", "redis");
  await deliverSome(fleet, "after Redis was restarted");
  await untilHandedOff(fleet, redis);
  await expectEveryMessageOnce(fleet);
});

test("roles that are replaced one by one drain, and nothing that comes meanwhile is lost or told twice", async () => {
  for (const service of ["producer", "worker"]) {
    for (const id of await fleet.project.containers(service)) {
      await Promise.all([mustDocker(["stop", id]), deliverSome(fleet, `while a ${service} goes`)]);
      expect((await inspect(id)).State.ExitCode, fleet.output()).toBe(0);
      await mustDocker(["start", id]);
    }
  }
  await Promise.all([
    fleet.project.run("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "--scale", "worker=2", "producer", "worker"),
    deliverSome(fleet, "while all are made anew"),
  ]);
  await untilHandedOff(fleet, redis);
  await expectEveryMessageOnce(fleet);
});

test("roles that are asked to stop while Redis is frozen end before they are killed", async () => {
  const ids = [...(await fleet.project.containers("producer")), ...(await fleet.project.containers("worker"))];
  await fleet.redis.pause();
  try {
    await Promise.all(ids.map((id) => mustDocker(["stop", id])));
  } finally {
    await fleet.redis.resume();
  }
  // 137 is what a kill leaves behind.
  const codes = await Promise.all(ids.map(async (id) => (await inspect(id)).State.ExitCode));
  expect(codes, `${limits.drainMs} ms to drain\n${fleet.output()}`).toEqual(ids.map(() => 0));
  await fleet.project.up(fleet.workers);
  await deliverSome(fleet, "after the thaw");
  await untilHandedOff(fleet, redis);
  await expectEveryMessageOnce(fleet);
});
