import { type RunningRedis, startRedis } from "@mailfleet/testkit/servers";
import type { TestProject } from "vitest/node";

let redis: RunningRedis | undefined;

export async function setup(project: TestProject): Promise<void> {
  redis = await startRedis();
  project.provide("redisUrl", redis.url);
}

export async function teardown(): Promise<void> {
  await redis?.stop();
}
