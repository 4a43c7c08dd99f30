import type { FaultSpec } from "./fault-spec.ts";
import { imapFaults } from "./imap-faults.ts";
import { mailFaults } from "./mail-faults.ts";
import { pop3Faults } from "./pop3-faults.ts";
import { tlsFaults } from "./tls-faults.ts";
import { tokenFaults } from "./token-faults.ts";

/** Every fault by its name. */
export const faultCatalogue = {
  ...mailFaults,
  ...imapFaults,
  ...pop3Faults,
  ...tokenFaults,
  ...tlsFaults,
} as const satisfies Readonly<Record<string, FaultSpec>>;

export type FaultName = keyof typeof faultCatalogue;
