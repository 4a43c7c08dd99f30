export { type ByteBudget, createByteBudget } from "./byte-budget.ts";
export type { EnginePorts, SyncCounts, SyncSettings } from "./ports.ts";
export { type Ending, settlementOf, type SettleQuestion } from "./settle.ts";
export { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";
