/** A dot behind a line's end. */
const dotLine = Buffer.from("\r\n.");
const dot = Buffer.from(".");
export const lineEnd = Buffer.from("\r\n");

/**
 * A message as RETR sends it, without the line that ends it: a line that begins with a dot gets one more (RFC 1939 section 3). Lines end with
 * CR LF; behind a bare LF or CR nothing is stuffed, as nothing is unstuffed there. A last line without an end is left as it is.
 * The pieces are slices of the message.
 */
export function* stuffed(message: Buffer): Generator<Buffer> {
  let from = 0;
  if (message[0] === 0x2e) yield dot;
  for (let at = message.indexOf(dotLine); at >= 0; at = message.indexOf(dotLine, at + 2)) {
    yield message.subarray(from, at + 3);
    from = at + 2;
  }
  if (from < message.length) yield message.subarray(from);
}

/** What a client has when it has unstuffed a message: Exchange ends a last line that has no end. */
export function withLineEnd(message: Buffer): Buffer {
  return endsLine(message) ? message : Buffer.concat([message, lineEnd]);
}

/** What is to be sent before the end of the last line and the dot, which come together. */
export function withoutLineEnd(message: Buffer): Buffer {
  return endsLine(message) ? message.subarray(0, -lineEnd.length) : message;
}

function endsLine(message: Buffer): boolean {
  return message.length >= 2 && message[message.length - 2] === 0x0d && message[message.length - 1] === 0x0a;
}
