import { configuredMailboxes } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { canonicalAddress, type MailboxRef, shellWord, stripControls } from "@mailfleet/core";
import { CliError } from "./cli-error.ts";
import { nearest } from "./nearest.ts";
import { openFleet } from "./wire.ts";

/**
 * In the configuration, or registered by `mailboxes add`; for `try` and `doctor`, which work before either, also named together with its tenant.
 * @param verb for the words of a refusal
 * @throws CliError 2
 */
export async function findMailbox(config: Config, given: string, alias: string | undefined, verb: string): Promise<MailboxRef> {
  const address = canonicalAddress(given);
  // Both look without a fleet, also at a mailbox that is still to come.
  const isTry = verb === "try" || verb === "doctor";
  const nothing = `Nothing was ${isTry ? "tried" : "done"}.`;
  const configured = configuredMailboxes(config);
  const found = configured.find((mailbox) => mailbox.address === address && (alias === undefined || mailbox.tenant === alias));
  if (found) return found;
  if (isTry && alias !== undefined && Object.hasOwn(config.tenants, alias) && address.includes("@"))
    return { tenant: alias, address, protocol: config.tenants[alias]?.protocol ?? "imap" };
  const registered = await registeredMailboxes(config, isTry);
  const added = registered.find((mailbox) => mailbox.address === address && (alias === undefined || mailbox.tenant === alias));
  if (added) return added;
  if (alias !== undefined) requireTenant(config, alias, nothing);
  const elsewhere = [...configured, ...registered].filter((mailbox) => mailbox.address === address);
  if (elsewhere.length > 0) throw otherTenant(elsewhere, address, alias ?? "", nothing, verb);
  const near = nearest(address, new Set(suggestible(configured, registered).map((mailbox) => mailbox.address)), 3);
  throw new CliError(2, {
    code: "MAILBOX_UNKNOWN",
    what: `${stripControls(address) || "That"} is not in the configuration${near.length === 0 ? "." : `; did you mean ${near.map(stripControls).join(", ")}?`}`,
    next: nothing,
    todo: [
      { say: "See all", run: "mailboxes list" },
      ...(isTry
        ? [{ say: "or name its tenant", run: `${verb === "try" ? "try" : "doctor --mailbox"} ${shellWord(address)} --tenant TENANT` }]
        : []),
    ],
  });
}

/** One that was removed is in the configuration still, and there is nothing to do for it: where any is registered, only those are named. */
export function suggestible(configured: readonly MailboxRef[], registered: readonly MailboxRef[]): readonly MailboxRef[] {
  return registered.length > 0 ? registered : configured;
}

function otherTenant(found: readonly MailboxRef[], address: string, alias: string, next: string, verb: string): CliError {
  const tenants = [...new Set(found.map(({ tenant }) => stripControls(tenant)))];
  const who = stripControls(address);
  return new CliError(2, {
    code: "MAILBOX_UNKNOWN",
    what: `${who} is a mailbox of ${tenants.join(" and ")}, not of ${stripControls(alias)}.`,
    next,
    todo:
      verb === "replay"
        ? [{ say: "See all", run: "mailboxes list" }]
        : tenants.map((tenant) => ({
            run: `${verb === "doctor" ? "doctor --mailbox" : verb} ${shellWord(address)} --tenant ${shellWord(tenant)}`,
          })),
  });
}

/** @throws CliError 2 */
export function requireTenant(config: Config, alias: string, next: string): void {
  if (Object.hasOwn(config.tenants, alias)) return;
  const names = Object.keys(config.tenants);
  const meant = nearest(alias, names, 1)[0];
  throw new CliError(2, {
    code: "TENANT_UNKNOWN",
    what: `Tenant ${stripControls(alias)} is not in the configuration${meant === undefined ? "." : `; did you mean ${meant}?`}`,
    next,
    todo: [`Its tenants: ${names.join(", ")}`],
  });
}

/** Without a running fleet `try` knows of none: it works before the first start. */
async function registeredMailboxes(config: Config, isTry: boolean): Promise<readonly MailboxRef[]> {
  try {
    const fleet = await openFleet(config);
    try {
      return await fleet.registry.list();
    } finally {
      fleet.close();
    }
  } catch (error) {
    if (!isTry) throw error;
    return [];
  }
}
