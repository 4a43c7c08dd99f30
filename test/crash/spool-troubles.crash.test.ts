import type { MailEvent } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { CrashWorld, type WorldOptions } from "./crash-world.ts";
import { settle } from "./run-scenario.ts";
import { deliver, minute } from "./small-mailbox.ts";

async function begun(names: readonly string[], options: WorldOptions = {}): Promise<CrashWorld> {
  const world = new CrashWorld({ protocol: "pop3", ...options });
  deliver(world, "INBOX", names);
  world.noteHistory();
  await still(world);
  return world;
}

const still = (world: CrashWorld): Promise<unknown> => settle(world, world.worker());

/** One poll, and what it asked the server. */
async function poll(world: CrashWorld): Promise<readonly string[]> {
  await world.clock.advance(world.settings.pollMs);
  const worker = world.worker();
  await worker.sync(world.settings, world.mailbox, "fresh");
  return worker.effects.map(({ name }) => name).filter((name) => name.startsWith("session."));
}

const told = (world: CrashWorld, from = 0): readonly string[] =>
  world.history.slice(from).map((event: MailEvent) => `${event.type} ${event.key.slice(event.key.indexOf("INBOX"))}`);

/** What shows in nothing else is looked for once a day. */
async function aDay(world: CrashWorld): Promise<void> {
  for (let waited = 0; waited <= 24 * 60 * minute; waited += world.settings.pollMs) await poll(world);
  await still(world);
}

const quiet = ["session.listFolders", "session.status", "session.close"];

