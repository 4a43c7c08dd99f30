import { allMailboxes, type Fleet } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { canonicalAddress, formatCount, mailboxId, type MailboxRef, stripControls } from "@mailfleet/core";
import { createMailboxDesk, type MailboxDesk, shardedDesk } from "@mailfleet/queue";
import { systemClock } from "@mailfleet/runtime";
import type { Cli, CommonOptions } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { suggestible } from "./find-mailbox.ts";
import { nearest } from "./nearest.ts";
import { eachShard, locateConfig, openFleet } from "./wire.ts";

/** What verbs about several single mailboxes have in common. */

/** At once: each is one script, and Redis does one after the other anyway. */
const atOnce = 100;

export async function withDesk(
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

export async function findConfigured(config: Config, fleet: Fleet, addresses: readonly string[], what: string): Promise<MailboxRef[]> {
  const registered = await fleet.registry.list();
  const known = allMailboxes(config, registered, undefined);
  return findAll(known, addresses, what, suggestible(known, registered));
}

/**
 * The mailboxes of these addresses, each once. An address that two tenants have, since it moved from one to the other, is named with its
 * tenant: `fabrikam/sales@contoso.com`.
 * @throws CliError 2 with all that are unknown or stand for several, before anything is done
 */
export function findAll(
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
      todo: [{ say: "See all", run: "mailboxes list" }],
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

export function configuredIds(config: Config): string[] {
  return Object.values(config.tenants).flatMap(({ alias, mailboxes }) =>
    mailboxes.map(({ address }) => mailboxId({ tenant: alias, address })),
  );
}

export async function each<Outcome>(
  mailboxes: readonly MailboxRef[],
  act: (mailbox: MailboxRef) => Promise<Outcome>,
): Promise<(readonly [MailboxRef, Outcome])[]> {
  const outcomes: (readonly [MailboxRef, Outcome])[] = [];
  for (let i = 0; i < mailboxes.length; i += atOnce) {
    outcomes.push(...(await Promise.all(mailboxes.slice(i, i + atOnce).map(async (mailbox) => [mailbox, await act(mailbox)] as const))));
  }
  return outcomes;
}

const namedMost = 5;

/** The first few by name. */
export function some(addresses: readonly string[]): string {
  const rest = addresses.length - namedMost;
  return `${addresses.slice(0, namedMost).join(", ")}${rest > 0 ? ` and ${formatCount(rest)} more` : ""}`;
}
