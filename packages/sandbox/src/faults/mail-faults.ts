import { budgetFaults } from "./budget-faults.ts";
import { contentFaults } from "./content-faults.ts";
import type { FaultSpec } from "./fault-spec.ts";
import { loginFaults } from "./login-faults.ts";
import { sessionFaults } from "./session-faults.ts";

/**
 * What the IMAP and the POP3 server do wrong, each in its own words; an order may be for one of them. Before a login it is not known whose
 * connection it is: what strikes there can only be ordered for everybody.
 */
export const mailFaults = {
  ...loginFaults,
  ...budgetFaults,
  ...sessionFaults,
  ...contentFaults,
} as const satisfies Readonly<Record<string, FaultSpec>>;
