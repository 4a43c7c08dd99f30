import type { AttachmentEvent, BlobPointer, MailAddress, MessageAdded, MessageContent } from "./event.ts";
import { limits } from "./limits.ts";
import { cutText, isLongerInUtf8, utf8Length } from "./utf8.ts";

type Put = (kind: "text" | "html" | "overflow", bytes: Uint8Array) => BlobPointer;

/**
 * What each list of a message may take of an event that is too large, in UTF-8 bytes of JSON. Together 170 kB: with both bodies by
 * reference, 85 kB stay for key, mailbox, folder and pointers.
 */
const budgets = {
  headers: 48 * 1024,
  addresses: 10 * 1024,
  attachments: 32 * 1024,
  references: 8 * 1024,
  defects: 2 * 1024,
} as const;

/** Units of one long string in such an event. */
const cuts = { subject: 1_000, id: 1_000, date: 40, headerName: 200, headerValue: 2_000, addressPart: 400, attachmentPart: 255 } as const;

/** True when the event as JSON has more than `limits.eventBytes` bytes in UTF-8. */
function isTooLarge(event: MessageAdded): boolean {
  return isLongerInUtf8(JSON.stringify(event), limits.eventBytes);
}

/**
 * Makes an event fit into `limits.eventBytes`: first bodies go by reference whose JSON is far longer than they are (control
 * characters), then lists and long strings are cut, with the whole content as JSON behind `overflow`, then the bodies go too.
 * @throws RangeError when what is no message content is too large already; folder paths and keys are bounded where they are read
 */
export function fitEvent(event: MessageAdded, put: Put): MessageAdded {
  const bodies = moveBodies(event.message, (body) => utf8Length(JSON.stringify(body)) > 1.5 * limits.inlineBodyBytes, put);
  const moved = { ...event, message: bodies };
  if (!isTooLarge(moved)) return moved;

  let message = cutContent(bodies, put);
  for (const next of ["html", "text", undefined] as const) {
    const candidate = { ...event, message };
    if (!isTooLarge(candidate)) return candidate;
    message = moveBodies(message, (_, field) => field === next, put);
  }
  throw new RangeError(`an event of ${event.mailbox} cannot be made to fit: its key, folder or flags are too long`);
}

function moveBodies(message: MessageContent, shouldMove: (body: string, field: "text" | "html") => boolean, put: Put): MessageContent {
  const { text, html, ...rest } = message;
  const encoder = new TextEncoder();
  return {
    ...rest,
    ...(text !== undefined && (shouldMove(text, "text") ? { textRef: put("text", encoder.encode(text)) } : { text })),
    ...(html !== undefined && (shouldMove(html, "html") ? { htmlRef: put("html", encoder.encode(html)) } : { html })),
  };
}

function cutContent(message: MessageContent, put: Put): MessageContent {
  const overflow = put("overflow", new TextEncoder().encode(JSON.stringify(message)));
  const fields: string[] = [];
  const cutString = (field: "messageId" | "inReplyTo" | "subject" | "date", units: number): object => {
    const value = message[field];
    if (value === undefined || value.length <= units) return {};
    fields.push(field);
    return { [field]: cutText(value, units) };
  };
  const cutTo = <T>(field: keyof MessageContent, list: readonly T[], budget: number, shorten: (item: T) => T): readonly T[] => {
    const kept = keepWithin(list, budget, shorten);
    if (kept !== list) fields.push(field);
    return kept;
  };
  const addresses = (field: "from" | "to" | "cc" | "bcc" | "replyTo" | "sender"): readonly MailAddress[] =>
    cutTo(field, message[field], budgets.addresses, shortenAddress);
  const smaller: MessageContent = {
    ...message,
    ...cutString("messageId", cuts.id),
    ...cutString("inReplyTo", cuts.id),
    ...cutString("subject", cuts.subject),
    ...cutString("date", cuts.date),
    references: cutTo("references", message.references, budgets.references, (id) => cutText(id, cuts.id)),
    from: addresses("from"),
    to: addresses("to"),
    cc: addresses("cc"),
    bcc: addresses("bcc"),
    replyTo: addresses("replyTo"),
    sender: addresses("sender"),
    headers: cutTo("headers", message.headers, budgets.headers, ([name, value]) => [
      cutText(name, cuts.headerName),
      cutText(value, cuts.headerValue),
    ]),
    attachments: cutTo("attachments", message.attachments, budgets.attachments, shortenAttachment),
    ...(message.defects && { defects: cutTo("defects", message.defects, budgets.defects, (word) => cutText(word, cuts.attachmentPart)) }),
  };
  return { ...smaller, overflow: { ...overflow, fields } };
}

/** The list itself when it fits as it is; else its first members, long strings in them cut. */
function keepWithin<T>(list: readonly T[], budget: number, shorten: (item: T) => T): readonly T[] {
  if (!isLongerInUtf8(JSON.stringify(list), budget)) return list;
  const kept: T[] = [];
  let used = 2;
  for (const item of list) {
    const short = shorten(item);
    used += utf8Length(JSON.stringify(short)) + 1;
    if (used > budget) break;
    kept.push(short);
  }
  return kept;
}

function shortenAddress({ name, address, group }: MailAddress): MailAddress {
  return {
    name: cutText(name, cuts.addressPart),
    address: cutText(address, cuts.addressPart),
    ...(group !== undefined && { group: cutText(group, cuts.addressPart) }),
  };
}

function shortenAttachment(attachment: AttachmentEvent): AttachmentEvent {
  const { filename, disposition, contentId } = attachment;
  return {
    ...attachment,
    contentType: cutText(attachment.contentType, cuts.attachmentPart),
    ...(filename !== undefined && { filename: cutText(filename, cuts.attachmentPart) }),
    ...(disposition !== undefined && { disposition: cutText(disposition, cuts.attachmentPart) }),
    ...(contentId !== undefined && { contentId: cutText(contentId, cuts.attachmentPart) }),
  };
}
