const [lf, cr] = [0x0a, 0x0d];

/** Node reads this alphabet too, libbase64 skips it. */
const urlSafe = /[-_]+/g;
const noBase64 = /^[=\r\n\t ]*$/;

/**
 * Base64 as libbase64 decodes it, which mailparser does it by: padding ends a segment, and the next one begins behind it, as lists append
 * their footers; whatever is no base64 is skipped.
 */
export function decodeBase64(bytes: Buffer, start: number, end: number): Buffer {
  const read = bytes.toString("latin1", start, end);
  const text = read.includes("-") || read.includes("_") ? read.replace(urlSafe, "") : read;
  const padding = text.indexOf("=");
  if (padding < 0 || noBase64.test(text.slice(padding))) return Buffer.from(text, "base64");
  return decodeSegments(text, padding);
}

/** Into one buffer: a body may have padding in each line, or anywhere else. */
function decodeSegments(text: string, firstPadding: number): Buffer {
  const out = Buffer.allocUnsafe(Math.floor((text.length * 3) / 4));
  let size = 0;
  let from = 0;
  for (let at = firstPadding; at >= 0; at = text.indexOf("=", from)) {
    if (at > from) size += out.write(text.slice(from, at), size, "base64");
    from = at + 1;
  }
  return out.subarray(0, size + out.write(text.slice(from), size, "base64"));
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
