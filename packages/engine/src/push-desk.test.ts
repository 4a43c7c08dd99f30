import { limits, mailboxId, type MailboxRef, pushChooser } from "@mailfleet/core";
import { afterEach, describe, expect, test } from "vitest";
import { type RunningPush, startPush } from "./push-desk.ts";
import { type PushWorld, pushWorld } from "./push-world.fixture.ts";

const minute = 60_000;
const boxes = (count: number, tenant = "contoso"): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant, address: `m${i}@${tenant}.example`, protocol: "imap" }));
const [one] = boxes(1) as [MailboxRef];
const id = mailboxId(one);

const workers: RunningPush[] = [];
const start = (world: PushWorld, budget = 500): RunningPush => {
  const push = startPush(world.ports(), { isChosen: pushChooser("all"), budget });
  workers.push(push);
  return push;
};
/** Stopping needs the clock to go on, as logins and sleeps do. */
const stop = async (world: PushWorld, push: RunningPush): Promise<void> => {
  const stopped = push.stop();
  await world.clock.advance(1);
  await stopped;
};
let current: PushWorld;
const begin = (mailboxes: readonly MailboxRef[]): PushWorld => (current = pushWorld(mailboxes));
afterEach(async () => {
  for (const push of workers.splice(0)) await stop(current, push);
});
const pokesOf = (world: PushWorld, since = 0): number[] => world.leases.pokes.filter(({ at }) => at >= since).map(({ at }) => at);

