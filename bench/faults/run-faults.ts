import { spawn } from "node:child_process";
import { join } from "node:path";
import { limits } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import { askDoctor, type DoctorAnswer } from "./ask-doctor.ts";
import { observe, type Observer, type SeenCause } from "./observe.ts";
import type { InjectedFault } from "./injected-fault.ts";
import { type Placed, startWorld, type World } from "./world.ts";

/** What became of one fault. */
export interface Judged {
  readonly name: string;
  readonly code: string;
  readonly scope: string;
  readonly wait: string;
  readonly step: string;
  /** Whether mail flows again once the fault is gone; `-` where the configuration would have to be mended for it. */
  readonly back: string;
  /** Sentences; none where all is right. */
  readonly problems: readonly string[];
}

export interface FaultsResult {
  readonly judged: readonly Judged[];
  readonly incident: { readonly isRight: boolean; readonly text: string };
  /** Messages that the servers hold and nobody was given. */
  readonly lost: number;
  readonly unaccounted: number;
}

export interface RunOptions {
  readonly dir: string;
  readonly rows: readonly InjectedFault[];
  readonly seed: number;
  readonly withDoctor: boolean;
  readonly say: (line: string) => void;
}

const firstPassMs = 90_000;
/** The slowest is a mail host that never greets: 30 s, behind whatever else waits for a slot. */
const classifyMs = 90_000;
const backMs = 90_000;
const incidentMs = 90_000;
/** A message that was left out is asked for again after a minute, by a fleet that comes back from everything at once. */
const owedMs = 3 * limits.unfetchableRetryMs;
/** Long enough for a second look at everything. */
const calmMs = 10_000;
const doctorsAtOnce = 2;
/** What is stored may be looked at so much after it was written. */
const lateSeconds = 3;

/** Injects all rows into one fleet, judges what becomes of them, takes them back, and ends with an incident at all healthy tenants. */
export async function runFaults(options: RunOptions): Promise<FaultsResult> {
  const { say } = options;
  const world = await startWorld(options.dir, options.seed, options.rows);
  let observer: Observer | undefined;
  try {
    for (const one of world.placed) if (one.row.isFromStart) order(world, one);
    await world.startRoles();
    observer = observe(world.reader);
    const watching = observer;
    const calm = [...world.placed.filter(({ row }) => !row.isFromStart).flatMap(known), ...healthyAddresses(world)];
    await reach(firstPassMs, () => calm.every((address) => watching.fresh().has(address)));
    say(`${world.placed.length} tenants with a fault each and ${world.healthy.length} healthy ones; first pass done`);

    for (const one of world.placed) if (!one.row.isFromStart) strike(world, one);
    await reach(classifyMs, () => world.placed.every((one) => isSeen(watching, one)));
    await systemClock.sleep(calmMs);
    say("all faults seen; asking the doctor");
    const steps = options.withDoctor ? await askAll(world) : new Map<Placed, DoctorAnswer>();
    const disturbed = healthyAddresses(world).filter((address) => watching.seen(address).length > 0);
    for (const address of disturbed)
      say(
        `${address} is healthy and had ${watching
          .seen(address)
          .map(({ code }) => code)
          .join(", ")}`,
      );

    world.sandbox.faults.clear();
    const mendable = world.placed.filter(({ row }) => row.endpoint === undefined);
    await resume(world, mendable.flatMap(known));
    await reach(backMs, () => mendable.flatMap(known).every((address) => watching.fresh().has(address)));
    const judged = world.placed.map((one) => judge(one, watching, steps.get(one), mendable.includes(one)));

    const incident = await tryIncident(world, watching);
    const { lost, unaccounted, short } = await count(world, mendable);
    for (const tenant of short) {
      const row = world.placed.find((one) => one.tenant === tenant)?.row;
      const ledger = (await world.reader.tenantLedgers()).get(tenant);
      say(`not all mail of ${tenant} was handed off: ${row?.name ?? "a healthy one"}, to do ${ledger?.toDo ?? 0}`);
    }
    return { judged, incident, lost, unaccounted };
  } finally {
    await observer?.stop();
    await world.close();
  }
}