describe("a spool in trouble", () => {
  test("whose list is short once is told nothing of, and costs a second look", async () => {
    const world = await begun(["a1", "a2", "a3", "a4"]);
    const from = world.history.length;
    for (const uid of [2, 3, 4]) world.mail.hide("INBOX", uid, true);
    expect(await poll(world)).toContain("session.listUids");
    for (const uid of [2, 3, 4]) world.mail.hide("INBOX", uid, false);
    await still(world);
    expect(told(world, from)).toEqual([]);
    expect(await poll(world)).toEqual(quiet);
  });

  test("whose list is short after a move is told nothing of either", async () => {
    const world = await begun(["a1", "a2", "a3", "a4"], { protocol: "imap" });
    const from = world.history.length;
    world.moveTo("pop3");
    for (const uid of [2, 3, 4]) world.mail.hide("INBOX", uid, true);
    for (const lane of ["fresh", "backfill"] as const) await world.worker().sync(world.settings, world.mailbox, lane);
    for (const uid of [2, 3, 4]) world.mail.hide("INBOX", uid, false);
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(told(world, from).filter((one) => !one.startsWith("message.rekeyed"))).toEqual(["folder.reset INBOX/reset/2"]);
  });

  test("that lost less than a quarter is told of it at once", async () => {
    const world = await begun(["a1", "a2", "a3", "a4", "a5"]);
    const from = world.history.length;
    world.mail.expunge("INBOX", [2]);
    await poll(world);
    expect(told(world, from)).toEqual(["message.removed INBOX/1.uidl/2"]);
  });

  test("whose newest message went is quiet again after it was told, and asks for no header then", async () => {
    const world = await begun(["a1", "a2", "a3", "a4", "a5"]);
    const from = world.history.length;
    world.mail.expunge("INBOX", [5]);
    expect(await poll(world)).toContain("session.fetchHeaders");
    expect(await poll(world)).toEqual(quiet);
    deliver(world, "INBOX", ["a6"]);
    expect((await poll(world)).filter((name) => name === "session.fetchHeaders")).toHaveLength(1);
    expect(await poll(world)).toEqual(quiet);
    expect(told(world, from)).toEqual(["message.removed INBOX/1.uidl/5", "message.added INBOX/1.uidl/6"]);
  });

  test("whose newest message is corrupt is not taken for another, and is read on", async () => {
    const world = await begun(["a1", "a2", "a3", "a4", "a5"]);
    const from = world.history.length;
    world.mail.withhold("INBOX", 5, true);
    deliver(world, "INBOX", ["a6"]);
    await poll(world);
    expect(told(world, from)).toEqual(["message.added INBOX/1.uidl/6"]);
  });

  test("that names a new message as one that was removed hands it off", async () => {
    const world = await begun(["a1", "a2", "a3", "a4", "a5"], { uidlOf: (uid) => String(uid === 6 ? 2 : uid) });
    world.mail.expunge("INBOX", [2]);
    await still(world);
    deliver(world, "INBOX", ["a6"]);
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(told(world).filter((one) => one.startsWith("folder.reset"))).toHaveLength(1);
  });

  test("of which one came back as the newest went is told of both, though its count says nothing", async () => {
    const world = await begun(["a1", "a2"]);
    world.mail.hide("INBOX", 1, true);
    await still(world);
    const from = world.history.length;
    world.mail.hide("INBOX", 1, false);
    world.mail.expunge("INBOX", [2]);
    await still(world);
    expect(told(world, from)).toEqual(["message.flags INBOX/1.uidl/1", "message.removed INBOX/1.uidl/2"]);
  });

  test("that was empty at first sight is not begun anew by the first UIDL that is no number", async () => {
    const world = await begun([], { uidlOf: (uid) => `word-${uid}`, settings: { backfill: false } });
    deliver(world, "INBOX", ["a1"]);
    await still(world);
    expect(told(world)).toEqual(["message.added INBOX/1.dealt/1"]);
    expect(world.history[0]).toMatchObject({ uidl: "word-1", lane: "fresh" });
    expect(world.history[0]).not.toHaveProperty("uid");
  });

  test("of which only new mail is wanted is not begun anew each time that is all taken away", async () => {
    const world = await begun(["h1", "h2", "h3"], { settings: { backfill: false } });
    for (const name of ["a4", "a5"]) {
      deliver(world, "INBOX", [name]);
      await still(world);
      world.mail.expunge("INBOX", [world.mail.uids("INBOX").at(-1) ?? 0]);
      await still(world);
    }
    expect(world.problems()).toEqual([]);
    expect(told(world).filter((one) => one.startsWith("folder.reset"))).toEqual([]);
    expect(await poll(world)).toEqual(quiet);
  });

  test("that was restored, and holds as many messages under the same numbers, is found out within a day", async () => {
    const world = await begun(["a1", "a2", "a3", "a4"]);
    world.mail.restore("INBOX", 3);
    deliver(world, "INBOX", ["r3", "r4"]);
    await aDay(world);
    expect(world.problems()).toEqual([]);
  });

  test("that was restored is found out though what its list ends with was dealt no high number", async () => {
    const world = new CrashWorld({ protocol: "pop3", uidlOf: (uid) => `word-${uid}` });
    deliver(world, "INBOX", ["a1", "a2", "a3", "a4", "a5"]);
    world.mail.hide("INBOX", 4, true);
    await still(world);
    world.mail.hide("INBOX", 4, false);
    await still(world);
    expect(told(world).at(-1)).toBe("message.added INBOX/1.dealt/5");
    world.mail.restore("INBOX", 5);
    deliver(world, "INBOX", ["r5"]);
    await aDay(world);
    expect(world.problems()).toEqual([]);
  });

  test("that was restored is found out where its list begins with the newest, though the newest was dealt the lowest number", async () => {
    const world = await begun(["a1", "a2", "a3", "a4"], { uidlOf: (uid) => `word-${uid}`, isNewestFirst: true });
    world.mail.restore("INBOX", 4);
    deliver(world, "INBOX", ["r4"]);
    await aDay(world);
    expect(world.problems()).toEqual([]);
  });

  test("of which only new mail is wanted is found out to be restored though what its list ends with was left out", async () => {
    const world = new CrashWorld({ protocol: "pop3", uidlOf: (uid) => `word-${uid}`, settings: { backfill: false } });
    const received = (name: string, agoMs = 0): void => {
      const at = new Date(world.clock.now() - agoMs).toUTCString();
      world.mail.deliver("INBOX", world.message(name, [`Received: from there by here; ${at}`]));
    };
    for (const name of ["h1", "late", "h3"]) received(name, 24 * 60 * minute);
    world.mail.hide("INBOX", 2, true);
    await still(world);
    world.mail.hide("INBOX", 2, false);
    await still(world);
    expect(told(world)).toEqual(["message.added INBOX/1.dealt/3"]);
    world.mail.restore("INBOX", 3);
    received("r3");
    await aDay(world);
    expect(told(world).slice(1)).toEqual(["folder.reset INBOX/reset/2", expect.stringMatching(/rekeyed/), expect.stringMatching(/added/)]);
    expect(world.history.at(-1)).toMatchObject({ type: "message.added", uidl: "word-3" });
  });

  test("asks for the two ends of its list and no more where the highest number stands in the middle", async () => {
    const world = new CrashWorld({ protocol: "pop3", uidlOf: (uid) => `word-${uid}` });
    deliver(world, "INBOX", ["a1", "a2", "a3", "a4", "a5"]);
    world.mail.hide("INBOX", 4, true);
    await still(world);
    world.mail.hide("INBOX", 4, false);
    await aDay(world);
    const { checkpoint } = world.checkpoints().get("INBOX") ?? {};
    expect(checkpoint?.compared?.top).toEqual({ uidNext: 6, listed: 5, ends: [1, 4] });
    // What came takes the last one's place.
    deliver(world, "INBOX", ["a6"]);
    await poll(world);
    expect(await poll(world)).toEqual(quiet);
    expect(world.problems()).toEqual([]);
  });
});

