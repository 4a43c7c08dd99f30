import type { Lane, MailEvent } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { MemoryMailSession } from "../../packages/testkit/src/fakes/memory-mail-session.ts";
import { CrashWorld, type WorldOptions } from "./crash-world.ts";
import { settle } from "./run-scenario.ts";
import { deliver, smallMailbox } from "./small-mailbox.ts";

async function begun(begin: (world: CrashWorld) => void, options: WorldOptions = {}): Promise<CrashWorld> {
  const world = new CrashWorld(options);
  begin(world);
  world.noteHistory();
  await still(world);
  return world;
}

const still = (world: CrashWorld): Promise<unknown> => settle(world, world.worker());
const session = (world: CrashWorld, lane: Lane = "fresh"): Promise<unknown> => world.worker().sync(world.settings, world.mailbox, lane);

const told = (world: CrashWorld, from = 0): readonly string[] =>
  world.history.slice(from).map((event: MailEvent) => `${event.type} ${event.key}${"isBack" in event ? " back" : ""}`);

describe("folders in trouble", () => {
  test("a folder that was away for an hour and is listed again is told as back", async () => {
    const world = await begun(smallMailbox);
    world.mail.renameFolder("Archive", "Junk Archive");
    await still(world);
    world.mail.renameFolder("Junk Archive", "Archive");
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(told(world).filter((one) => one.endsWith(" back"))).toHaveLength(2);
  });

  test("a reset while a renamed folder is not resynced yet", async () => {
    const world = await begun((one) => {
      one.mail.createFolder("Archive");
      deliver(one, "Archive", ["b1", "b2", "b3", "b4", "b5"]);
    });
    world.mail.renameFolder("Archive", "Archive 2026");
    await session(world);
    world.mail.expunge("Archive 2026", [1, 2]);
    deliver(world, "Archive 2026", ["n1", "n2", "n3", "n4"]);
    world.mail.resetUidValidity("Archive 2026");
    await still(world);
    expect(world.problems()).toEqual([]);
  });

  test("a renamed folder without backfill", async () => {
    const world = await begun(smallMailbox, { settings: { backfill: false } });
    await world.clock.advance(1_000_000);
    deliver(world, "Archive", ["b3"]);
    await still(world);
    const from = world.history.length;
    world.mail.renameFolder("Archive", "Archive 2026");
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(told(world, from).filter((one) => one.startsWith("message.added"))).toEqual([]);
  });

  test("a folder renamed twice before it is resynced", async () => {
    const world = await begun(smallMailbox);
    world.mail.renameFolder("Archive", "Archive 2026");
    await session(world);
    world.mail.renameFolder("Archive 2026", "Archive 2027");
    const from = world.history.length;
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(told(world, from).filter((one) => one.startsWith("message.added"))).toEqual([]);
  });

  test("UIDs dealt again, and the newest known one deleted meanwhile", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4", "a5", "a6"]));
    await world.clock.advance(3_600_000);
    world.mail.restore("INBOX", 4);
    deliver(world, "INBOX", ["r4", "r5", "r6", "r7"]);
    world.mail.expunge("INBOX", [6]);
    await still(world);
    expect(world.problems()).toEqual([]);
  });

  test("UIDs dealt again, the highest known of them to a message whose predecessor was told as removed", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4", "a5"]));
    world.mail.expunge("INBOX", [5]);
    await still(world);
    await world.clock.advance(3_600_000);
    world.mail.restore("INBOX", 5);
    deliver(world, "INBOX", ["r5", "r6"]);
    await still(world);
    expect(world.problems()).toEqual([]);
  });

  test("UIDs dealt again, and of those that took known ones only that of a removed message is left", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4", "a5"]));
    world.mail.expunge("INBOX", [3]);
    await still(world);
    await world.clock.advance(3_600_000);
    world.mail.restore("INBOX", 3);
    deliver(world, "INBOX", ["r3", "r4", "r5", "r6"]);
    world.mail.expunge("INBOX", [4, 5]);
    await still(world);
    expect(world.problems()).toEqual([]);
  });

  test("the newest message hidden until it was told as removed, and more comes: it is told as back, and nothing is reset", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4", "a5"]));
    world.mail.hide("INBOX", 5, true);
    await still(world);
    const from = world.history.length;
    world.mail.hide("INBOX", 5, false);
    deliver(world, "INBOX", ["a6"]);
    await still(world);
    expect(world.problems()).toEqual([]);
    expect(told(world, from).filter((one) => one.startsWith("folder.reset"))).toEqual([]);
  });

  test("a header batch of a resync that is cut", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4", "a5", "a6"]));
    world.mail.resetUidValidity("INBOX");
    const from = world.history.length;
    await withHeaders(
      (rows, call) => (call === 1 ? rows.slice(0, 3) : rows),
      () => still(world),
    );
    expect(world.problems()).toEqual([]);
    expect(told(world, from).filter((one) => one.startsWith("message.added"))).toEqual([]);
  });

  test("a reset that is noticed while the server still fills the folder", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4"]));
    const at = Date.UTC(2026, 0, 1);
    world.mail.expunge("INBOX", [1, 2, 3, 4]);
    world.mail.resetUidValidity("INBOX");
    deliver(world, "INBOX", ["a1", "a2"], { internalDate: at });
    const from = world.history.length;
    await session(world);
    deliver(world, "INBOX", ["a3", "a4"], { internalDate: at });
    await still(world);
    expect(told(world, from).filter((one) => one.startsWith("message.added"))).toEqual([]);
  });

  test("UIDs dealt again, and the look at the odd one is answered OK without data", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3", "a4", "a5", "a6"]));
    await world.clock.advance(3_600_000);
    world.mail.restore("INBOX", 4);
    deliver(world, "INBOX", ["r4", "r5", "r6", "r7"]);
    await withHeaders(
      (rows, call) => (call === 1 ? [] : rows),
      () => still(world),
    );
    expect(world.problems()).toEqual([]);
  });

  test("a worker dies in the middle of a rename, and the former name is used again", async () => {
    for (let at = 1; at < 30; at++) {
      const world = await begun(smallMailbox);
      world.mail.renameFolder("Archive", "Archive 2026");
      const from = world.history.length;
      const commits = world.fleet.commits.length;
      const worker = world.worker({ at, mode: "killed before" });
      await worker.sync(world.settings, world.mailbox, "fresh");
      if (!worker.process.isDead) break;
      if (world.fleet.commits.length !== commits + 1) continue;
      await world.clock.advance(60_000);
      world.mail.createFolder("Archive");
      deliver(world, "Archive", ["x1"]);
      await still(world);
      expect(world.problems()).toEqual([]);
      const keys = told(world, from).filter((one) => one.startsWith("message.removed"));
      expect(keys).toEqual([]);
    }
  });

  test("a folder that looked empty for a while is told as back", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1", "a2", "a3"]));
    for (const uid of [1, 2, 3]) world.mail.hide("INBOX", uid, true);
    await still(world);
    for (const uid of [1, 2, 3]) world.mail.hide("INBOX", uid, false);
    await still(world);
    await world.clock.advance(3 * 86_400_000);
    await still(world);
    expect(told(world).filter((one) => one.endsWith(" back"))).toHaveLength(3);
  });

  test("a folder is renamed and its name is used again between two polls", async () => {
    const world = await begun(smallMailbox);
    world.mail.renameFolder("Archive", "Archive 2026");
    world.mail.createFolder("Archive");
    deliver(world, "Archive", ["x1"]);
    await still(world);
    expect(world.problems()).toEqual([]);
  });

  test("what is listed again and again stays short in a folder that mail leaves all the time", async () => {
    const world = await begun((one) => deliver(one, "INBOX", ["a1"]));
    const widths: number[] = [];
    for (let poll = 0; poll < 20; poll++) {
      deliver(world, "INBOX", [`n${poll}`, `m${poll}`, `o${poll}`]);
      world.mail.expunge("INBOX", [world.mail.uids("INBOX").at(-2) as number]);
      await world.clock.advance(world.settings.pollMs);
      await session(world);
      const recheck = world.checkpoints().get("INBOX")?.checkpoint.recheck;
      widths.push(recheck ? recheck.high - recheck.low + 1 : 0);
    }
    expect(Math.max(...widths)).toBeLessThan(10);
    await still(world);
    expect(world.problems()).toEqual([]);
  });

  test("a message that FETCH shows, SEARCH does not, and nobody delivers, keeps no session busy for ever", async () => {
    const world = new CrashWorld();
    deliver(world, "INBOX", ["a1", "a2", "a3"]);
    world.mail.withhold("INBOX", 2, true);
    // oxlint-disable-next-line typescript/unbound-method
    const before = MemoryMailSession.prototype.listUids;
    let calls = 0;
    MemoryMailSession.prototype.listUids = async function listUids(this: MemoryMailSession, low, high) {
      if (++calls > 200) throw new Error("asks for ever");
      return (await before.call(this, low, high)).filter((uid) => uid !== 2);
    };
    try {
      await still(world);
    } finally {
      MemoryMailSession.prototype.listUids = before;
    }
    expect(calls).toBeLessThan(100);
  });
});

async function withHeaders<T>(change: <R>(rows: readonly R[], call: number) => readonly R[], run: () => Promise<T>): Promise<T> {
  // oxlint-disable-next-line typescript/unbound-method
  const before = MemoryMailSession.prototype.fetchHeaders;
  let call = 0;
  MemoryMailSession.prototype.fetchHeaders = async function fetchHeaders(this: MemoryMailSession, uids) {
    return change(await before.call(this, uids), ++call);
  };
  try {
    return await run();
  } finally {
    MemoryMailSession.prototype.fetchHeaders = before;
  }
}