function order({ sandbox }: World, { row, tenant, addresses }: Placed): void {
  for (const one of row.orders) {
    sandbox.faults.add({ ...one, tenant, ...(row.at === "mailbox" && addresses[0] !== undefined && { mailbox: addresses[0] }) });
  }
}

/** The order, and a message so that there is something to fetch. */
function strike(world: World, one: Placed): void {
  order(world, one);
  const [address] = one.addresses;
  if (address === undefined || one.row.isUnknownMailbox) return;
  const raw = `From: a@mail.example\r\nTo: ${address}\r\nSubject: ${one.row.name}\r\nMessage-ID: <${one.tenant}@mail.example>\r\n\r\nhello\r\n`;
  world.sandbox.deliver(address, "INBOX", Buffer.from(raw));
}

/** Addresses that the sandbox has. */
function known({ row, addresses }: Placed): readonly string[] {
  return row.isUnknownMailbox ? addresses.slice(1) : addresses;
}

function healthyAddresses({ sandbox, healthy }: World): readonly string[] {
  return sandbox.tenants.filter(({ alias }) => healthy.includes(alias)).flatMap(({ addresses }) => addresses);
}

function isSeen(observer: Observer, { row, addresses }: Placed): boolean {
  if (row.code === "none") return true;
  const [first = ""] = addresses;
  return observer.seen(first).some(({ code }) => code === row.code);
}

async function askAll({ placed, configFile }: World): Promise<ReadonlyMap<Placed, DoctorAnswer>> {
  const steps = new Map<Placed, DoctorAnswer>();
  const left = [...placed];
  const askNext = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const who =
        one.row.at === "tenant" && one.row.endpoint === undefined ? ["--tenant", one.tenant] : ["--mailbox", one.addresses[0] ?? ""];
      steps.set(one, await askDoctor(configFile, who));
    }
  };
  await Promise.all(Array.from({ length: doctorsAtOnce }, askNext));
  return steps;
}

function judge(placed: Placed, observer: Observer, doctor: DoctorAnswer | undefined, isMendable: boolean): Judged {
  const { row, addresses } = placed;
  const [first = ""] = addresses;
  const seen = observer.seen(first);
  const cause = row.code === "none" ? seen.at(-1) : (seen.find(({ code }) => code === row.code) ?? seen[0]);
  const problems: string[] = [];
  if (row.code === "none") {
    if (cause?.state === "parked") problems.push(`should stop nothing, and was parked as ${cause.code}`);
  } else if (cause?.code !== row.code) problems.push(`class is ${cause?.code ?? "none"}, expected ${row.code}`);
  else problems.push(...judgeCause(row, cause));
  if (doctor !== undefined && doctor.step !== row.step)
    problems.push(`the doctor named ${doctor.step}, expected ${row.step}: ${doctor.says}`);
  const isBack = known(placed).every((address) => observer.fresh().has(address));
  if (isMendable && !isBack) problems.push("did not come back");
  return {
    name: row.name,
    code: cause?.code ?? "none",
    scope: cause?.scope ?? "",
    wait: cause === undefined ? "" : `${cause.waitSeconds.toFixed(0)} s`,
    step: doctor?.step ?? "",
    back: isMendable ? (isBack ? "yes" : "no") : "-",
    problems,
  };
}

function judgeCause(row: InjectedFault, cause: SeenCause): string[] {
  const problems: string[] = [];
  if (row.scope !== undefined && cause.scope !== row.scope) problems.push(`stops the ${cause.scope}, expected the ${row.scope}`);
  const [low, high] = row.waits ?? [0, Number.POSITIVE_INFINITY];
  if (cause.waitSeconds > high || cause.waitSeconds < low - lateSeconds)
    problems.push(`is tried again after ${cause.waitSeconds.toFixed(1)} s, expected ${low} to ${high} s`);
  return problems;
}

