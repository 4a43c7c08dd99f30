export { type ByteBudget, bytesInFlight, createByteBudget } from "./byte-budget.ts";
export { type DoctorProbes, examine, type Examination } from "./examine.ts";
export { lookAtMailbox, tryLogin } from "./look-at-mailbox.ts";
export type { EnginePorts, JobSlots, SyncCounts, SyncSettings } from "./ports.ts";
export { type Ending, settlementOf, type SettleQuestion } from "./settle.ts";
export { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";
export { syncTraced } from "./traced-ports.ts";
export { type MailboxPlan, planMailbox, type PlanPorts, type PlanRequest } from "./plan-mailbox.ts";
export { proveMailbox, type ProvenMailbox, type ProvePorts, type ProveRequest } from "./prove-mailbox.ts";
export {
  type FolderGap,
  type Repaired,
  repairGaps,
  type RepairOutcome,
  type RepairPorts,
  type RepairRequest,
  repairUntilProven,
} from "./repair-gaps.ts";
export { type PushSettings, type PushState, type RunningPush, startPush } from "./push-desk.ts";
export { type PushPorts } from "./push-mailbox.ts";
export {
  type ReplayCounts,
  type ReplayFailure,
  replayMailbox,
  type ReplayPorts,
  type ReplayProgress,
  type ReplayRequest,
  type ReplayRoom,
} from "./replay.ts";
export { readStored, type StoredChoice, type StoredMessage, type StoredPlace, storedPlaces } from "./stored-messages.ts";
export { createRightOfWay, type RightOfWay } from "./right-of-way.ts";
export { type CredentialWatchPorts, watchCredentials } from "./watch-credentials.ts";
export { type SetAsideLetter, setAsideLetters } from "./set-aside-letters.ts";
export { purgeMailbox, type PurgePorts, weighMailbox } from "./purge-mailbox.ts";
