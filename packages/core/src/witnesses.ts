import { hasUid, type UidSet } from "./uid-set.ts";

/** So many messages of a line are asked for their header until one answers: a TOP each. */
const askedInLine = 10;

/**
 * Which messages of a spool tell by their headers whether a UIDL that is known names another message now: after a restore its numbers are
 * given again, and RFC 1939 section 7 lets any server give the UIDL of a message that is gone to a new one.
 *
 * A list is in the order in which mail came, or in its reverse. What took a known UIDL came after everything that still is what it was. So of
 * the known messages in a list those that were replaced stand together at its newest end, and if there are any, the last one there is
 * one. Which end that is a list does not say: both are asked, unless UIDLs are numbers that rise along it, as Exchange's do with time.
 * Dealt numbers are no help: one that a list left out at first was dealt later than those behind it. Where a list has no order at all the
 * highest number, which was dealt last, is the best guess, and no more than that.
 *
 * @param order UIDs as the server lists them
 * @param known those whose messages are known, whether or not they are listed
 * @param areOwn UIDLs are numbers of the server's own
 * @returns lines: of each the first is to be asked, and the next one only in place of one that says nothing. None where nothing known is listed
 */
export function witnessLines(order: readonly number[], known: UidSet, areOwn: boolean): readonly (readonly number[])[] {
  const listed = order.filter((uid) => hasUid(known, uid));
  if (listed.length === 0) return [];
  const last = listed.slice(-askedInLine).reverse();
  if (areOwn && isRising(order)) return [last];
  const highest = listed.toSorted((a, b) => b - a).slice(0, askedInLine);
  const lines = [last, listed.slice(0, askedInLine), highest];
  return lines.filter(([head], at) => lines.findIndex(([other]) => other === head) === at);
}

function isRising(order: readonly number[]): boolean {
  return order.every((uid, at) => at === 0 || uid > (order[at - 1] as number));
}