/** Everybody is refused at once: nobody may be parked, and all must come back by themselves. */
async function tryIncident(world: World, observer: Observer): Promise<FaultsResult["incident"]> {
  const addresses = healthyAddresses(world);
  const before = new Map(addresses.map((address) => [address, observer.seen(address).length]));
  const since = (address: string): readonly SeenCause[] => observer.seen(address).slice(before.get(address));
  for (const tenant of world.healthy) world.sandbox.faults.add({ name: "auth-no", tenant });
  // A tenant's mailboxes must be refused for a while, not only in a row; a fleet of three each would look again after five minutes only.
  await systemClock.sleep(limits.tenantDownAfterMs + 2_000);
  await resume(world, addresses);
  const isNamed = await reach(incidentMs, () =>
    addresses.every((address) => since(address).some(({ code }) => code === "SERVICE_INCIDENT")),
  );
  const parked = addresses.filter((address) => since(address).some(({ state }) => state === "parked"));
  world.sandbox.faults.clear();
  await resume(world, addresses);
  const isBack = await reach(backMs, () => addresses.every((address) => observer.fresh().has(address)));
  const seconds = (ms: number | undefined): string => (ms === undefined ? "never" : `after ${(ms / 1_000).toFixed(0)} s`);
  return {
    isRight: isNamed !== undefined && parked.length === 0 && isBack !== undefined,
    text: `named ${seconds(isNamed)}, ${parked.length} of ${addresses.length} mailboxes parked, back ${seconds(isBack)}`,
  };
}

async function resume({ configFile }: World, addresses: readonly string[]): Promise<void> {
  const cli = join(import.meta.dirname, "../../apps/cli/src/main.ts");
  const child = spawn(process.execPath, [cli, "mailboxes", "resume", ...addresses, "--config", configFile], {
    stdio: "ignore",
    env: { PATH: process.env["PATH"] },
  });
  await new Promise((resolve) => child.once("close", resolve));
}

/** @returns how long it took, ms; undefined when it was not reached */
async function reach(withinMs: number, isReached: () => boolean): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < withinMs) {
    if (isReached()) return performance.now() - startedAt;
    await systemClock.sleep(100);
  }
  return undefined;
}

interface Counts {
  readonly lost: number;
  readonly unaccounted: number;
  /** Tenants of which something is lost. */
  readonly short: readonly string[];
}

/** Waits for what is still being read, for a while. */
async function count(world: World, mendable: readonly Placed[]): Promise<Counts> {
  const startedAt = performance.now();
  for (;;) {
    const counts = await countNow(world, mendable);
    if ((counts.lost === 0 && counts.unaccounted === 0) || performance.now() - startedAt > owedMs) return counts;
    await systemClock.sleep(500);
  }
}

async function countNow(world: World, mendable: readonly Placed[]): Promise<Counts> {
  const tenants = new Set([...mendable.map(({ tenant }) => tenant), ...world.healthy]);
  const truth = new Map<string, number>();
  const spools = new Set(mendable.flatMap(({ row, tenant }) => (row.isPop3 === true ? [tenant] : [])));
  for (const { tenant, folder, isMail } of world.sandbox.truth()) {
    if (isMail && (folder === "INBOX" || !spools.has(tenant))) truth.set(tenant, (truth.get(tenant) ?? 0) + 1);
  }
  const short: string[] = [];
  let lost = 0;
  let unaccounted = 0;
  const ledgers = await world.reader.tenantLedgers();
  for (const tenant of tenants) {
    const ledger = ledgers.get(tenant);
    const given = ledger === undefined ? 0 : ledger.handedOff + ledger.quarantined + ledger.excluded;
    const missing = Math.max(0, (truth.get(tenant) ?? 0) - given);
    if (missing > 0) short.push(tenant);
    lost += missing;
    unaccounted += ledger === undefined ? 0 : Math.abs(ledger.listed - given - ledger.toDo);
  }
  return { lost, unaccounted, short };
}