describe("one mailbox", () => {
  test("is poked when its session begins, because something may have come before, and at once when it moves", async () => {
    const world = begin([one]);
    const push = start(world);
    await world.pass(5_000);
    expect(pokesOf(world)).toHaveLength(1);
    expect(push.state()).toMatchObject({ chosen: 1, held: 1, connected: 1 });
    await world.pass(10 * minute);
    const before = world.clock.monotonic();
    world.server.move(id);
    await world.clock.advance(1);
    expect(pokesOf(world, before)).toEqual([before]);
  });

  test("that gets a burst is poked at once and again after the last of it, never more than once a second", async () => {
    const world = begin([one]);
    start(world);
    await world.pass(5_000);
    const before = world.clock.monotonic();
    for (let i = 0; i < 50; i++) {
      world.server.move(id);
      await world.clock.advance(70);
    }
    const last = world.clock.monotonic() - 70;
    await world.pass(20_000);
    const pokes = pokesOf(world, before);
    expect(pokes[0]).toBe(before);
    expect(pokes.at(-1)).toBeGreaterThanOrEqual(last);
    expect(pokes.length).toBeLessThanOrEqual(5);
    for (const [i, at] of pokes.entries()) if (i > 0) expect(at - (pokes[i - 1] ?? 0)).toBeGreaterThanOrEqual(limits.pushPauseMs);
  });

  test("whose server says nothing by IDLE stays connected, and is not poked", async () => {
    const world = begin([one]);
    world.server.isSilent = true;
    const push = start(world);
    await world.pass(45 * minute);
    world.server.move(id);
    await world.pass(minute);
    expect(pokesOf(world)).toHaveLength(1);
    expect(push.state()).toMatchObject({ connected: 1, failures: 0 });
    expect(world.server.logins).toHaveLength(1);
  });

  test.each(["SESSION_EXPIRED", "SESSION_CLOSED"] as const)("whose session ends by %s is connected again, and looked at", async (code) => {
    const world = begin([one]);
    const push = start(world);
    await world.pass(20 * minute);
    world.server.cut(code);
    await world.pass(5_000);
    expect(push.state()).toMatchObject({ connected: 1 });
    expect(world.server.logins).toHaveLength(2);
    expect(pokesOf(world)).toHaveLength(2);
    expect(world.log.messages("warn")).toEqual([]);
  });

  test("is connected anew before its token ends, without a gap of more than a login", async () => {
    const world = begin([one]);
    start(world);
    await world.pass(54 * minute);
    expect(world.server.logins).toHaveLength(1);
    await world.pass(6 * minute);
    expect(world.server.logins).toHaveLength(2);
    expect(world.server.logins[1]?.at).toBeLessThan(59.5 * minute);
    expect(world.server.mostAtOnce).toBe(1);
  });

  test("that is refused is left alone for minutes, and its cause is nobody's business but the poll's", async () => {
    const world = begin([one]);
    world.server.refuse("MAILBOX_ACCESS_DENIED");
    const push = start(world);
    await world.pass(4 * minute);
    expect(world.server.logins).toHaveLength(1);
    expect(push.state()).toMatchObject({ held: 0, connected: 0, failures: 1 });
    await world.pass(12 * minute);
    expect(world.server.logins).toHaveLength(2);
    world.server.refuse(undefined);
    await world.pass(20 * minute);
    expect(push.state()).toMatchObject({ connected: 1 });
  });

  test("whose server asks to wait is not asked before the hint ends", async () => {
    const world = begin([one]);
    world.server.refuse("SERVER_THROTTLED", { hintMs: 300_000 });
    start(world);
    await world.pass(4.9 * minute);
    expect(world.server.logins).toHaveLength(1);
    expect(world.signals.announced).toMatchObject([{ mailbox: id, code: "SERVER_THROTTLED" }]);
    world.server.refuse(undefined);
    await world.pass(2 * minute);
    expect(world.server.logins).toHaveLength(2);
  });

  test("whose server asked another session to wait is disconnected at once, and not connected before the wait is over", async () => {
    const world = begin([one]);
    const push = start(world);
    await world.pass(minute);
    expect(world.server.open.get(id)).toBe(1);
    world.signals.announce(one, 10 * minute, "SERVER_THROTTLED");
    await world.clock.advance(1);
    expect(world.server.open.get(id)).toBe(0);
    await world.pass(9.9 * minute);
    expect(push.state()).toMatchObject({ connected: 0, failures: 0 });
    await world.pass(minute);
    expect(push.state().connected).toBe(1);
  });

  test("that is parked is disconnected, and not connected before its time", async () => {
    const world = begin([one]);
    const push = start(world);
    await world.pass(minute);
    world.leases.causes.set(id, {
      code: "MAILBOX_ACCESS_DENIED",
      scope: "mailbox",
      text: "",
      since: world.clock.now(),
      tries: 4,
      nextAt: world.clock.now() + 10 * minute,
      state: "parked",
    });
    await world.pass(15_000);
    expect(push.state()).toMatchObject({ held: 0, connected: 0 });
    await world.pass(9 * minute);
    expect(world.server.logins).toHaveLength(1);
    world.leases.causes.clear();
    await world.pass(2 * minute);
    expect(push.state()).toMatchObject({ connected: 1 });
  });

  test("of a server without IDLE is polled, and not connected again and again", async () => {
    const world = begin([one]);
    world.server.hasIdle = false;
    const push = start(world);
    await world.pass(60 * minute);
    expect(push.state()).toMatchObject({ held: 0, connected: 0 });
    expect(world.server.logins).toHaveLength(1);
  });

  test("is owed its poke while Redis does not answer", async () => {
    const world = begin([one]);
    const ports = world.ports();
    let isAway = false;
    const { syncError } = await import("@mailfleet/core");
    const leases = {
      ...ports.leases,
      poke: (...args: Parameters<typeof ports.leases.poke>) =>
        isAway ? Promise.reject(syncError("REDIS_UNAVAILABLE", "away", { layer: "redis" })) : ports.leases.poke(...args),
    };
    const push = startPush({ ...ports, leases }, { isChosen: () => true, budget: 5 });
    workers.push(push);
    await world.pass(5_000);
    isAway = true;
    const before = world.clock.monotonic();
    world.server.move(id);
    await world.pass(4_000);
    expect(pokesOf(world, before)).toEqual([]);
    isAway = false;
    await world.pass(2_000);
    expect(pokesOf(world, before)).toHaveLength(1);
    expect(push.state()).toMatchObject({ connects: 1, failures: 0 });
  });
});

