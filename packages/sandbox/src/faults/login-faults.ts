import type { FaultSpec } from "./fault-spec.ts";
import { flag, milliseconds, words } from "./param-kinds.ts";

/** How a login may end although its token is good (field guide 2.2), and what may happen before one. */
export const loginFaults = {
  "auth-no": {
    side: "mail",
    reach: "mailbox",
    says:
      "`NO AUTHENTICATE failed.`, over POP3 `-ERR Authentication failure: unknown user name or bad password.` For all mailboxes of a tenant: no service principal in Exchange, or an outage; for one: no FullAccess, an " +
      "unknown address, too many sessions. With `forMs` a grant that takes its time to spread.",
    params: {},
  },
  "auth-no-hint": {
    side: "mail",
    reach: "mailbox",
    says: 'As `auth-no`, with the bracketed hint that Exchange sometimes gives: `[Error="AuthFailed:LogonDenied-None-OAuthLog:AuthExc_Auth Failed" Proxy=...]`.',
    params: {},
  },
  "auth-not-connected": {
    side: "mail",
    reach: "mailbox",
    says:
      "AUTHENTICATE is answered OK, and every command but CAPABILITY with `BAD User is authenticated but not connected.` (POP3: AUTH, " +
      "CAPA, `-ERR`); the third one closes the connection. The classic face of missing FullAccess, a switched-off protocol, an alias or too many sessions.",
    params: {},
  },
  "auth-no-not-connected": {
    side: "mail",
    reach: "mailbox",
    says: "`NO User is authenticated but not connected.` (POP3: `-ERR`) to AUTHENTICATE itself, as seen since 2026 in place of `auth-not-connected`.",
    params: {},
  },
  "auth-challenge": {
    side: "mail",
    reach: "mailbox",
    says:
      "The refusal comes as `+` and a base64 text of JSON, as other servers send it: the client owes an empty line, and gets " +
      "`NO AUTHENTICATE failed.` for it, over POP3 `-ERR`. Any other line is a bad command.",
    params: {},
  },
  "auth-echo": {
    side: "mail",
    reach: "mailbox",
    says: "`NO`, or `-ERR`, with the whole SASL answer, token included, in its text: for a client that must not pass on what it is told.",
    params: {},
  },
  "auth-unavailable": {
    side: "mail",
    reach: "mailbox",
    says: "`NO Server Unavailable. 15`, over POP3 `-ERR Server Unavailable. 21`, to the login, as during an outage at Microsoft.",
    params: {},
  },
  "basic-blocked": {
    side: "mail",
    reach: "mailbox",
    says:
      "How LOGIN and AUTHENTICATE PLAIN, PASS and AUTH PLAIN are refused. They always are; without this fault with `NO LOGIN failed.`, over " +
      "POP3 `-ERR Logon failure: unknown user name or bad password.`",
    params: {
      form: words(
        ["disabled", "blocked"],
        "`NO Basic authentication is disabled.` (POP3: `-ERR`), or the usual words with a bracketed `AuthFailed:LogonDenied-BasicAuthBlocked`",
      ),
    },
  },
  "protocol-disabled": {
    side: "mail",
    reach: "mailbox",
    occurs: "lasts",
    says:
      "The protocol is switched off for the mailbox (`ImapEnabled`, `PopEnabled`): over IMAP as `auth-not-connected`, over POP3 " +
      "`-ERR Authentication failure: unknown user name or bad password.` Ordered for one protocol, the other one works.",
    params: {},
  },
  "login-slow": {
    side: "mail",
    reach: "mailbox",
    says: "A login takes its time, as Microsoft says it may.",
    params: { ms: milliseconds(5_000, "how long") },
  },
  "greeting-late": {
    side: "mail",
    isBeforeTenant: true,
    says: "The greeting comes late. Nobody is known yet, so it is ordered for all.",
    params: { ms: milliseconds(10_000, "how long after TLS") },
  },
  "greeting-none": {
    side: "mail",
    isBeforeTenant: true,
    says: "TLS is agreed on, and then nothing ever comes. Ordered for all.",
    params: {},
  },
  "close-after-connect": {
    side: "mail",
    isBeforeTenant: true,
    says: "The connection is closed before a greeting. Ordered for all.",
    params: {
      at: words(["tls", "tcp"], "after TLS was agreed on, or before"),
      reset: flag("with a reset (ECONNRESET) in place of an orderly end"),
    },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
