import type { VerifiedToken } from "../entra/token-issuer.ts";
import type { FaultBook } from "../faults/fault-book.ts";
import type { MailStore } from "../store/mail-store.ts";

/** What a session may ask of the world around it. */
export interface ImapServices {
  readonly store: MailStore;
  /** Undefined: refused, for whatever reason. */
  readonly verifyToken: (token: string) => Promise<VerifiedToken | undefined>;
  /** Directory id of a tenant's alias. */
  readonly tenantIdOf: (alias: string) => string | undefined;
  readonly troubles: MailboxTroubles;
  readonly faults: Pick<FaultBook, "strike" | "holds">;
  /** Called with the verb, or with `login` and `login refused`. */
  readonly count: (what: string) => void;
  /** The front end's name, shown encoded in the greeting. */
  readonly frontEnd: string;
}

/**
 * What a message does to a FETCH of its content (field guide 3.5): `placeholder`, the forged message of an item that cannot be converted;
 * `no-data`, OK without a line for it; `partial-no`, left out, and the answer is NO. Lists, flags and sizes show the message as ever.
 */
export type FetchFault = "placeholder" | "no-data" | "partial-no" | PaddedFault;

/** The message, and base64 behind it up to so many bytes; the size that is announced may be another. */
export interface PaddedFault {
  readonly paddedTo: number;
  readonly announced?: number;
}

/** Faults by mailbox. More profiles join here; the command handlers stay free of them. */
export interface MailboxTroubles {
  /** AUTHENTICATE is answered OK, then nothing works. */
  readonly isRefused: (address: string) => boolean;
  /** Milliseconds that a login or command has to wait; 0 if none. */
  readonly throttledForMs: (address: string, at: "login" | "command") => number;
  /** Undefined in a mailbox without such messages, else by folder and UID. */
  readonly fetchFaults: (address: string) => ((folder: string, uid: number) => FetchFault | undefined) | undefined;
}
