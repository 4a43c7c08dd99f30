import type { FaultSpec } from "./fault-spec.ts";
import { count } from "./param-kinds.ts";

/** What is wrong with messages (field guide 3.5). Each may be ordered for one UID, a folder, a mailbox or more. */
export const contentFaults = {
  placeholder: {
    side: "mail",
    reach: "message",
    says: "FETCH and RETR bring, with OK, the forged message of an item that cannot be converted, in place of the message's content.",
    params: {},
  },
  padded: {
    side: "mail",
    reach: "message",
    says: "The message's content is as long as is wanted, with base64 behind its own end.",
    params: {
      bytes: count(50_000_000, "how long it is", 1, 1e13),
      announced: count(0, "its RFC822.SIZE, or size in LIST; 0 for the true one"),
    },
  },
  "size-factor": {
    side: "mail",
    reach: "message",
    occurs: "lasts",
    says: "RFC822.SIZE, and the size in LIST, is so many times what it would be. Exchange's is an estimate; three times too much was seen on every message.",
    params: { factor: { kind: "number", low: 0, high: 1_000, default: 3, says: "0 makes all sizes 0" } },
  },
  rerendered: {
    side: "mail",
    reach: "message",
    occurs: "lasts",
    says:
      "Messages are rendered anew in each connection: other boundaries and other line breaks in the header, so that bytes differ from one " +
      "connection to the next and the meaning does not.",
    params: {},
  },
  "uidvalidity-bump": {
    side: "mail",
    occurs: "once",
    says:
      "The ordered folder, or every folder of the mailbox, gets a new UIDVALIDITY and its messages new UIDs, as after " +
      "a restore or a migration. Sessions on it are closed.",
    params: {},
  },
  "uidnext-rollback": {
    side: "mail",
    occurs: "once",
    says:
      "The newest messages of the ordered folder, or of INBOX, are gone, and UIDNEXT goes back behind those that " +
      "stay, under the same UIDVALIDITY; UIDs are dealt again. Sessions on it are closed.",
    params: { messages: count(3, "how many go", 1) },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
