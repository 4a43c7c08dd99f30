/** The beginning of a message. */
export interface Head {
  readonly bytes: Uint8Array;
  /** Fields are missing: the header goes on behind these bytes. */
  readonly isCut: boolean;
}

/** The header with the empty line behind it, or its first `most` bytes. What else there is of the message is left. */
export async function readHead(pieces: AsyncIterable<Uint8Array>, most: number): Promise<Head> {
  let all: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    all = Buffer.concat([all, piece]);
    const end = headerEnd(all);
    if (end !== undefined || all.length >= most) {
      return { bytes: all.subarray(0, Math.min(end ?? most, most)), isCut: end === undefined || end > most };
    }
  }
  return { bytes: all, isCut: false };
}

/** Behind the empty line; undefined while none has come. A message can begin with it. */
function headerEnd(bytes: Buffer): number | undefined {
  if (bytes.subarray(0, 2).equals(crlf)) return crlf.length;
  const at = bytes.indexOf(emptyLine);
  return at === -1 ? undefined : at + emptyLine.length;
}

const crlf = Buffer.from("\r\n");
const emptyLine = Buffer.from("\r\n\r\n");
