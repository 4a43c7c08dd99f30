/** One entry of an address field, before its name is decoded. */
export interface PlainAddress {
  readonly name: string;
  readonly address: string;
}

/** An addr-spec that every grammar reads alike: no quotes, comments, domain literal or encoded word (no `?`), and no domain in punycode. */
const spec = "[A-Za-z0-9!#$%&'*+/=^_`{|}~.-]+@(?!xn--)[A-Za-z0-9.-]+";
/**
 * A bare address, or one in angle brackets behind nothing, a quoted string without escapes, or words without any character that has
 * a meaning in an address field; then a comma or the end.
 */
const entry = new RegExp(
  // oxlint-disable-next-line no-control-regex -- the address parser drops them
  `(?:(${spec})|(?:"([^"\\\\\\x00-\\x1f]*)"\\s*|([^"(),:;<>[\\]\\\\\\x00-\\x1f]*))<(${spec})>)\\s*(?:,\\s*|$)`,
  "y",
);

/** The entries of nearly every address field, or undefined for one that needs the address parser. Linear time. */
export function readPlainAddresses(value: string): PlainAddress[] | undefined {
  const list: PlainAddress[] = [];
  entry.lastIndex = 0;
  while (entry.lastIndex < value.length) {
    const match = entry.exec(value);
    if (match === null) return undefined;
    const [, bare, quoted, words, bracketed] = match;
    const address = bare ?? bracketed ?? "";
    const name = (quoted ?? words ?? "").trim();
    // the address parser takes a name that is its own address for none
    list.push({ name: name === address ? "" : name, address });
  }
  return list;
}
