const [lf, cr] = [10, 13];

/**
 * The lines up to the empty one, or up to `mostBytes`, ended by LF or CRLF, each as offsets into the bytes without its end. They are not
 * read: of a header's fifty lines nearly all are told apart by their first letter.
 *
 * @param visit ends the walk by answering true
 */
export function walkHeaderLines(bytes: Uint8Array, mostBytes: number, visit: (from: number, stop: number) => boolean): void {
  const end = Math.min(bytes.length, mostBytes);
  let from = 0;
  while (from < end) {
    let to = bytes.indexOf(lf, from);
    if (to === -1 || to > end) to = end;
    const stop = to > from && bytes[to - 1] === cr ? to - 1 : to;
    if (stop === from || visit(from, stop)) return;
    from = to + 1;
  }
}

/** Bytes as Latin-1, which loses none. */
export function latin1(bytes: Uint8Array, from = 0, stop = bytes.length): string {
  let text = "";
  for (let at = from; at < stop; at += 4_096) text += unitsOf(bytes.subarray(at, Math.min(stop, at + 4_096)));
  return text;
}

/** Three times as fast as to spread the bytes into arguments, which takes an iterator over them. */
function unitsOf(bytes: Uint8Array): string {
  return String.fromCharCode.apply(undefined, bytes as unknown as number[]);
}
