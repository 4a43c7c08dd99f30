import { type AccessToken, type MailboxRef, type MailSource, syncError, type TokenSource } from "@mailfleet/core";
import { createByteBudget, type SyncOutcome } from "@mailfleet/engine";
import { systemDigest } from "@mailfleet/runtime";
import {
  createMemoryBlobStore,
  createMemoryFleet,
  createMemoryMailServer,
  createMemorySignals,
  createMemoryTokenSource,
  fakeClock,
  noSlots,
  plainParser,
  seededChance,
  silentLog,
} from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { calm } from "./crash-world.ts";
import { canHappen, crashModes, type CrashPlan, CrashingWorker } from "./crashing-worker.ts";

/** Four mailboxes of one tenant, whose secret may be dead or whose app Exchange may not know. */
class TenantWorld {
  readonly clock = fakeClock();
  readonly boxes: readonly MailboxRef[] = ["a", "b", "c", "d"].map((name) => ({
    ...{ tenant: "contoso", protocol: "imap" },
    address: `${name}@contoso.example`,
  }));
  readonly fleet = createMemoryFleet({ clock: this.clock, chance: seededChance(5) });
  isSecretDead = false;
  isAppUnknown = false;
  hasAccess = true;
  readonly asked = { tokens: 0, logins: 0 };
  readonly #server = createMemoryMailServer({ clock: this.clock });
  #serial = 0;

  constructor() {
    for (const box of this.boxes) {
      this.fleet.register(box);
      this.#server.addMailbox(box.address).deliver("INBOX", Buffer.from("Subject: x\r\n\r\ny"), {});
    }
  }

  get hold() {
    return this.fleet.breakers.holdOf("contoso");
  }

