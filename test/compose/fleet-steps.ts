import type { Redis } from "ioredis";
import { expect } from "vitest";
import { readEvents, readSums, until } from "../e2e/fleet.ts";
import type { FleetUnderTest } from "../e2e/fleet-under-test.ts";
import { inspect, mustDocker } from "./compose-project.ts";

/** A new message in each fifth mailbox, from outside. */
export async function deliverSome({ sandbox }: FleetUnderTest, subject: string): Promise<void> {
  const addresses = sandbox.tenants.flatMap((tenant) => tenant.addresses).filter((_, n) => n % 5 === 0);
  for (const address of addresses) {
    const raw = `From: a@mail.example\r\nTo: ${address}\r\nSubject: ${subject}\r\n\r\n${subject}\r\n`;
    await sandbox.deliver(address, "INBOX", Buffer.from(raw));
  }
}

/** As many as the sandbox has are handed off or set aside, and nothing is to do. */
export async function untilHandedOff(fleet: FleetUnderTest, redis: Redis): Promise<void> {
  const all = (await fleet.sandbox.truth()).filter(({ isMail }) => isMail).length;
  await until(
    () => readSums(redis),
    ({ handedOff, quarantined, toDo }) => handedOff + quarantined === all && toDo === 0,
    180_000,
    fleet.output,
  );
}

/** Events and the sandbox's messages are the same, by mailbox, folder and UID, and so are the hashes of their bytes. */
export async function expectEveryMessageOnce(fleet: FleetUnderTest): Promise<void> {
  const truth = (await fleet.sandbox.truth()).filter(({ isMail }) => isMail);
  const events = (await readEvents(fleet.redis.url)).filter(
    (event) => event.type === "message.added" || event.type === "message.quarantined",
  );
  expect(events).toHaveLength(truth.length);
  expect(new Map(events.map((event) => [`${event.mailbox} ${event.folder.path} ${event.uid}`, event.raw?.sha256]))).toEqual(
    new Map(truth.map(({ address, folder, uid, sha256 }) => [`${address} ${folder} ${uid}`, sha256])),
  );
}

/**
 * SIGKILL to the container's program, as the kernel does it when memory ends. `docker kill` is no crash: an engine does not start again what
 * it was told to kill.
 */
export async function killProcess(id: string): Promise<void> {
  const { State } = await inspect(id);
  const image = process.env["TEST_IMAGE"] ?? "mailfleet-under-test";
  const script = `process.kill(${State.Pid}, "SIGKILL")`;
  await mustDocker(["run", "--rm", "--pid", "host", "--user", "root", "--network", "none", "--entrypoint", "node", image, "-e", script]);
}

/** The engine started it again by itself. */
export async function untilRestarted(id: string, output: () => string): Promise<void> {
  await until(
    () => inspect(id),
    ({ RestartCount, State }) => RestartCount === 1 && State.Status === "running",
    60_000,
    output,
  );
}
