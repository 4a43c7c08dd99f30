import type { FaultSpec, ParamSpec } from "./fault-spec.ts";

const answer = { kind: "word", words: ["NO", "BAD"], default: "NO", says: "how the command is answered" } as const satisfies ParamSpec;
/** Microsoft's hints run from 5 s to 50 min; shorter ones are for tests. */
const hintMs = {
  kind: "number",
  low: 100,
  high: 3_600_000,
  default: 300_000,
  says: "the wait that is suggested",
} as const satisfies ParamSpec;
const bye = {
  kind: "flag",
  default: false,
  says: "`* BYE Connection closed. 14` follows and the connection ends",
} as const satisfies ParamSpec;

function cost(milliseconds: number, says: string) {
  return { kind: "number", low: 0, high: 3_600_000, default: milliseconds, says } as const satisfies ParamSpec;
}

/**
 * What the mail server does wrong. Before a login it is not known whose connection it is: what strikes there can only be ordered for
 * everybody.
 */
export const imapFaults = {
  throttle: {
    side: "imap",
    says: "Logins and commands are refused with `Request is throttled. Suggested Backoff Time: N milliseconds`, for as long as the order stands.",
    params: {
      hintMs,
      countsDown: { kind: "flag", default: false, says: "the wait is what is left of the order's own time, in place of hintMs" },
      at: { kind: "word", words: ["both", "login", "command"], default: "both", says: "what is refused" },
      answer,
      bye,
    },
  },
  budget: {
    side: "imap",
    says:
      "A hidden account of server time. Every command costs some; time refills it. When it gets low, answers come later and later; when it " +
      "is empty, logins and commands are refused as by `throttle` until the suggested wait is over, whatever has been refilled meanwhile.",
    params: {
      per: { kind: "word", words: ["mailbox", "tenant"], default: "mailbox", says: "whose account it is" },
      burstMs: { kind: "number", low: 1, high: 86_400_000, default: 60_000, says: "server time at the start, and at most" },
      rechargeMsPerSecond: { kind: "number", low: 0, high: 100_000, default: 200, says: "server time that a second brings back" },
      delayBelowMs: { kind: "number", low: 0, high: 86_400_000, default: 10_000, says: "below this balance answers are delayed" },
      maxDelayMs: { kind: "number", low: 0, high: 600_000, default: 2_000, says: "the delay of a command at an empty account" },
      hintMs,
      answer,
      bye,
      virtual: { kind: "flag", default: false, says: "costs are taken off the account and do not pass as time; delays still do" },
      loginMs: cost(100, "cost of a login"),
      selectMs: cost(25, "cost of SELECT or EXAMINE"),
      statusMs: cost(15, "cost of STATUS"),
      listMs: cost(25, "cost of LIST or LSUB"),
      searchMs: cost(30, "cost of SEARCH"),
      fetchMs: cost(10, "cost of FETCH, whatever it brings"),
      rowMs: cost(0.02, "cost of each message in a FETCH without content"),
      messageMs: cost(30, "cost of each message in a FETCH of content"),
      kilobyteMs: cost(1, "cost of each 1,024 bytes of content"),
      otherMs: cost(5, "cost of any other command"),
    },
  },
  "auth-not-connected": {
    side: "imap",
    says:
      "AUTHENTICATE is answered OK, and every command but CAPABILITY with `BAD User is authenticated but not connected.`; the third one " +
      "closes the connection. The classic face of missing FullAccess, a switched-off protocol, an alias or too many sessions.",
    params: {},
  },
  placeholder: {
    side: "imap",
    says: "FETCH brings, with OK, the forged message of an item that cannot be converted, in place of the message's content.",
    params: {},
  },
  "no-data": {
    side: "imap",
    says: "FETCH of content is answered OK without a line for the message.",
    params: {},
  },
  "partial-no": {
    side: "imap",
    says: "FETCH of content leaves the message out and ends with `NO Some of the requested messages no longer exist.`",
    params: {},
  },
  padded: {
    side: "imap",
    says: "The message's content is as long as is wanted, with base64 behind its own end.",
    params: {
      bytes: { kind: "number", low: 1, high: 4_294_967_295, default: 50_000_000, says: "how long it is" },
      announced: { kind: "number", low: 0, high: 4_294_967_295, default: 0, says: "its RFC822.SIZE; 0 for the true one" },
    },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
