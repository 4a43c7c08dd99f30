import { z } from "zod";

/** The name that every event carries in `schema`. */
export const contractName = "mailfleet.event/1";

/**
 * The contract of the `messages` queue as a zod schema (design: docs of the event contract). Within version 1 fields, event types,
 * codes and defect words may be added, never changed or removed: objects are loose, and words that may grow are plain strings.
 * Built at the first call.
 */
export function eventContract(): EventContract {
  built ??= buildContract();
  return built;
}

export type EventContract = ReturnType<typeof buildContract>;

/** An event as consumers see it: known fields typed, unknown ones let through. */
export type ContractEvent = z.output<EventContract>;

/** Every type of this version; consumers skip types they do not know. */
export const eventTypes = [
  "message.added",
  "message.quarantined",
  "folder.reset",
  "mailbox.parked",
  "mailbox.resumed",
  "message.flags",
  "message.removed",
  "message.rekeyed",
] as const satisfies readonly ContractEvent["type"][];

let built: EventContract | undefined;

function buildContract() {
  const instant = z.string().describe("ISO 8601 UTC");
  const code = z.string().describe("one of a set of words that may grow");

  const blob = {
    ref: z.string().describe("opaque; opened by the SDK or by the rules of the blob store"),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    size: z.int().min(0).describe("bytes"),
  };
  const pointer = z.looseObject(blob);
  const address = z.looseObject({
    name: z.string().describe("decoded display name, empty when there is none"),
    address: z.string().describe("addr-spec, empty for a group without members"),
    group: z.string().optional().describe("name of the RFC 5322 group the address stands in"),
  });
  const addresses = z.array(address);

  const message = z.looseObject({
    messageId: z.string().optional(),
    inReplyTo: z.string().optional(),
    references: z.array(z.string()),
    subject: z.string().optional(),
    date: instant.optional().describe("of the Date field, ISO 8601 UTC; absent when missing or unreadable"),
    from: addresses,
    to: addresses,
    cc: addresses,
    bcc: addresses,
    replyTo: addresses,
    sender: addresses,
    headers: z
      .array(z.tuple([z.string(), z.string()]))
      .describe("every header field in order: name as written, value unfolded, not decoded"),
    text: z.string().optional().describe("inline up to 64 KB"),
    html: z.string().optional().describe("as the sender wrote it: never trust it; inline up to 64 KB"),
    textRef: pointer.optional().describe("in place of `text`"),
    htmlRef: pointer.optional().describe("in place of `html`"),
    attachments: z.array(
      z.looseObject({
        ...blob,
        filename: z.string().optional().describe("the sender's words, never a path"),
        contentType: z.string(),
        disposition: z.string().optional(),
        contentId: z.string().optional().describe("without angle brackets, as in cid: links"),
      }),
    ),
    defects: z.array(z.string()).optional().describe("what was odd about the message, as words of a set that may grow"),
    overflow: z
      .looseObject({ ...blob, fields: z.array(z.string()) })
      .optional()
      .describe("present when the event would be over 256 KB: the whole `message` as JSON; `fields` names what is cut here"),
  });

  const event = {
    schema: z.literal(contractName),
    key: z.string().min(1).describe("names the message for ever: the same message in its folder always has the same key, no other has it"),
    tenant: z.string(),
    mailbox: z.string(),
    protocol: z.enum(["imap", "pop3"]),
    at: instant.describe("when mailfleet made the event, ISO 8601 UTC"),
    lane: z.enum(["fresh", "backfill"]),
  };
  const folder = z.looseObject({
    path: z.string(),
    role: z.enum(["inbox", "sent", "drafts", "trash", "junk", "archive"]).optional(),
  });
  const place = {
    folder,
    uid: z.int().min(1).max(0xffff_ffff).optional().describe("absent for POP3"),
    uidValidity: z.string().optional().describe("decimal digits; absent for POP3"),
    uidl: z.string().optional().describe("POP3 only; absent for a message that is gone, where no more than a digest of it was kept"),
  };
  const change = z.int().min(0).describe("of two events about one message the one with the higher number is the later");
  const quarantine = z.looseObject({ code, reason: z.string() });
  const facts = {
    ...event,
    ...place,
    flags: z.array(z.string()),
    internalDate: instant.optional(),
    resync: z.literal(true).optional().describe("handed off again after a folder.reset"),
    replayed: z.literal(true).optional().describe("handed off again by an operator, from what was stored: the key came before"),
    parser: z.looseObject({ name: z.string(), version: z.string() }),
  };

  return z.discriminatedUnion("type", [
    z.looseObject({ ...facts, type: z.literal("message.added"), raw: pointer, message, quarantine: quarantine.optional() }),
    z.looseObject({ ...facts, type: z.literal("message.quarantined"), raw: pointer.optional(), quarantine }),
    z.looseObject({
      ...event,
      type: z.literal("folder.reset"),
      folder,
      uidValidity: z.string().describe("empty for POP3, which has none"),
      previousUidValidity: z.string().describe("empty where the mailbox was read over POP3 before"),
      generation: z.int().min(0),
    }),
    z.looseObject({ ...event, type: z.literal("mailbox.parked"), cause: z.looseObject({ code, reason: z.string() }) }),
    z.looseObject({ ...event, type: z.literal("mailbox.resumed"), cause: z.looseObject({ code }) }),
    z
      .looseObject({
        ...event,
        ...place,
        type: z.literal("message.flags"),
        messageId: z.string().optional(),
        flags: z.array(z.string()).describe("all of them, not the difference"),
        change,
        isBack: z.literal(true).optional().describe("the message had been told as removed, and is listed again"),
      })
      .describe("the message that `key` names has these flags now"),
    z
      .looseObject({ ...event, ...place, type: z.literal("message.removed"), messageId: z.string().optional(), change })
      .describe(
        "the message that `key` names is no longer in its folder: deleted, or moved (then it is added elsewhere under the same messageId)",
      ),
    z
      .looseObject({
        ...event,
        ...place,
        type: z.literal("message.rekeyed"),
        previousKey: z.string(),
        messageId: z.string().optional(),
        flags: z.array(z.string()),
        resync: z.literal(true),
        raw: pointer.optional(),
      })
      .describe("the message known as `previousKey` is `key` from now on; its content did not change"),
  ]);
}
