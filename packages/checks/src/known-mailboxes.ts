import type { Config } from "@mailfleet/config";
import { mailboxId, type MailboxRef } from "@mailfleet/core";

/** All that are configured or were added, sorted by tenant and address. */
export function allMailboxes(config: Config, registered: readonly MailboxRef[], alias: string | undefined): MailboxRef[] {
  const byId = new Map<string, MailboxRef>();
  for (const mailbox of [...configuredMailboxes(config), ...registered]) {
    if (alias === undefined || mailbox.tenant === alias) byId.set(mailboxId(mailbox), mailbox);
  }
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, mailbox]) => mailbox);
}

export function configuredMailboxes(config: Config): MailboxRef[] {
  return Object.values(config.tenants).flatMap((tenant) =>
    tenant.mailboxes.map(({ address, protocol }): MailboxRef => ({ tenant: tenant.alias, address, protocol })),
  );
}
