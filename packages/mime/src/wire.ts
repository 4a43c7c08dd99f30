import type { MailAddress, ParsedAttachment, ParseResult } from "@mailfleet/core";

/**
 * How a batch crosses the thread border, cheap on both sides: attachment bytes lie in one buffer that is transferred, the many
 * header strings travel as one string (they hold no NUL), the other small fields as one JSON text. A structured clone of the plain
 * results costs several times as much, because it writes every property name of every address and header.
 */
export interface WireBatch {
  readonly slab: ArrayBuffer;
  readonly items: readonly WireItem[];
}

export type WireItem =
  | string
  | readonly [head: string, headers: string, text: string | undefined, html: string | undefined, cut: string | undefined];

/** The fields of `head`, by place. */
type Head = readonly [
  messageId: string | null,
  inReplyTo: string | null,
  references: readonly string[],
  subject: string | null,
  date: string | null,
  from: readonly MailAddress[],
  to: readonly MailAddress[],
  cc: readonly MailAddress[],
  bcc: readonly MailAddress[],
  replyTo: readonly MailAddress[],
  sender: readonly MailAddress[],
  attachments: readonly WireAttachment[],
  defects: readonly string[],
];

type WireAttachment = readonly [
  size: number,
  contentType: string,
  filename: string | null,
  disposition: string | null,
  contentId: string | null,
];

export function packBatch(results: readonly ParseResult[]): WireBatch {
  let size = 0;
  for (const result of results) if (result.ok) for (const one of result.message.attachments) size += bytesOf(one).byteLength;
  const slab = new Uint8Array(size);
  let at = 0;
  const items = results.map((result): WireItem => {
    if (!result.ok) return result.reason;
    const { message } = result;
    const attachments = message.attachments.map((attachment): WireAttachment => {
      const { contentType, filename, disposition, contentId } = attachment;
      const content = bytesOf(attachment);
      slab.set(content, at);
      at += content.byteLength;
      return [content.byteLength, contentType, filename ?? null, disposition ?? null, contentId ?? null];
    });
    const head: Head = [
      message.messageId ?? null,
      message.inReplyTo ?? null,
      message.references,
      message.subject ?? null,
      message.date ?? null,
      message.from,
      message.to,
      message.cc,
      message.bcc,
      message.replyTo,
      message.sender,
      attachments,
      message.defects,
    ];
    const headers = message.headers.map(([name, value]) => `${name}\0${value}`).join("\0");
    return [JSON.stringify(head), headers, message.text, message.html, result.cut];
  });
  return { slab: slab.buffer, items };
}

/** Messages of a batch hold their attachments; only a streamed one has them elsewhere. */
function bytesOf({ content }: ParsedAttachment): Uint8Array {
  if (content instanceof Uint8Array) return content;
  throw new TypeError("an attachment of a batch lies elsewhere");
}

/** The attachments' bytes are views of the batch's buffer. */
export function unpackBatch(batch: WireBatch): ParseResult[] {
  let at = 0;
  return batch.items.map((item): ParseResult => {
    if (typeof item === "string") return { ok: false, reason: item };
    const [headText, headerText, text, html, cut] = item;
    const head = JSON.parse(headText) as Head;
    const [messageId, inReplyTo, references, subject, date, from, to, cc, bcc, replyTo, sender, attachments, defects] = head;
    return {
      ok: true,
      ...(cut !== undefined && { cut }),
      message: {
        ...(messageId !== null && { messageId }),
        ...(inReplyTo !== null && { inReplyTo }),
        references,
        ...(subject !== null && { subject }),
        ...(date !== null && { date }),
        from,
        to,
        cc,
        bcc,
        replyTo,
        sender,
        headers: unpackHeaders(headerText),
        ...(text !== undefined && { text }),
        ...(html !== undefined && { html }),
        attachments: attachments.map(([size, contentType, filename, disposition, contentId]): ParsedAttachment => {
          const content = new Uint8Array(batch.slab, at, size);
          at += size;
          return {
            ...(filename !== null && { filename }),
            contentType,
            ...(disposition !== null && { disposition }),
            ...(contentId !== null && { contentId }),
            content,
          };
        }),
        defects,
      },
    };
  });
}

function unpackHeaders(text: string): [string, string][] {
  if (text === "") return [];
  const pieces = text.split("\0");
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < pieces.length; i += 2) headers.push([pieces[i] as string, pieces[i + 1] as string]);
  return headers;
}
