import type { FaultSpec } from "./fault-spec.ts";
import { imapFaults } from "./imap-faults.ts";
import { tlsFaults } from "./tls-faults.ts";
import { tokenFaults } from "./token-faults.ts";

/** Every fault by its name. */
export const faultCatalogue = { ...imapFaults, ...tokenFaults, ...tlsFaults } as const satisfies Readonly<Record<string, FaultSpec>>;

export type FaultName = keyof typeof faultCatalogue;
