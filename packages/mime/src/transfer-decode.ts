const [lf, cr] = [0x0a, 0x0d];

/**
 * Equal to libbase64 on what it does not decline. Undefined for padding with data behind it, which libbase64 takes for a new beginning, and for the URL-safe alphabet, which Node
 * reads and libbase64 skips. Both skip all other characters.
 */
export function decodeBase64(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const text = bytes.toString("latin1", start, end);
  if (text.includes("-") || text.includes("_")) return undefined;
  const padding = text.indexOf("=");
  if (padding >= 0 && !/^[=\r\n\t ]*$/.test(text.slice(padding))) return undefined;
  return Buffer.from(text, "base64");
}

/**
 * The bytes of a range with LF for each CRLF.
 * @param out at least as long as the range; may be the range itself. The result is a view of it
 */
export function copyWithoutCr(bytes: Buffer, start: number, end: number, out: Buffer): Buffer {
  let gone = 0;
  for (let at = start; at < end; at++) {
    const char = bytes[at] as number;
    if (char === lf && at > start && bytes[at - 1] === cr) gone++;
    out[at - start - gone] = char;
  }
  return out.subarray(0, end - start - gone);
}
