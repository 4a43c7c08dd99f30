import type { FaultSpec } from "./fault-spec.ts";
import { count, text, words } from "./param-kinds.ts";

/** Which Exchange it is: front end, folders, and what happens to folders at a time (field guide 3.1 to 3.3). */
export const imapProfileFaults = {
  "front-end": {
    side: "imap",
    reach: "mailbox",
    says:
      "Which front end answers. `tcpproxy` is the one of 2026: another greeting, LOGINDISABLED before the login, and ENABLE IMAP4rev2, after " +
      "which LSUB is refused and SEARCH answers wrongly. Ordered for a tenant or mailbox it shows after the login only; with `chance`, on " +
      "some connections.",
    params: {
      kind: words(["tcpproxy", "classic"], "which one"),
      search: words(["empty", "bad"], "what SEARCH does after ENABLE IMAP4rev2: OK and nothing found, or `BAD Command Argument Error. 11`"),
    },
  },
  capabilities: {
    side: "imap",
    reach: "mailbox",
    says: "A connection has another set of capabilities. Ordered for a tenant or mailbox it shows after the login only.",
    params: {
      without: text("", "words that are left out, with spaces between them"),
      also: text("", "words that are added"),
    },
  },
  localised: {
    side: "imap",
    reach: "mailbox",
    occurs: "lasts",
    says: "The folders that every mailbox has are named in the language of its owner. Faults name folders in English all the same.",
    params: { language: words(["de", "fr", "ja"], "German, French or Japanese") },
  },
  "unquoted-names": {
    side: "imap",
    occurs: "lasts",
    says: "LIST does not quote names that need it.",
    params: {},
  },
  "no-special-use": {
    side: "imap",
    occurs: "lasts",
    says: "LIST shows no attributes such as \\Sent; without this fault some folders have them, although SPECIAL-USE is never advertised.",
    params: {},
  },
  "inbox-hidden": {
    side: "imap",
    occurs: "lasts",
    says: "LIST does not show INBOX, as where it is hidden by a folder of that name.",
    params: {},
  },
  "folders-many": {
    side: "imap",
    reach: "mailbox",
    occurs: "once",
    says: "The mailbox gets so many empty folders more. Above 250, looking at all of them is slow on Exchange.",
    params: { count: count(250, "how many", 1, 10_000) },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
