export { type ByteBudget, createByteBudget } from "./byte-budget.ts";
export type { EnginePorts, SyncCounts, SyncSettings } from "./ports.ts";
export { type Ending, settlementOf, type SettleQuestion } from "./settle.ts";
export { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";
export { proveMailbox, type ProvenMailbox, type ProvePorts, type ProveRequest } from "./prove-mailbox.ts";
export { type FolderGap, repairGaps, type RepairOutcome, type RepairPorts, type RepairRequest } from "./repair-gaps.ts";