  worker(plan?: CrashPlan, turn?: (effect: number) => Promise<void>): CrashingWorker {
    const tokens = createMemoryTokenSource(() => this.clock.now());
    const token: TokenSource = {
      getToken: async (tenant, options): Promise<AccessToken> => {
        this.asked.tokens++;
        if (this.isSecretDead) throw syncError("ENTRA_CREDENTIAL_EXPIRED", "expired", { layer: "entra" });
        return tokens.getToken(tenant, options);
      },
    };
    const mail: MailSource = {
      open: async (...args) => {
        this.asked.logins++;
        if (this.isAppUnknown) throw syncError("TOKEN_REJECTED", "refused", { layer: "imap", phase: "login" });
        if (!this.hasAccess) throw syncError("MAILBOX_ACCESS_DENIED", "no access", { layer: "imap", phase: "first-command" });
        return this.#server.source.open(...args);
      },
    };
    const ports = {
      ...{ clock: this.clock, chance: seededChance(++this.#serial * 1_000), digest: systemDigest, log: silentLog },
      ...{ tokens: token, mail, blobs: createMemoryBlobStore(), mime: plainParser, bytes: createByteBudget(64e6) },
      ...{ slots: noSlots, signals: createMemorySignals(this.clock) },
      gate: { shouldYield: () => Promise.resolve(false), isDraining: () => false },
    };
    return new CrashingWorker({ process: this.fleet.process(), ports, plan, turn });
  }

  /** What is due next, worked on by this worker; nothing is due before `withinMs`: undefined. */
  async next(worker: CrashingWorker, withinMs = 7_200_000): Promise<SyncOutcome | "died" | undefined> {
    const dueAt = this.fleet.nextDueAt() ?? Infinity;
    if (dueAt - this.clock.now() > withinMs) return undefined;
    if (dueAt > this.clock.now()) await this.clock.advance(dueAt - this.clock.now());
    const job = this.fleet.take();
    if (!job) return undefined;
    const running = worker.sync(calm, job.mailbox, job.lane);
    const outcome = await Promise.race([running, worker.fellAsleep.then(() => "asleep" as const)]);
    if (outcome === "asleep") {
      await this.clock.advance(31_000);
      worker.wake();
      return (await running) ?? "died";
    }
    return outcome ?? "died";
  }

  /** Sessions by new workers after the first died, until all four mailboxes are checked. */
  async untilWell(first: CrashingWorker): Promise<void> {
    let worker = first;
    for (let i = 0; i < 60; i++) {
      if ((await this.next(worker)) === "died" || worker.process.isDead) worker = this.worker();
      const done = this.boxes.filter((box) => this.fleet.facts(box).ledger.handedOff === 1 && !this.fleet.facts(box).cause);
      if (done.length === this.boxes.length && !this.hold) return;
    }
    throw new Error(`not well: ${JSON.stringify([this.hold, this.boxes.map((box) => this.fleet.facts(box))])}`);
  }
}

/** All effects of a run without an accident. */
async function effectsOf(run: (world: TenantWorld, worker: CrashingWorker) => Promise<void>): Promise<CrashingWorker["effects"]> {
  const world = new TenantWorld();
  const worker = world.worker();
  await run(world, worker);
  return worker.effects;
}

/** Runs it once for each effect and way, and checks. */
async function atEveryStep(
  run: (world: TenantWorld, worker: CrashingWorker) => Promise<void>,
  check: (world: TenantWorld, where: string) => void,
): Promise<number> {
  const effects = await effectsOf(run);
  let runs = 0;
  for (const mode of crashModes) {
    for (const [i, effect] of effects.entries()) {
      if (!canHappen(mode, effect)) continue;
      const where = `${mode} effect ${i + 1} of ${effects.length}, ${effect.name}`;
      const world = new TenantWorld();
      await run(world, world.worker({ at: i + 1, mode })).catch((error: unknown) => {
        throw new Error(where, { cause: error });
      });
      check(world, where);
      runs++;
    }
  }
  return runs;
}

describe("a tenant whose secret is dead", () => {
  test("is held by its first mailbox, and the others cost nothing until the canary", async () => {
    const world = new TenantWorld();
    world.isSecretDead = true;
    const worker = world.worker();
    expect(await world.next(worker)).toMatchObject({ kind: "failed", failure: { code: "ENTRA_CREDENTIAL_EXPIRED" } });
    expect(world.hold?.cause).toMatchObject({ state: "parked", code: "ENTRA_CREDENTIAL_EXPIRED", tries: 1 });
    expect(await world.next(worker, 3_500_000)).toBeUndefined();
    expect(await worker.sync(calm, world.boxes[3] as MailboxRef, "fresh")).toEqual({ kind: "busy" });
    expect(world.asked).toEqual({ tokens: 1, logins: 0 });
    expect(await world.next(worker)).toMatchObject({ kind: "failed" });
    expect(world.hold?.cause).toMatchObject({ tries: 2 });
    expect(world.asked).toEqual({ tokens: 2, logins: 0 });
  });

  test("goes on by itself when the secret is mended, whichever effect of the session that finds it a worker is stopped at", async () => {
    const runs = await atEveryStep(
      async (world, worker) => {
        world.isSecretDead = true;
        await world.next(worker);
        world.isSecretDead = false;
        await world.untilWell(worker);
      },
      (world, where) => expect([world.hold, world.fleet.repeatedIds], where).toEqual([undefined, []]),
    );
    expect(runs).toBeGreaterThan(100);
  });

  test("a canary that dies is followed by another one when its lease is over", async () => {
    const world = new TenantWorld();
    world.isSecretDead = true;
    await world.next(world.worker());
    world.isSecretDead = false;
    const dying = world.worker({ at: 3, mode: "killed before" });
    expect(await world.next(dying)).toBe("died");
    expect(world.hold?.canary).toBeDefined();
    const from = world.clock.now();
    await world.next(world.worker());
    expect(world.clock.now() - from).toBeLessThanOrEqual(31_000);
    expect(world.hold).toBeUndefined();
  });

  test("a session of another mailbox that runs meanwhile ends its work, and neither ends nor changes the hold", async () => {
    const world = new TenantWorld();
    const [first, second] = world.boxes as [MailboxRef, MailboxRef];
    const hasToken = Promise.withResolvers<void>();
    const mayLogIn = Promise.withResolvers<void>();
    const slow = world.worker(undefined, async (effect) => {
      if (slow.effects[effect - 1]?.name !== "mail.open") return;
      hasToken.resolve();
      await mayLogIn.promise;
    });
    const running = slow.sync(calm, first, "fresh");
    await hasToken.promise;
    world.isSecretDead = true;
    const failed = await world.worker().sync(calm, second, "fresh");
    expect(failed).toMatchObject({ kind: "failed", failure: { code: "ENTRA_CREDENTIAL_EXPIRED" } });
    mayLogIn.resolve();
    expect(await running).toMatchObject({ kind: "done" });
    expect(world.hold?.cause).toMatchObject({ code: "ENTRA_CREDENTIAL_EXPIRED", tries: 1 });
  });

  test("a worker that slept through its lease holds nobody for what it met before", async () => {
    const world = new TenantWorld();
    world.isSecretDead = true;
    const effects = await effectsOf(async (one, worker) => {
      one.isSecretDead = true;
      await one.next(worker);
    });
    const at = effects.findIndex(({ name }) => name === "breakers.hold") + 1;
    expect(at).toBeGreaterThan(0);
    expect(await world.next(world.worker({ at, mode: "asleep before" }))).toMatchObject({ kind: "lease-lost" });
    expect(world.hold).toBeUndefined();
  });
});

describe("a tenant whose app Exchange does not know", () => {
  test("is held once three mailboxes were refused for a while, and looked at after 5, 15 and 30 minutes", async () => {
    const world = new TenantWorld();
    world.isAppUnknown = true;
    const worker = world.worker();
    for (let i = 0; i < 20 && !world.hold; i++) await world.next(worker);
    expect(world.hold?.cause).toMatchObject({ code: "EXCHANGE_PRINCIPAL_UNKNOWN", state: "parked", tries: 1 });
    for (const minutes of [5, 15, 30]) {
      const [from, logins] = [world.clock.now(), world.asked.logins];
      await world.next(worker);
      const waited = (world.clock.now() - from) / 60_000;
      expect(waited).toBeGreaterThanOrEqual(minutes);
      expect(waited).toBeLessThan(minutes * 1.11);
      expect(world.asked.logins - logins).toBeLessThanOrEqual(2);
    }
    world.isAppUnknown = false;
    await world.untilWell(worker);
  });

  test("goes on by itself whatever befalls a worker on the way", async () => {
    await atEveryStep(
      async (world, worker) => {
        let one = worker;
        world.isAppUnknown = true;
        for (let i = 0; i < 20 && !world.hold; i++) {
          await world.next(one);
          if (one.process.isDead) one = world.worker();
        }
        world.isAppUnknown = false;
        await world.untilWell(one);
      },
      (world, where) => expect([world.hold, world.fleet.repeatedIds], where).toEqual([undefined, []]),
    );
  });

  test("a canary that logs in without access to its mailbox releases the tenant", async () => {
    const world = new TenantWorld();
    world.isAppUnknown = true;
    for (let i = 0; i < 20 && !world.hold; i++) await world.next(world.worker());
    [world.isAppUnknown, world.hasAccess] = [false, false];
    expect(await world.next(world.worker())).toMatchObject({ failure: { code: "MAILBOX_ACCESS_DENIED" } });
    expect(world.hold).toBeUndefined();
  });
});
