import type { FaultSpec } from "./fault-spec.ts";
import { milliseconds, words } from "./param-kinds.ts";

/** Answers of IMAP that are not what they should be (field guide 3.2 to 3.4). */
export const imapCommandFaults = {
  "select-missing": {
    side: "imap",
    says: "SELECT and EXAMINE of the ordered folder, or of INBOX, are answered `NO INBOX doesn't exist.`, as where a stray folder named Inbox stands beside it.",
    params: {},
  },
  "bare-codes": {
    side: "imap",
    says: "SELECT and EXAMINE bring response codes as untagged lines without `OK`.",
    params: {},
  },
  "search-slow": {
    side: "imap",
    says: "SEARCH takes its time; text searches were seen to take ten minutes.",
    params: { ms: milliseconds(30_000, "how long") },
  },
  "search-wrong": {
    side: "imap",
    says: "SEARCH answers OK and wrongly.",
    params: {
      form: words(
        ["empty", "lagging", "over-match"],
        "nothing is found; the newest message is missing, as in a lagging index; everything is found",
      ),
    },
  },
  "list-broken": {
    side: "imap",
    says: "The LIST line of the ordered folder cannot be parsed; where no folder is ordered, a line of no folder is added.",
    params: { form: words(["parenthesis", "tab"], "a parenthesis is missing, or the name has a tab and is not quoted") },
  },
  "status-empty": {
    side: "imap",
    says: "STATUS is answered OK without data.",
    params: {},
  },
  "idle-late": {
    side: "imap",
    occurs: "lasts",
    says: "In IDLE, changes are told late. Exchange takes up to ten seconds.",
    params: { ms: milliseconds(10_000, "how late") },
  },
  "copyuid-empty": {
    side: "imap",
    says: "COPY and MOVE answer with a COPYUID code whose sets are empty.",
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
