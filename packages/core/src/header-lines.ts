/** A line of a header, without its end, as offsets into the bytes. */
export interface HeaderLine {
  readonly from: number;
  readonly stop: number;
}

const [lf, cr] = [10, 13];

/**
 * The lines up to the empty one, or up to `mostBytes`, ended by LF or CRLF. They are not read: of a header's fifty lines nearly all are
 * told apart by their first letter.
 */
export function* headerLines(bytes: Uint8Array, mostBytes: number): Generator<HeaderLine, void, void> {
  const end = Math.min(bytes.length, mostBytes);
  let from = 0;
  while (from < end) {
    let to = bytes.indexOf(lf, from);
    if (to === -1 || to > end) to = end;
    const stop = to > from && bytes[to - 1] === cr ? to - 1 : to;
    if (stop === from) return;
    yield { from, stop };
    from = to + 1;
  }
}

/** Bytes as Latin-1, which loses none. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4_096) text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
  return text;
}
