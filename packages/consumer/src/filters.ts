import type { EventOf, EventType, MailfleetEvent } from "./event.ts";

/** What a handler wants. What it does not want is acknowledged unread: the queue gives each event to one consumer. */
export interface Filters<Type extends EventType> {
  /** Default all. */
  readonly types?: readonly Type[];
  /** Aliases of tenants. */
  readonly tenants?: readonly string[];
  /** Addresses, in which `*` stands for anything: `support@*`. Case does not matter. */
  readonly mailboxes?: readonly string[];
  /** Roles (`inbox`) or paths, in which `*` stands for anything (`Projects/*`). Events without a folder pass. */
  readonly folders?: readonly string[];
  readonly lane?: "fresh" | "backfill";
  /** Anything else. What it throws counts as a failure of the handler. */
  readonly where?: (event: EventOf<Type>) => boolean;
}

export function createFilter<Type extends EventType>(filters: Filters<Type>): (event: MailfleetEvent) => event is EventOf<Type> {
  const types = filters.types && new Set<string>(filters.types);
  const tenants = filters.tenants && new Set(filters.tenants);
  const isMailbox = filters.mailboxes && matcher(filters.mailboxes, "i");
  const isFolder = filters.folders && matcher(filters.folders, "");
  const folders = new Set(filters.folders);
  return (event): event is EventOf<Type> => {
    if (types && !types.has(event.type)) return false;
    if (tenants && !tenants.has(event.tenant)) return false;
    if (filters.lane && event.lane !== filters.lane) return false;
    if (isMailbox && !isMailbox(event.mailbox)) return false;
    if (isFolder && "folder" in event) {
      const { path, role } = event.folder;
      if (!(role !== undefined && folders.has(role)) && !isFolder(path)) return false;
    }
    return filters.where?.(event as EventOf<Type>) ?? true;
  };
}

function matcher(patterns: readonly string[], flags: string): (text: string) => boolean {
  const rules = patterns.map((pattern) => new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`, `s${flags}`));
  return (text) => rules.some((rule) => rule.test(text));
}

function escaped(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
}
