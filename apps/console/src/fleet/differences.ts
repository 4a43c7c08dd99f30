import type { FleetSummary, MailboxRow } from "@mailfleet/core/console";

/** Members that are large, and change nearly every second: told less often, so that a stream stays small. */
const slowMembers: ReadonlySet<keyof FleetSummary> = new Set<keyof FleetSummary>(["tenants", "ages"]);

/** Members of the summary that a patch tells, whole. @param withSlow the large ones as well */
export function differingMembers(before: FleetSummary, after: FleetSummary, withSlow: boolean): Partial<FleetSummary> {
  const names = (Object.keys(after) as (keyof FleetSummary)[]).filter((name) => withSlow || !slowMembers.has(name));
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return Object.fromEntries(changed.map((name) => [name, after[name]]));
}

/** Something that was told is not there any more, which members that changed cannot tell: what holds the intake back, for one. */
export function hasEnded(before: FleetSummary, after: FleetSummary): boolean {
  return Object.keys(before).some((name) => !(name in after));
}

/** Nothing differs but what news carry. */
export function isQuick(before: MailboxRow, after: MailboxRow): boolean {
  if (before.state === after.state && before.checkedAt === after.checkedAt && before.nextAt === after.nextAt) return false;
  return (
    before.cause?.since === after.cause?.since &&
    before.cause?.tries === after.cause?.tries &&
    before.cause?.nextAt === after.cause?.nextAt &&
    before.causeId === after.causeId &&
    before.parkedBy?.at === after.parkedBy?.at &&
    before.mode === after.mode &&
    before.hasHistory === after.hasHistory &&
    before.ledger.listed === after.ledger.listed &&
    before.ledger.handedOff === after.ledger.handedOff &&
    before.ledger.toDo === after.ledger.toDo &&
    before.ledger.quarantined === after.ledger.quarantined &&
    before.ledger.excluded === after.ledger.excluded
  );
}
