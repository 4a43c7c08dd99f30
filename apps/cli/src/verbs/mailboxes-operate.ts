import { userInfo } from "node:os";
import { type Command } from "commander";
import type { Config } from "@mailfleet/config";
import { canonicalAddress, failureCodes, formatCount, formatCounted, mailboxId, type MailboxRef, stripControls } from "@mailfleet/core";
import { createMailboxDesk, type MailboxDesk, operatorCode, shardedDesk } from "@mailfleet/queue";
import { forgetFailures } from "@mailfleet/entra";
import { systemClock } from "@mailfleet/runtime";
import { createTokenCache, type MailboxRecord } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { allMailboxes, requireTenant, suggestible } from "../find-mailbox.ts";
import { nearest } from "../nearest.ts";
import { openAccess } from "../tenant-access.ts";
import { eachShard, type Fleet, locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet mailboxes park support@contoso.com --reason "moves to another tenant"
  npx mailfleet mailboxes resume --cause MAILBOX_ACCESS_DENIED
  npx mailfleet mailboxes remove left@contoso.com
`;

interface ParkOptions extends CommonOptions {
  readonly reason?: string;
  readonly by?: string;
}

interface ResumeOptions extends CommonOptions {
  readonly tenant?: string;
  readonly cause?: string;
}

interface RemoveOptions extends CommonOptions {
  readonly purge?: true;
  readonly yes?: true;
}

/** At once: each is one script, and Redis does one after the other anyway. */
const atOnce = 100;
const nameLength = 64;
const reasonLength = 300;

/** What an operator does to single mailboxes. */
export function addOperateVerbs(mailboxes: Command, bind: Bind): void {
  withCommonOptions(mailboxes.command("park"))
    .description("stop mailboxes until somebody resumes them; also over restarts")
    .argument("<address...>", "primary addresses")
    .option("--reason <text>", "why, for colleagues and consumers")
    .option("--by <name>", "who (default: your name on this machine)")
    .addHelpText("before", examples)
    .action(bind<ParkOptions>(park));
  withCommonOptions(mailboxes.command("resume"))
    .description("go on with mailboxes that were parked, and try at once those that wait")
    .argument("[address...]", "primary addresses")
    .option("--tenant <alias>", "all of this tenant that are parked or wait")
    .option("--cause <code>", "all that are parked or wait for this cause, such as MAILBOX_ACCESS_DENIED")
    .addHelpText("before", examples)
    .action(bind<ResumeOptions>(resume));
  withCommonOptions(mailboxes.command("remove"))
    .description("take mailboxes out; what was handed off stays with the consumers")
    .argument("<address...>", "primary addresses")
    .option("--purge", "also forget what was handed off: when it comes back, everything is handed off again")
    .option("--yes", "do not ask")
    .addHelpText("before", examples)
    .action(bind<RemoveOptions>(remove));
}

async function park(cli: Cli, options: ParkOptions, addresses: readonly string[]): Promise<number> {
  return withFleet(cli, options, async (config, fleet, desk) => {
    const found = await findConfigured(config, fleet, addresses, "parked");
    const name = oneLine(options.by ?? userName(), nameLength) || "an operator";
    const reason = options.reason === undefined ? "" : oneLine(options.reason, reasonLength);
    // One that the configuration names and no producer has seen yet is there from now on, and parked.
    await fleet.registry.register(found, 0);
    const at = await fleet.reader.now();
    const outcomes = await each(found, (mailbox) => desk.park(mailbox, { name, at, ...(reason !== "" && { reason }) }));
    const done = outcomes.filter(([, outcome]) => outcome === "parked").map(([{ address }]) => address);
    const already = outcomes.filter(([, outcome]) => outcome === "already").map(([{ address }]) => address);
    if (cli.isJson) cli.json({ schema: "mailfleet.park/1", by: name, ...(reason !== "" && { reason }), parked: done, already });
    else {
      const lines = [
        `Parked by ${name}: ${some(done)}. A session that runs ends within its batch; nothing is lost, mail waits on the server.`,
      ];
      if (done.length === 0) lines.pop();
      if (already.length > 0) lines.push(`Parked before, and left as it is: ${some(already)}.`);
      lines.push(`Go on: npx mailfleet mailboxes resume ${found.length === 1 ? (found[0]?.address ?? "") : "ADDRESS"}`);
      cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
    }
    return 0;
  });
}

async function resume(cli: Cli, options: ResumeOptions, addresses: readonly string[]): Promise<number> {
  const { tenant, cause } = options;
  if (addresses.length > 0 === (tenant !== undefined || cause !== undefined)) {
    throw new CliError(2, {
      code: "USAGE",
      what: "Name mailboxes, or --tenant, or --cause, or both of these.",
      next: "Nothing was changed.",
      todo: ["npx mailfleet mailboxes resume support@contoso.com", "npx mailfleet mailboxes resume --tenant contoso"],
    });
  }
  if (cause !== undefined) requireCause(cause);
  return withFleet(cli, options, async (config, fleet, desk) => {
    if (tenant !== undefined) requireTenant(config, tenant, "Nothing was changed.");
    const records = await fleet.reader.mailboxes();
    const stopped = (record: MailboxRecord): boolean =>
      (record.cause !== undefined || record.parkedBy !== undefined) &&
      (tenant === undefined || record.tenant === tenant) &&
      (cause === undefined || causeOf(record) === cause);
    const chosen = addresses.length > 0 ? findAll(records, addresses, "resumed") : records.filter(stopped);
    await tryTokens(cli, config, fleet, new Set(chosen.map(({ tenant: alias }) => alias)), records);
    const outcomes = await each(chosen, (mailbox) => desk.resume(mailbox));
    const of = (wanted: string): string[] => outcomes.filter(([, outcome]) => outcome === wanted).map(([{ address }]) => address);
    const [resumed, tried, running] = [of("resumed"), of("tried"), of("running")];
    if (cli.isJson) cli.json({ schema: "mailfleet.resume/1", resumed, tried, running });
    else {
      const lines: string[] = [];
      if (resumed.length > 0) lines.push(`Resumed: ${some(resumed)}.`);
      if (tried.length > 0) lines.push(`Tried at once, whatever was the reason: ${some(tried)}.`);
      if (running.length > 0) lines.push(`A session works on it already, and looks once more at its end: ${some(running)}.`);
      lines.push(
        lines.length === 0 ? "Nothing fits: no mailbox is parked or waits for that." : "See what came of it: npx mailfleet status",
      );
      cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
    }
    return 0;
  });
}

/** A tenant that waits for its login service would go on waiting for what it said last, though somebody has mended it. */
async function tryTokens(
  cli: Cli,
  config: Config,
  fleet: Fleet,
  tenants: ReadonlySet<string>,
  records: readonly MailboxRecord[],
): Promise<void> {
  const waiting = records.filter(({ tenant, cause }) => tenants.has(tenant) && cause?.code.startsWith("ENTRA_"));
  if (waiting.length === 0) return;
  const access = await openAccess(config, cli.env);
  try {
    const cache = createTokenCache(fleet.first.redis, fleet.first.keys);
    for (const alias of new Set(waiting.map(({ tenant }) => tenant))) {
      // One that left the configuration has no token to try.
      const tenant = Object.hasOwn(config.tenants, alias) ? access.tenants.tenant(alias) : undefined;
      if (tenant) await forgetFailures(tenant, cache);
    }
  } finally {
    await access.close();
  }
}

async function remove(cli: Cli, options: RemoveOptions, addresses: readonly string[]): Promise<number> {
  return withFleet(cli, options, async (config, fleet, desk) => {
    const found = await findConfigured(config, fleet, addresses, "removed");
    const isPurged = options.purge === true;
    if (isPurged && options.yes !== true) await askPurge(cli, found);
    const outcomes = await each(found, (mailbox) => desk.remove(mailbox, isPurged));
    const configured = new Set(configuredIds(config));
    const removed = outcomes.map(([{ address }]) => address);
    const comesBack = found.filter((mailbox) => configured.has(mailboxId(mailbox))).map(({ address }) => address);
    if (cli.isJson) cli.json({ schema: "mailfleet.remove/1", purged: isPurged, removed, comesBack });
    else {
      const kept = isPurged
        ? "What was handed off of them is forgotten: one that is added again hands off everything again."
        : "What was handed off of them is remembered for 30 days: one that is added again until then repeats nothing.";
      const lines = [`Removed: ${some(removed)}. Events on the queue and stored messages stay.`, kept];
      if (comesBack.length > 0) {
        const verb = comesBack.length === 1 ? "is" : "are";
        lines.push(
          `${cli.terminal.marks.look} Still in the configuration ${verb} ${some(comesBack)}: at the next start of a producer ${comesBack.length === 1 ? "it comes" : "they come"} back. Take ${comesBack.length === 1 ? "it" : "them"} out there too.`,
        );
      }
      cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
    }
    return comesBack.length > 0 ? 1 : 0;
  });
}

async function askPurge(cli: Cli, found: readonly MailboxRef[]): Promise<void> {
  const question = `Forget what was handed off of ${formatCounted(found.length, "mailbox", "mailboxes")}? Type yes: `;
  if (cli.ask !== undefined && (await cli.ask(question)).trim() === "yes") return;
  throw new CliError(2, {
    code: "NOT_CONFIRMED",
    what: cli.ask === undefined ? "--purge is not done unasked where nobody can answer." : "It was not confirmed.",
    next: "Nothing was changed.",
    todo: ["Without asking: --yes"],
  });
}

function causeOf(record: MailboxRecord): string | undefined {
  return record.parkedBy === undefined ? record.cause?.code : operatorCode;
}

/** @throws CliError 2 */
function requireCause(cause: string): void {
  const known: readonly string[] = [...failureCodes, operatorCode];
  if (known.includes(cause)) return;
  const meant = nearest(cause, known, 1)[0];
  throw new CliError(2, {
    code: "CAUSE_UNKNOWN",
    what: `${stripControls(cause)} is no cause${meant === undefined ? "." : `; did you mean ${meant}?`}`,
    next: "Nothing was changed.",
    todo: ["See which there are: npx mailfleet status --json"],
  });
}

async function findConfigured(config: Config, fleet: Fleet, addresses: readonly string[], what: string): Promise<MailboxRef[]> {
  const registered = await fleet.registry.list();
  const known = allMailboxes(config, registered, undefined);
  return findAll(known, addresses, what, suggestible(known, registered));
}

/**
 * The mailboxes of these addresses, each once. An address that two tenants have, since it moved from one to the other, is named with its
 * tenant: `fabrikam/sales@contoso.com`.
 * @throws CliError 2 with all that are unknown or stand for several, before anything is done
 */
function findAll(
  known: readonly MailboxRef[],
  addresses: readonly string[],
  what: string,
  meant: readonly MailboxRef[] = known,
): MailboxRef[] {
  const byAddress = Map.groupBy(known, ({ address }) => address);
  const byId = new Map(known.map((mailbox) => [canonicalAddress(mailboxId(mailbox)), mailbox]));
  const found = new Map<string, MailboxRef>();
  const unknown: string[] = [];
  const several: string[] = [];
  for (const given of new Set(addresses.map(canonicalAddress))) {
    const named = byId.get(given);
    const fit = named ? [named] : (byAddress.get(given) ?? []);
    for (const { tenant, address, protocol } of fit) found.set(mailboxId({ tenant, address }), { tenant, address, protocol });
    if (fit.length === 0) unknown.push(given);
    if (fit.length > 1) several.push(fit.map((mailbox) => stripControls(mailboxId(mailbox))).join(" or "));
  }
  if (unknown.length > 0) {
    const words = unknown.map((address) => {
      const [near] = nearest(address, new Set(meant.map((mailbox) => mailbox.address)), 1);
      return `${stripControls(address)}${near === undefined ? "" : ` (did you mean ${stripControls(near)}?)`}`;
    });
    throw new CliError(2, {
      code: "MAILBOX_UNKNOWN",
      what: `There is no mailbox ${words.join(", ")}.`,
      next: `Nothing was ${what}.`,
      todo: ["See all: npx mailfleet mailboxes list"],
    });
  }
  if (several.length > 0) {
    throw new CliError(2, {
      code: "MAILBOX_OF_SEVERAL_TENANTS",
      what: `More than one tenant has that mailbox: ${several.join("; ")}.`,
      next: `Nothing was ${what}.`,
      todo: ["Name it with its tenant, as it stands here."],
    });
  }
  return [...found.values()];
}

function configuredIds(config: Config): string[] {
  return Object.values(config.tenants).flatMap(({ alias, mailboxes }) =>
    mailboxes.map(({ address }) => mailboxId({ tenant: alias, address })),
  );
}

async function each<Outcome>(
  mailboxes: readonly MailboxRef[],
  act: (mailbox: MailboxRef) => Promise<Outcome>,
): Promise<(readonly [MailboxRef, Outcome])[]> {
  const outcomes: (readonly [MailboxRef, Outcome])[] = [];
  for (let i = 0; i < mailboxes.length; i += atOnce) {
    outcomes.push(...(await Promise.all(mailboxes.slice(i, i + atOnce).map(async (mailbox) => [mailbox, await act(mailbox)] as const))));
  }
  return outcomes;
}

async function withFleet(
  cli: Cli,
  options: CommonOptions,
  act: (config: Config, fleet: Fleet, desk: MailboxDesk) => Promise<number>,
): Promise<number> {
  const { config } = locateConfig(cli, options);
  const fleet = await openFleet(config);
  const { parts, close } = await eachShard(fleet, ({ keys }, queue) => createMailboxDesk({ queue, keys, clock: systemClock }));
  try {
    return await act(config, fleet, shardedDesk(parts));
  } finally {
    await close();
    fleet.close();
  }
}

const namedMost = 5;

function some(addresses: readonly string[]): string {
  const rest = addresses.length - namedMost;
  return `${addresses.slice(0, namedMost).join(", ")}${rest > 0 ? ` and ${formatCount(rest)} more` : ""}`;
}

function oneLine(text: string, length: number): string {
  return stripControls(text).replace(/\s+/g, " ").trim().slice(0, length);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
