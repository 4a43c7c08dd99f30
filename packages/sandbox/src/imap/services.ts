import type { VerifiedToken } from "../entra/token-issuer.ts";
import type { MailStore } from "../store/mail-store.ts";

/** What a session may ask of the world around it. */
export interface ImapServices {
  readonly store: MailStore;
  /** Undefined: refused, for whatever reason. */
  readonly verifyToken: (token: string) => Promise<VerifiedToken | undefined>;
  /** Directory id of a tenant's alias. */
  readonly tenantIdOf: (alias: string) => string | undefined;
  readonly troubles: MailboxTroubles;
  /** Called with the verb, or with `login` and `login refused`. */
  readonly count: (what: string) => void;
  /** The front end's name, shown encoded in the greeting. */
  readonly frontEnd: string;
}

/** Faults by mailbox. More profiles join here; the command handlers stay free of them. */
export interface MailboxTroubles {
  /** AUTHENTICATE is answered OK, then nothing works. */
  readonly isRefused: (address: string) => boolean;
  /** Milliseconds that a login or command has to wait; 0 if none. */
  readonly throttledForMs: (address: string, at: "login" | "command") => number;
}
