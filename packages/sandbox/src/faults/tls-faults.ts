import type { FaultSpec, ParamSpec } from "./fault-spec.ts";

const certificate = {
  kind: "word",
  words: ["expired", "wrong-name", "self-signed"],
  default: "expired",
  says: "what is wrong with it",
} as const satisfies ParamSpec;

/** What the servers do wrong before a byte of theirs is sent. */
export const tlsFaults = {
  "token-certificate": {
    side: "token",
    says: "The token endpoint shows a certificate that must not be trusted.",
    params: { certificate },
    isBeforeTenant: true,
  },
  "imap-certificate": {
    side: "imap",
    says: "The IMAP server shows a certificate that must not be trusted.",
    params: { certificate },
    isBeforeTenant: true,
  },
  "pop3-certificate": {
    side: "pop3",
    says: "The POP3 server shows a certificate that must not be trusted.",
    params: { certificate },
    isBeforeTenant: true,
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
