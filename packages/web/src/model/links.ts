import { ageBuckets, everyMailbox, mailboxQueryParams } from "@mailfleet/core/browser";
import type { MailboxQuery, MailboxSort, StateWord } from "@mailfleet/core/console";

/** Address of a list: the whole state of it, so that a bookmark is a saved view. */
export function listLink(query: Partial<MailboxQuery>): string {
  const params = new URLSearchParams(
    mailboxQueryParams({ ...everyMailbox, ...query }).map(([name, value]): [string, string] => [name, value]),
  );
  return params.size === 0 ? "/mailboxes" : `/mailboxes?${readable(params)}`;
}

export function stateLink(state: StateWord, tenant?: string): string {
  return listLink({ states: [state], ...(tenant !== undefined && { tenants: [tenant] }) });
}

export function tenantLink(alias: string): string {
  return `/tenants/${encodeURIComponent(alias)}`;
}

export function causeLink(id: string): string {
  return `/causes/${encodeURIComponent(id)}`;
}

/** The list behind one bar of "last checked". */
export function bucketLink(index: number, tenant?: string): string {
  const bucket = ageBuckets[index];
  return listLink({
    ...(bucket !== undefined && bucket.fromMs > 0 && { olderThanMs: bucket.fromMs }),
    ...(bucket?.toMs !== undefined && { youngerThanMs: bucket.toMs }),
    ...(tenant !== undefined && { tenants: [tenant] }),
    sort: "age",
  });
}

/** A second choice of the same column turns it round. */
export function sortLink(query: MailboxQuery, sort: MailboxSort): string {
  return listLink({ ...query, sort, isReversed: query.sort === sort && !query.isReversed });
}

/** Two queries that show the same list, whatever the order in their addresses. */
export function isSameQuery(a: MailboxQuery, b: MailboxQuery): boolean {
  return listLink(a) === listLink(b);
}

/** Commas and at signs need no escape in a query, and addresses are read by people. */
function readable(params: URLSearchParams): string {
  return params.toString().replaceAll("%2C", ",").replaceAll("%40", "@");
}
