import type { Config, TenantConfig } from "@mailfleet/config";
import { limits, type Log, type MailboxRef, pollBounds } from "@mailfleet/core";
import type { TenantLimits } from "@mailfleet/store";

/** What the configuration allows of each tenant. One that is registered and not configured is parked by the worker anyway. */
export function tenantLimits(config: Config): (tenant: string) => TenantLimits {
  const { loginsPerSecond } = config.sync;
  return (alias) => {
    const tenant = Object.hasOwn(config.tenants, alias) ? config.tenants[alias] : undefined;
    const host = tenant === undefined ? "" : hostOf(tenant);
    const isOwn = tenant?.cloud === "custom" && loginsPerSecond === undefined;
    const loginsAtMost = loginsPerSecond ?? (isOwn ? limits.loginsCustom : limits.loginsDefault);
    return { host, loginsAtMost, loginsAtFirst: isOwn ? loginsAtMost : Math.min(limits.loginsAtFirst, loginsAtMost) };
  };
}

/** Where most of the tenant's mail is read; Microsoft serves both protocols at one name. */
function hostOf({ endpoints, protocol }: TenantConfig): string {
  return (endpoints[protocol] ?? endpoints.imap ?? endpoints.pop3)?.host ?? "";
}

/** Sentences about tenants whose mailboxes cannot all be looked at in time, whatever the server does. */
export function tooManyLogins(config: Config, mailboxes: readonly MailboxRef[], limitsOf: (tenant: string) => TenantLimits): string[] {
  const { pollSeconds, freshWithinSeconds } = config.sync;
  const everySeconds = pollBounds({ pollMs: pollSeconds * 1_000, freshWithinMs: freshWithinSeconds * 1_000 }).usual / 1_000;
  return [...Map.groupBy(mailboxes, ({ tenant }) => tenant)].flatMap(([tenant, some]) => {
    const [needed, allowed] = [some.length / everySeconds, limitsOf(tenant).loginsAtMost];
    if (needed <= allowed) return [];
    const least = Math.ceil(some.length / allowed);
    return [
      `${tenant}: ${some.length.toLocaleString("en-US")} mailboxes every ${everySeconds} s are ${needed.toFixed(1)} logins per second, and ${allowed} are allowed. ` +
        `Each is looked at every ${least} s instead. Set sync.pollSeconds to ${least} or more, or sync.loginsPerSecond to ${Math.ceil(needed)}.`,
    ];
  });
}

/** Says so once for each tenant, and again when the sentence changes. */
export function createLoginTeller(log: Log): (sentences: readonly string[]) => void {
  let told = new Set<string>();
  return (sentences) => {
    for (const sentence of sentences) if (!told.has(sentence)) log.warn({ code: "LOGIN_RATE" }, sentence);
    told = new Set(sentences);
  };
}
