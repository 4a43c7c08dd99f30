import type { FaultOrder } from "./faults/fault-spec.ts";
import type { ClientProtocol } from "./world/base-folder.ts";
import type { TenantSpec } from "./world/generated-world.ts";
import { leastMeanBytes } from "./world/message-plan.ts";

/** How a sandbox is to be. Everything but `dataDir` has a default. */
export interface SandboxOptions {
  /** Folder (made with mode 0700) for the authority, secrets, live deliveries and the configuration for mailfleet. */
  readonly dataDir: string;
  /** The same seed gives the same bytes, UIDs and UIDVALIDITY. Default 1. */
  readonly seed?: number | string;
  /** Default 127.0.0.1. Anything but loopback needs `insecureListenAnywhere`: whoever reaches a sandbox gets tokens and mail. */
  readonly host?: string;
  readonly insecureListenAnywhere?: boolean;
  /** Host name that clients are told, and that the certificate is for beside localhost: where they are in other containers. Default localhost. */
  readonly name?: string;
  /** 0 (the default) takes a free port. */
  readonly tokenPort?: number;
  readonly imapPort?: number;
  readonly pop3Port?: number;
  /** Default: contoso, fabrikam and northwind with 60 mailboxes and 12,480 messages. `messages` may be left out: see `messages` below. */
  readonly tenants?: readonly SandboxTenantOptions[];
  /** Messages per mailbox on average, for tenants that do not say; also scales the default tenants. */
  readonly messages?: number;
  /** Folder of .eml and .mbox files (or one of them) in place of invented mail. */
  readonly corpus?: string;
  /** All of the corpus in INBOX: POP3 sees nothing else. Tenants have their own `inboxOnly`. */
  readonly corpusInboxOnly?: boolean;
  /** Seconds between live deliveries to some mailbox; 0 (the default) for none. */
  readonly trickle?: number;
  /** The two planted troubles. Default: on in the default world only. */
  readonly faults?: boolean;
  /** What the servers do wrong from the start on. */
  readonly faultOrders?: readonly FaultOrder[];
  /** Default 3,599 as Entra's. */
  readonly tokenLifetimeSeconds?: number;
  /** Default 86,400: the platform's tokens live a day. */
  readonly managedIdentityLifetimeSeconds?: number;
}

export interface SandboxTenantOptions {
  readonly alias: string;
  readonly mailboxes: number;
  readonly messages?: number;
  /** Average length of its messages, 6,000 or more. Default: the 12 kB of the invented world. */
  readonly meanBytes?: number;
  /** All mail in INBOX: with one mailbox, one folder of any size. */
  readonly inboxOnly?: boolean;
  /** What the configuration for mailfleet says; both are served. Default imap. */
  readonly protocol?: ClientProtocol;
}

/** Wrong options, a corpus that cannot be read, or a port in use. Nothing was started; the message says what to change. */
export class SandboxOptionsError extends Error {
  override readonly name = "SandboxOptionsError";
}

const defaultMessagesPerMailbox = 200;
const mostMailboxes = 1_000_000;

/** @throws SandboxOptionsError */
export function checkOptions(options: SandboxOptions): void {
  const host = options.host ?? "127.0.0.1";
  if (!isLoopback(host) && options.insecureListenAnywhere !== true) {
    throw new SandboxOptionsError(
      `the sandbox listens on loopback only, not on ${host}: whoever reaches it gets tokens and mail. If that is wanted: --insecure-listen-anywhere`,
    );
  }
  if (options.name !== undefined && !/^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/.test(options.name))
    throw new SandboxOptionsError(`name is a host name in small letters, digits, hyphens and dots, not ${options.name}`);
  checkNumber("tokenPort", options.tokenPort, 0, 65_535);
  checkNumber("imapPort", options.imapPort, 0, 65_535);
  checkNumber("pop3Port", options.pop3Port, 0, 65_535);
  checkNumber("messages", options.messages, 0, 10_000_000);
  checkNumber("tokenLifetimeSeconds", options.tokenLifetimeSeconds, 1, 100_000);
  checkNumber("managedIdentityLifetimeSeconds", options.managedIdentityLifetimeSeconds, 1, 100_000);
  const trickle = options.trickle ?? 0;
  if (!(trickle >= 0 && trickle <= 86_400))
    throw new SandboxOptionsError(`trickle is seconds between two deliveries, 0 to 86,400, not ${String(trickle)}`);
  if (options.corpus !== undefined && options.tenants !== undefined)
    throw new SandboxOptionsError("a corpus makes one tenant of its own: give tenants or a corpus, not both");
  if (options.corpus === undefined && options.corpusInboxOnly === true) throw new SandboxOptionsError("corpusInboxOnly wants a corpus");
  const seen = new Set<string>();
  for (const tenant of options.tenants ?? []) {
    if (!/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(tenant.alias))
      throw new SandboxOptionsError(`a tenant's alias has small letters, digits and hyphens: ${tenant.alias}`);
    if (seen.has(tenant.alias)) throw new SandboxOptionsError(`the tenant ${tenant.alias} is named twice`);
    seen.add(tenant.alias);
    checkNumber(`mailboxes of ${tenant.alias}`, tenant.mailboxes, 1, mostMailboxes);
    checkNumber(`messages of ${tenant.alias}`, tenant.messages, 0, 1_000_000_000);
    checkNumber(`meanBytes of ${tenant.alias}`, tenant.meanBytes, leastMeanBytes, 1_000_000);
  }
  if (options.tenants?.length === 0) throw new SandboxOptionsError("no tenant is given");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.[0-9]{1,3}){3}$/.test(host);
}

export function tenantSpecs(options: SandboxOptions, defaults: readonly TenantSpec[]): readonly TenantSpec[] {
  if (options.tenants === undefined) {
    return options.messages === undefined
      ? defaults
      : defaults.map((spec) => ({ ...spec, messages: spec.mailboxes * (options.messages ?? 0) }));
  }
  return options.tenants.map((tenant) => ({
    alias: tenant.alias,
    mailboxes: tenant.mailboxes,
    messages: tenant.messages ?? Math.round(tenant.mailboxes * (options.messages ?? defaultMessagesPerMailbox)),
    ...(tenant.meanBytes !== undefined && { meanBytes: tenant.meanBytes }),
    ...(tenant.inboxOnly === true && { inboxOnly: true }),
    ...(tenant.protocol !== undefined && { protocol: tenant.protocol }),
  }));
}

function checkNumber(name: string, value: number | undefined, low: number, high: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= low && value <= high)) {
    throw new SandboxOptionsError(`${name} is a whole number from ${String(low)} to ${String(high)}, not ${String(value)}`);
  }
}