describe("a mailbox that is moved", () => {
  test("keeps what was told of the folders that POP3 does not show, and goes on with them over IMAP", async () => {
    const world = new CrashWorld({ settings: { slice: { messages: 2, bytes: 64e6, seconds: 20 } } });
    world.mail.createFolder("Archive");
    deliver(world, "INBOX", ["a1", "a2"], { internalDate: 0 });
    deliver(world, "Archive", ["b1", "b2", "b3", "b4"], { internalDate: 0 });
    // INBOX, and the newer half of the other one.
    await world.worker().sync(world.settings, world.mailbox, "fresh");
    world.moveTo("pop3");
    await still(world);
    const ledger = world.fleet.facts(world.mailbox).ledger;
    expect(ledger).toMatchObject({ listed: 6, handedOff: 2, excluded: 4, toDo: 0 });
    expect(told(world).filter((one) => one.startsWith("message.removed"))).toEqual([]);
    world.moveTo("imap");
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(world.fleet.facts(world.mailbox).ledger).toMatchObject({ listed: 6, handedOff: 6, excluded: 0, toDo: 0 });
  });

  test("asks for the headers of a sample where its numbers stayed, and for all where they did not", async () => {
    const asked = async (uidlOf: (uid: number) => string): Promise<number> => {
      const names = Array.from({ length: 40 }, (_, at) => `a${at}`);
      const world = await begun(names, { protocol: "imap", uidlOf });
      world.moveTo("pop3");
      const worker = world.worker();
      await settle(world, worker);
      expect(world.problems()).toEqual([]);
      expect(told(world).filter((one) => one.startsWith("message.rekeyed"))).toHaveLength(40);
      return worker.effects.filter(({ name }) => name === "session.fetchHeaders").length;
    };
    expect(await asked(String)).toBe(1);
    // The sample that does not agree, and the batch of all.
    expect(await asked((uid) => String(41 - uid))).toBe(2);
    expect(await asked((uid) => `word-${uid}`)).toBe(1);
  });
});
