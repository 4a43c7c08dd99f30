import { Redis } from "ioredis";
import { getContainerRuntimeClient, type StartedTestContainer } from "testcontainers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "@mailfleet/core";
import { readEvents, readSums, until } from "../e2e/fleet.ts";
import { type ContainerFleet, startContainerFleet } from "./container-fleet.ts";

/** Node's own slim image is two thirds of it. */
const mostBytes = 500_000_000;
let fleet: ContainerFleet;
let redis: Redis;
beforeAll(async () => {
  fleet = await startContainerFleet();
  redis = new Redis(fleet.redisUrl);
});
afterAll(async () => {
  redis?.disconnect();
  await fleet?.close();
});

async function run(container: StartedTestContainer, ...command: readonly string[]): Promise<number> {
  return (await container.exec([...command])).exitCode;
}

test("the image is small, runs as a user without rights, and has a health check", async () => {
  const { container } = await getContainerRuntimeClient();
  const { Size, Config } = await container.dockerode.getImage(fleet.image).inspect();
  expect(Size).toBeLessThan(mostBytes);
  expect(Config.User).toBe("node");
  expect(Config).toHaveProperty("Healthcheck");
});

test("roles of the image hand every message off once, write nowhere but to their folders, and drain when they are stopped", async () => {
  const [producer, first] = await Promise.all([fleet.start("producer"), fleet.start("worker")]);
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff > 0,
    120_000,
  );
  expect(await run(first, "touch", "/srv/here"), "its own files").not.toBe(0);
  expect(await run(first, "touch", "/etc/mailfleet/here"), "configuration").not.toBe(0);
  expect(await run(first, "touch", "/data/here", "/tmp/here"), "its folders").toBe(0);

  // In the middle of its work, and the second one goes on.
  const stopped = await fleet.stop(first);
  expect(stopped).toMatchObject({ code: 0 });
  expect(stopped.ms).toBeLessThan(limits.drainMs + 5_000);
  const second = await fleet.start("worker");
  const sums = await until(
    () => readSums(redis),
    ({ listed, handedOff, toDo }) => listed > 0 && toDo === 0 && handedOff === listed,
    120_000,
  );
  expect(await fleet.stop(second)).toMatchObject({ code: 0 });
  expect(await fleet.stop(producer)).toMatchObject({ code: 0 });
  const keys = (await readEvents(fleet.redisUrl)).filter(({ type }) => type === "message.added").map(({ key }) => key);
  expect(keys).toHaveLength(sums.handedOff);
  expect(new Set(keys).size).toBe(keys.length);
});
