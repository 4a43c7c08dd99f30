import { type RunningDovecot, startDovecot } from "@mailfleet/testkit/servers";
import type { TestProject } from "vitest/node";

let dovecot: RunningDovecot | undefined;

export async function setup(project: TestProject): Promise<void> {
  dovecot = await startDovecot();
  project.provide("dovecot", dovecot.address);
}

export async function teardown(): Promise<void> {
  await dovecot?.stop();
}
