import { imapBudgetFaults } from "./imap-budget-faults.ts";
import { imapContentFaults } from "./imap-content-faults.ts";
import { imapLoginFaults } from "./imap-login-faults.ts";
import { imapProfileFaults } from "./imap-profile-faults.ts";
import { imapSessionFaults } from "./imap-session-faults.ts";
import type { FaultSpec } from "./fault-spec.ts";

/**
 * What the mail server does wrong. Before a login it is not known whose connection it is: what strikes there can only be ordered for
 * everybody.
 */
export const imapFaults = {
  ...imapLoginFaults,
  ...imapBudgetFaults,
  ...imapSessionFaults,
  ...imapContentFaults,
  ...imapProfileFaults,
} as const satisfies Readonly<Record<string, FaultSpec>>;
