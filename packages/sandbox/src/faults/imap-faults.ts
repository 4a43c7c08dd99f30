import { imapCommandFaults } from "./imap-command-faults.ts";
import { imapProfileFaults } from "./imap-profile-faults.ts";
import type { FaultSpec } from "./fault-spec.ts";

/** What only the IMAP server does wrong. */
export const imapFaults = { ...imapCommandFaults, ...imapProfileFaults } as const satisfies Readonly<Record<string, FaultSpec>>;
