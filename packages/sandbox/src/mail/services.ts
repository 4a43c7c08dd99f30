import type { VerifiedToken } from "../entra/token-issuer.ts";
import type { FaultBook } from "../faults/fault-book.ts";
import type { MailProtocol } from "../faults/fault-spec.ts";
import type { MailStore } from "../store/mail-store.ts";
import type { MailboxCounts } from "./mailbox-counters.ts";
import type { ServerBudgets } from "./server-budget.ts";

/** What a session of either mail server may ask of the world around it. */
export interface MailServices {
  /** Which of the two servers it is. */
  readonly protocol: MailProtocol;
  readonly store: MailStore;
  /** Undefined: refused, for whatever reason. */
  readonly verifyToken: (token: string) => Promise<VerifiedToken | undefined>;
  /** A tenant's alias by its directory id. */
  readonly aliasOf: (tenantId: string) => string | undefined;
  /** Knows the protocol of whoever asks. */
  readonly faults: Pick<FaultBook, "strike" | "holds" | "isOrdered">;
  /** One account for a mailbox, whichever protocol it is asked over. */
  readonly budgets: ServerBudgets;
  readonly counts: MailboxCounts;
  readonly sleep: (ms: number) => Promise<void>;
  /** Called with the verb, or with `login` and `login refused`. */
  readonly count: (what: string) => void;
  /** The front end's name, shown encoded in the greeting. */
  readonly frontEnd: string;
}
