import { faultCatalogue, type FaultName } from "./catalogue.ts";
import type { FaultOrder, FaultSpec } from "./fault-spec.ts";

/** The catalogue as people look for it: each fault is in the first group that fits its name. */
const mailGroups: readonly { readonly title: string; readonly names: RegExp }[] = [
  {
    title: "Connection and login",
    names: /^(auth-|basic-|login-|greeting-|close-after-|connection-cap|protocol-disabled|imap-certificate)/,
  },
  { title: "Throttling", names: /^(throttle|budget|slow)$/ },
  { title: "Sessions that end or stall", names: /^(token-expiry|session-|stale-|idle-timeout|reset|silence|drip|server-unavailable)/ },
  { title: "Folders", names: /^(localised|unquoted-|no-special-|inbox-|uid|folders-|select-|list-|status-)/ },
  { title: "Commands and messages", names: /^/ },
];

const tokenGroup = "Token endpoint";
const pop3Group = "POP3 alone";

export interface FaultGroup {
  readonly title: string;
  readonly faults: readonly { readonly name: FaultName; readonly spec: FaultSpec }[];
}

/** Every fault once, by what it is about. */
export function faultGroups(): readonly FaultGroup[] {
  const all = Object.entries(faultCatalogue).map(([name, spec]): FaultGroup["faults"][number] => ({ name: name as FaultName, spec }));
  return [tokenGroup, ...mailGroups.map((group) => group.title), pop3Group].map((title) => ({
    title,
    faults: all.filter(({ name, spec }) => groupOf(name, spec.side) === title),
  }));
}

function groupOf(name: string, side: FaultSpec["side"]): string {
  if (side === "token") return tokenGroup;
  if (side === "pop3") return pop3Group;
  return mailGroups.find(({ names }) => names.test(name))?.title ?? pop3Group;
}

const protocolNames = { imap: "over IMAP", pop3: "over POP3" } as const;

/** `contoso`, `ap@fabrikam.example, INBOX, UID 7`, `over POP3`, `everywhere` */
export function faultPlace({ tenant, mailbox, folder, uid, protocol }: FaultOrder): string {
  const shown = [tenant, mailbox, folder, uid === undefined ? undefined : `UID ${String(uid)}`, protocol && protocolNames[protocol]];
  const parts = shown.filter((part) => part !== undefined);
  return parts.length === 0 ? "everywhere" : parts.join(", ");
}
