import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { MailEvent } from "@mailfleet/core";
import { type RunningRedis, startRedis } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEvents, readMail, readSums, type Role, root, sha256, startProgram, startRole, until } from "./fleet.ts";
import { readSpool } from "./plain-pop3.ts";
import { configOf, openDovecotWorld, openSandboxWorld, type SpoolWorld, unseenIn } from "./spool-worlds.ts";

const mailboxes = 9;

type Handed = Extract<MailEvent, { type: "message.added" | "message.quarantined" }>;

describe("the corpus over POP3 from Dovecot", () => {
  describeFleet((mail) => openDovecotWorld(mail, mailboxes));
});

describe("the corpus over POP3 from the sandbox", () => {
  let count: (verb: string) => number;
  let verbs: () => readonly string[];
  describeFleet(async (mail, dir) => {
    const world = await openSandboxWorld(join(dir, "sandbox"), mail, mailboxes);
    count = (verb) => world.sandbox.counters.pop3Commands.get(verb) ?? 0;
    verbs = () => [...world.sandbox.counters.pop3Commands.keys()];
    return world;
  });

  test("what was said beside the login was STAT, UIDL, LIST, TOP, RETR and QUIT, and never DELE", () => {
    expect(count("RETR")).toBeGreaterThan(0);
    expect(count("DELE")).toBe(0);
    const reading = ["STAT", "UIDL", "LIST", "TOP", "RETR", "QUIT", "CAPA", "AUTH", "login"];
    expect(verbs().filter((verb) => !reading.includes(verb))).toEqual([]);
  });
});

function describeFleet(openWorld: (mail: readonly Buffer[], dir: string) => Promise<SpoolWorld>): void {
  let dir: string;
  let world: SpoolWorld;
  let server: RunningRedis;
  let redis: Redis;
  let config: string;
  /** Mailbox and UIDL -> hash of what a client of the test was sent. */
  let truth: Map<string, string>;
  let roles: Role[] = [];
  const logs = (): string => roles.map((role) => role.output()).join("\n");

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "mailfleet-pop3-"));
    world = await openWorld([...(await readMail("real", 900)), ...(await readMail("hard", 100))], dir);
    server = await startRedis({ shared: false });
    redis = new Redis(server.url);
    config = join(dir, "mailfleet.yaml");
    await writeFile(join(dir, "secret"), `${world.tenant.secret}\n`, { mode: 0o600 });
    truth = await readTruth(world);
  });

  afterAll(async () => {
    for (const role of roles) role.process.kill("SIGKILL");
    redis?.disconnect();
    await server?.stop();
    await world?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const start = async (protocol: "imap" | "pop3"): Promise<void> => {
    await writeFile(config, configOf(world, { redisUrl: server.url, dir, protocol }));
    roles = [startRole("producer", config), startRole("worker", config), startRole("worker", config)];
  };
  const stop = async (): Promise<void> => {
    expect(await Promise.all(roles.map((role) => role.stop()))).toEqual(roles.map(() => 0));
  };
  const handedOff = async (): Promise<readonly Handed[]> =>
    (await readEvents(server.url)).filter((event) => event.type === "message.added" || event.type === "message.quarantined");
  /** One message more in each mailbox, which must be all that comes of it. */
  const deliverToAll = async (subject: string): Promise<readonly Handed[]> => {
    const before = new Set((await handedOff()).map((event) => event.key));
    const raw = (i: number): Buffer => Buffer.from(`From: a@b.example\r\nSubject: ${subject} ${i}\r\n\r\n${subject}\r\n`);
    for (const [i, address] of world.addresses.entries()) await world.deliver(address, raw(i));
    const isNew = (event: Handed): boolean => "message" in event && event.message?.subject?.startsWith(subject) === true;
    await until(handedOff, (events) => events.filter(isNew).length >= world.addresses.length, 60_000, logs);
    return (await handedOff()).filter((event) => !before.has(event.key));
  };

  test("two workers hand off every message once, byte for byte, though one of them is killed midway", async () => {
    await start("pop3");
    await until(
      () => readSums(redis),
      (sums) => sums.handedOff >= truth.size / 4,
      120_000,
      logs,
    );
    const [, , victim] = roles as [Role, Role, Role];
    victim.process.kill("SIGKILL");
    await victim.ended;
    roles = roles.filter((role) => role !== victim);
    await until(
      () => readSums(redis),
      (sums) => sums.handedOff + sums.quarantined >= truth.size && sums.toDo === 0,
      180_000,
      logs,
    );
    const events = await handedOff();
    expect(events).toHaveLength(truth.size);
    expect(new Map(events.map((event) => [`${event.mailbox} ${event.uidl}`, event.raw?.sha256]))).toEqual(truth);
    expect(new Set(events.map(({ protocol, uid }) => `${protocol} ${uid}`))).toEqual(new Set(["pop3 undefined"]));
  });

  test("a message that arrives now is handed off within seconds, and nothing else with it", async () => {
    const fresh = await deliverToAll("now");
    expect(fresh.map(({ lane, mailbox }) => `${lane} ${mailbox}`).sort()).toEqual(world.addresses.map((one) => `fresh ${one}`).sort());
  });

  test("nothing became read and nothing was deleted", async () => {
    const counts = await Promise.all(world.addresses.map((address) => unseenIn(world, address)));
    expect(counts.reduce((sum, { messages }) => sum + messages, 0)).toBe(truth.size + world.addresses.length);
    if (!world.isReadByRetr) expect(counts.map(({ unseen }) => unseen)).toEqual(counts.map(({ messages }) => messages));
  });

  test("read over IMAP from a restart on, no INBOX is handed off again", async () => {
    await stop();
    await start("imap");
    const fresh = await deliverToAll("by imap");
    expect(fresh.map(({ protocol, mailbox }) => `${protocol} ${mailbox}`).sort()).toEqual(
      world.addresses.map((one) => `imap ${one}`).sort(),
    );
    expect(await handedOff()).toHaveLength(truth.size + 2 * world.addresses.length);
  });

  test("moved back to POP3 by an import while the fleet runs, no INBOX is handed off again", async () => {
    const list = join(dir, "boxes.csv");
    await writeFile(list, `address,protocol\n${world.addresses.map((address) => `${address},pop3\n`).join("")}`);
    const run = startProgram([join(root, "apps/cli/src/main.ts"), "mailboxes", "import", list, "--tenant", "spool", "--config", config]);
    expect(await run.ended, run.output()).toBe(0);
    const fresh = await deliverToAll("back by pop3");
    expect(fresh.map(({ protocol, mailbox }) => `${protocol} ${mailbox}`).sort()).toEqual(
      world.addresses.map((one) => `pop3 ${one}`).sort(),
    );
    const events = await handedOff();
    expect(events).toHaveLength(truth.size + 3 * world.addresses.length);
    expect(new Set(events.map(({ key }) => key)).size).toBe(events.length);
    await stop();
  });
}

async function readTruth(world: SpoolWorld): Promise<Map<string, string>> {
  const truth = new Map<string, string>();
  for (const user of world.addresses) {
    const bodies = await readSpool({ ...world.pop3, caFile: world.caFile, user, token: world.token });
    for (const [uidl, bytes] of bodies) truth.set(`${user} ${uidl}`, sha256(bytes));
  }
  return truth;
}
