import { flagBits } from "../world/base-folder.ts";

/** In the order in which Exchange lists them. */
const flagNames: readonly (readonly [name: string, bit: number])[] = [
  ["\\Seen", flagBits.seen],
  ["\\Answered", flagBits.answered],
  ["\\Flagged", flagBits.flagged],
  ["\\Deleted", flagBits.deleted],
  ["\\Draft", flagBits.draft],
  ["$MDNSent", flagBits.mdnSent],
];

const texts = new Map<number, string>();

export function formatFlags(bits: number): string {
  let text = texts.get(bits);
  if (text === undefined) {
    text = flagNames
      .filter(([, bit]) => (bits & bit) !== 0)
      .map(([name]) => name)
      .join(" ");
    texts.set(bits, text);
  }
  return text;
}

/** Keywords of a client's own are accepted and dropped, as Exchange does (field guide 3.2). */
export function parseFlags(names: readonly string[]): number {
  let bits = 0;
  for (const name of names) bits |= flagNames.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1] ?? 0;
  return bits;
}
