import type { FaultSpec } from "./fault-spec.ts";
import { count } from "./param-kinds.ts";

/** What is wrong with messages (field guide 3.5). Each may be ordered for one UID, a folder, a mailbox or more. */
export const imapContentFaults = {
  placeholder: {
    side: "imap",
    reach: "message",
    says: "FETCH brings, with OK, the forged message of an item that cannot be converted, in place of the message's content.",
    params: {},
  },
  "no-data": {
    side: "imap",
    reach: "message",
    says: "FETCH of content is answered OK without a line for the message.",
    params: {},
  },
  "partial-no": {
    side: "imap",
    reach: "message",
    says: "FETCH of content leaves the message out and ends with `NO Some of the requested messages no longer exist.`",
    params: {},
  },
  padded: {
    side: "imap",
    reach: "message",
    says: "The message's content is as long as is wanted, with base64 behind its own end.",
    params: { bytes: count(50_000_000, "how long it is", 1, 1e13), announced: count(0, "its RFC822.SIZE; 0 for the true one") },
  },
  "size-factor": {
    side: "imap",
    reach: "message",
    occurs: "lasts",
    says: "RFC822.SIZE is so many times what it would be. Exchange's is an estimate; three times too much was seen on every message.",
    params: { factor: { kind: "number", low: 0, high: 1_000, default: 3, says: "0 makes all sizes 0" } },
  },
  rerendered: {
    side: "imap",
    reach: "message",
    occurs: "lasts",
    says:
      "Messages are rendered anew in each connection: other boundaries and other line breaks in the header, so that bytes differ from one " +
      "connection to the next and the meaning does not.",
    params: {},
  },
  "flags-inside": {
    side: "imap",
    reach: "message",
    says: "A FETCH answer has lines with nothing but FLAGS in it, which nobody asked for.",
    params: {},
  },
  "attributes-shuffled": {
    side: "imap",
    reach: "message",
    says: "The attributes of a FETCH line come in another order than they were asked for, and in another one for each message.",
    params: {},
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
