import type { Config, TenantConfig } from "@mailfleet/config";
import { type MailboxRef, mailboxId, otherProtocol, type Subject } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";
import { allMailboxes } from "../known-mailboxes.ts";

/** One tenant, and the mailbox it is looked at through; none where it has none yet. */
export interface Patient {
  readonly tenant: TenantConfig;
  readonly mailbox?: MailboxRef;
}

/** Mailboxes with a cause that are looked at besides the first, per tenant. */
const troubledPerTenant = 2;
/** Other mailboxes of a tenant, and other tenants, that a refusal is compared with (exchange-online 2.3). */
const controlsTried = 3;

export interface Whom {
  readonly tenant?: string;
  readonly mailbox?: MailboxRef;
  /** A mailbox that must be refused: that it is makes no patient of it. */
  readonly mustRefuse?: string;
}

/** One mailbox of each tenant, and those that are in trouble; or the tenant or mailbox that is named. */
export function choosePatients(config: Config, records: readonly MailboxRecord[], whom: Whom): readonly Patient[] {
  const tenants = Object.values(config.tenants).filter(({ alias }) => whom.tenant === undefined || alias === whom.tenant);
  if (whom.mailbox) return tenants.map((tenant) => ({ tenant, mailbox: whom.mailbox as MailboxRef }));
  const known = new Map(records.map((record) => [record.id, record]));
  return tenants.flatMap((tenant): Patient[] => {
    const all = allMailboxes(config, records, tenant.alias).filter(({ address }) => address !== whom.mustRefuse);
    const troubled = all.filter((mailbox) => known.get(mailboxId(mailbox))?.cause !== undefined);
    // What the fleet cannot open is what a doctor is asked about; a healthy one shows that the tenant as a whole is well.
    const isHealthy = (mailbox: { readonly address: string }): boolean =>
      known.get(mailboxId({ tenant: tenant.alias, address: mailbox.address }))?.cause === undefined;
    // The first of the configuration is the one that its author knows.
    const first = tenant.mailboxes.find((mailbox) => isHealthy(mailbox) && mailbox.address !== whom.mustRefuse)?.address;
    const healthy = all.find(({ address }) => address === first) ?? all.find(isHealthy);
    const chosen = [...(healthy ? [healthy] : []), ...troubled.slice(0, healthy ? troubledPerTenant : troubledPerTenant + 1)];
    return chosen.length === 0 ? [{ tenant }] : chosen.map((mailbox) => ({ tenant, mailbox }));
  });
}

/** Other mailboxes to try, those first that were read last: they say most. The one that must be refused says nothing. */
export function chooseControls(
  config: Config,
  records: readonly MailboxRecord[],
  { tenant, mailbox }: Patient,
  mustRefuse?: string,
): { readonly neighbours: readonly MailboxRef[]; readonly others: readonly MailboxRef[] } {
  const known = new Map(records.map((record) => [record.id, record]));
  const checkedAt = (one: MailboxRef): number => known.get(mailboxId(one))?.checkedAt ?? 0;
  const isHeld = (one: MailboxRef): boolean => {
    const code = known.get(mailboxId(one))?.cause?.code;
    return code === "SERVER_THROTTLED" || code === "CONNECTION_LIMIT";
  };
  const isAlike = (one: MailboxRef): boolean => one.protocol === (mailbox?.protocol ?? tenant.protocol);
  const best = (alias: string): MailboxRef[] =>
    allMailboxes(config, records, alias)
      .filter((one) => !isHeld(one) && one.address !== mustRefuse && (mailbox === undefined || mailboxId(one) !== mailboxId(mailbox)))
      // Of the same protocol first: what hits one of the two is not seen at the other.
      .sort((a, b) => Number(isAlike(b)) - Number(isAlike(a)) || checkedAt(b) - checkedAt(a));
  const strangers = Object.keys(config.tenants).filter((alias) => alias !== tenant.alias);
  return {
    neighbours: best(tenant.alias).slice(0, controlsTried),
    others: strangers
      .flatMap((alias) => best(alias).slice(0, 1))
      .sort((a, b) => checkedAt(b) - checkedAt(a))
      .slice(0, controlsTried),
  };
}

/** @param options what a printed command needs to reach the same fleet, see `givenOptions` */
export function subjectOf({ tenant, mailbox }: Patient, options = ""): Subject {
  const { alias, tenantId, clientId, credential, endpoints, cloud } = tenant;
  const protocol = mailbox?.protocol ?? tenant.protocol;
  return {
    tenant: alias,
    tenantId,
    clientId,
    ...(mailbox && { mailbox: mailbox.address }),
    protocol,
    isOtherServed: endpoints[otherProtocol(protocol)] !== undefined,
    credential: credential.kind,
    authority: endpoints.authority,
    scope: endpoints.scope,
    ...(options !== "" && { options }),
    isCustom: cloud === "custom",
  };
}