describe("a fleet", () => {
  const connected = (): number[] => workers.map((push) => push.state().connected);

  test("logs in no faster than 2 a second for one tenant, whoever of its workers does", async () => {
    const world = begin(boxes(60));
    for (let i = 0; i < 3; i++) start(world);
    await world.pass(minute);
    const { logins } = world.server;
    expect(connected().reduce((sum, some) => sum + some, 0)).toBe(60);
    for (const { at } of logins) {
      const second = logins.filter((other) => other.at >= at && other.at < at + 1_000);
      expect(second.length).toBeLessThanOrEqual(2);
    }
  });

  test("shares the mailboxes evenly, again when a worker joins, and again when one leaves or dies; none has two sessions", async () => {
    const world = begin(boxes(30));
    start(world);
    await world.pass(minute);
    expect(connected()).toEqual([30]);
    start(world);
    await world.pass(minute);
    expect(connected()).toEqual([15, 15]);
    start(world);
    await world.pass(minute);
    expect(connected()).toEqual([10, 10, 10]);
    // In good order: what it held is claimed within two rounds, and logged in at the pace of the tenant.
    await stop(world, workers.shift() as RunningPush);
    await world.pass(2 * limits.pushRoundMs + 1);
    expect(workers.reduce((sum, push) => sum + push.state().held, 0)).toBe(30);
    await world.pass(15_000);
    expect(connected()).toEqual([15, 15]);
    expect(world.server.mostAtOnce).toBe(1);
  });

  test("holds as many as the budgets allow, and says how many are chosen", async () => {
    const world = begin(boxes(30));
    const push = start(world, 8);
    await world.pass(minute);
    expect(push.state()).toMatchObject({ chosen: 30, held: 8, connected: 8 });
    await world.pass(5 * minute);
    expect(world.server.logins).toHaveLength(8);
  });

  test("a worker that lost its place closes all its connections at once, and asks for another", async () => {
    const world = begin(boxes(4));
    const push = start(world);
    await world.pass(10_000);
    expect(push.state().connected).toBe(4);
    const place = world.leases.holderOf(id) ?? "";
    world.leases.endPlace(place);
    await world.pass(limits.leaseRenewMs + 2_000);
    expect(world.log.messages("warn")).toContain("push lost its place, all its connections are closed; it asks for another");
    await world.pass(15_000);
    expect(push.state().connected).toBe(4);
    expect(world.leases.holderOf(id)).not.toBe(place);
    expect(world.server.mostAtOnce).toBe(1);
  });

  test("a worker that cannot renew for 20 s closes all its connections before others may take them", async () => {
    const world = begin([one]);
    const ports = world.ports();
    let isAway = false;
    const never = new Promise<never>(() => undefined);
    const leases = Object.fromEntries(
      Object.entries(ports.leases).map(([name, method]) => [
        name,
        typeof method === "function"
          ? (...args: unknown[]) => (isAway ? never : (method as (...all: unknown[]) => unknown)(...args))
          : method,
      ]),
    ) as unknown as typeof ports.leases;
    startPush({ ...ports, leases }, { isChosen: () => true, budget: 5 });
    await world.pass(5_000);
    expect(world.server.open.get(id)).toBe(1);
    isAway = true;
    await world.pass(limits.leaseSelfStopMs + 2_000);
    expect(world.server.open.get(id)).toBe(0);
    // The other worker takes over once the place is over, and not before.
    const other = start(world);
    await world.pass(limits.leaseMs);
    expect(other.state().connected).toBe(1);
    expect(world.server.mostAtOnce).toBe(1);
  });

  test("a mailbox that is registered later is pushed within seconds", async () => {
    const world = begin([one]);
    const push = start(world);
    await world.pass(10_000);
    const late = { ...one, address: "late@contoso.example" };
    world.leases.mailboxes.set(mailboxId(late), late);
    await world.pass(6_000);
    expect(push.state()).toMatchObject({ chosen: 2, connected: 2 });
  });

  test("a stop gives everything back and leaves no connection", async () => {
    const world = begin(boxes(5));
    const push = start(world);
    await world.pass(10_000);
    await stop(world, push);
    expect([...world.server.open.values()].every((count) => count === 0)).toBe(true);
    expect(await world.leases.look()).toEqual({ chosen: 5, free: 5, budgets: [] });
  });
});
