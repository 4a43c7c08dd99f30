import {
  type AccessToken,
  letGo,
  type MimeParser,
  type ParsedAttachment,
  type ParsedMessage,
  type ParseResult,
  Secret,
  type TokenSource,
  writeMessage,
  type WrittenResult,
} from "@mailfleet/core";

const tokenLifeMs = 3_600_000;

/** A token for any tenant; another one for a caller whose token was refused. */
export function createMemoryTokenSource(now: () => number): TokenSource {
  const serials = new Map<string, number>();
  return {
    async getToken(tenant, options): Promise<AccessToken> {
      options?.signal?.throwIfAborted();
      const serial = (serials.get(tenant) ?? 1) + (options?.rejected === undefined ? 0 : 1);
      serials.set(tenant, serial);
      return { value: new Secret(`token-${serial}-of-${tenant}`), expiresAt: now() + tokenLifeMs };
    },
  };
}

/**
 * Reads header lines and a plain body, always the same way. Two header fields are orders to it: `X-Unparseable` gives the reason why
 * the message cannot be read, `X-Attachment` the text of an attachment.
 */
export const plainParser: MimeParser = {
  name: "plain",
  version: "1",
  parse: (bytes) => Promise.resolve(written(parsePlain(bytes))),
  async parseStream(source, keep) {
    const pieces: Uint8Array[] = [];
    for await (const piece of source.open()) pieces.push(piece);
    const parsed = parsePlain(Buffer.concat(pieces));
    if (!parsed.ok) return parsed;
    const attachments: ParsedAttachment[] = [];
    for (const { content, ...about } of parsed.message.attachments) {
      const writer = keep();
      await writer.write(content as Uint8Array);
      attachments.push({ ...about, content: await writer.end() });
    }
    return written({ ok: true, message: { ...parsed.message, attachments } });
  },
};

function written(parsed: ParseResult): WrittenResult {
  if (!parsed.ok) return parsed;
  const message = writeMessage(parsed.message);
  return { ok: true, message: { ...message, letGo: () => letGo(message.json) } };
}

function parsePlain(bytes: Uint8Array): ParseResult {
  const source = Buffer.from(bytes).toString("utf8");
  const split = source.indexOf("\r\n\r\n");
  const head = split < 0 ? source : source.slice(0, split);
  const headers = head.split("\r\n").map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const field = (name: string): string | undefined => headers.find(([one]) => one.toLowerCase() === name)?.[1];
  const reason = field("x-unparseable");
  if (reason !== undefined) return { ok: false, reason };
  const [subject, messageId, attachment] = [field("subject"), field("message-id"), field("x-attachment")];
  const message: ParsedMessage = {
    ...(messageId !== undefined && { messageId }),
    ...(subject !== undefined && { subject }),
    ...{ references: [], from: [], to: [], cc: [], bcc: [], replyTo: [], sender: [] },
    headers,
    text: split < 0 ? "" : source.slice(split + 4),
    attachments: attachment === undefined ? [] : [{ filename: "a.txt", contentType: "text/plain", content: Buffer.from(attachment) }],
    defects: [],
  };
  return { ok: true, message };
}

/** A worker that lends no slot. */
export const noSlots = { lend: (): undefined => undefined };
