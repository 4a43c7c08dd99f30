import type { FaultSpec } from "./fault-spec.ts";
import { count, text, words } from "./param-kinds.ts";

/** What only the POP3 server does wrong (field guide 4). */
export const pop3Faults = {
  "auth-logon-failure": {
    side: "pop3",
    reach: "mailbox",
    says:
      "AUTH with a good token is answered `-ERR Logon failure: unknown user name or bad password.`: what a mailbox was told that had asked " +
      "too much, in the words for a wrong password.",
    params: {},
  },
  "pop-pipelining": {
    side: "pop3",
    reach: "mailbox",
    occurs: "lasts",
    says: "CAPA offers PIPELINING, which Exchange never does. Ordered for a tenant or mailbox it shows after the login only.",
    params: {},
  },
  "pop-capabilities": {
    side: "pop3",
    reach: "mailbox",
    occurs: "lasts",
    says: "CAPA shows another list. Ordered for a tenant or mailbox it shows after the login only.",
    params: {
      without: text("", "first words of the lines that are left out, with spaces between them"),
      also: text("", "words that are added, each as a line"),
    },
  },
  "message-hidden": {
    side: "pop3",
    reach: "message",
    occurs: "lasts",
    says: "The message is not in the list, not counted and cannot be had, as an item that Exchange cannot convert. IMAP shows it.",
    params: {},
  },
  "message-corrupted": {
    side: "pop3",
    reach: "message",
    says: "RETR and TOP of the message are answered `-ERR Message corrupted`.",
    params: {},
  },
  "top-refused": {
    side: "pop3",
    says: "TOP is answered `-ERR Protocol error. 19`, although CAPA offers it.",
    params: {},
  },
  "terminator-split": {
    side: "pop3",
    reach: "message",
    says:
      "The end of every answer of many lines comes in two TLS records. It does so now and then without this fault, where the border is " +
      "drawn from the message.",
    params: { at: count(3, "how many bytes of CR LF . CR LF stand in the first record", 0, 4) },
  },
  "terminator-missing": {
    side: "pop3",
    reach: "message",
    says: "A message comes without the line that ends it, and then nothing more.",
    params: {},
  },
  "status-line-huge": {
    side: "pop3",
    says: "The status line of an answer is very long.",
    params: {
      verb: text("STAT", "the command; empty for all"),
      bytes: count(10_000_000, "how long it is", 1, 1_000_000_000),
    },
  },
  "list-reversed": {
    side: "pop3",
    reach: "mailbox",
    occurs: "lasts",
    says: "Message 1 is the newest, as where an administrator turned the order round.",
    params: {},
  },
  "counts-differ": {
    side: "pop3",
    says: "STAT says another number of messages than UIDL and LIST have.",
    params: { by: { kind: "number", low: -1_000_000, high: 1_000_000, default: 1, says: "how many more; below 0 fewer" } },
  },
  "uidl-vanish": {
    side: "pop3",
    reach: "mailbox",
    says: "For one session a share of the messages is missing, as while a mailbox is moved.",
    params: { percent: count(50, "how many of a hundred", 1, 100) },
  },
  "uidl-reused": {
    side: "pop3",
    reach: "mailbox",
    occurs: "once",
    says:
      "A restore: the newest messages of INBOX are gone, and as many others stand under their numbers, over IMAP too. Count and newest UIDL " +
      "are as before. Sessions on it are closed.",
    params: { messages: count(3, "how many", 1) },
  },
  "uidl-legacy": {
    side: "pop3",
    reach: "message",
    occurs: "lasts",
    says: "UIDLs are long texts, as those of items from servers before 2007. Ordered for a mailbox, every third message has one.",
    params: {},
  },
  "uidl-duplicate": {
    side: "pop3",
    reach: "mailbox",
    says: "For one session the newest message has the UIDL of the one before it.",
    params: {},
  },
  "uidl-too-long": {
    side: "pop3",
    reach: "mailbox",
    says: "For one session the newest message has a UIDL beyond the 70 characters of RFC 1939.",
    params: { characters: count(71, "how many", 71, 1_000_000) },
  },
  "list-malformed": {
    side: "pop3",
    says: "A line of LIST and UIDL cannot be parsed.",
    params: { form: words(["text", "number", "empty"], "words in place of a line, a number that no message can have, or an empty line") },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
