import type { FaultSpec } from "./fault-spec.ts";

/** What the mail server does wrong. */
export const imapFaults = {
  throttle: {
    side: "imap",
    says: "logins and commands are refused with a wait hint",
    params: {
      hintMs: { kind: "number", low: 5_000, high: 3_000_000, default: 300_000, says: "the wait that is suggested" },
      answer: { kind: "word", words: ["NO", "BAD"], default: "NO", says: "how the command is answered" },
      bye: { kind: "flag", default: false, says: "BYE Connection closed. 14 follows and the connection ends" },
    },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
