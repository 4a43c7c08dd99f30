export * from "./cause.ts";
export * from "./checkpoint.ts";
export * from "./event.ts";
export * from "./failure.ts";
export * from "./ids.ts";
export * from "./ledger.ts";
export * from "./limits.ts";
export * from "./plan.ts";
export * from "./ports.ts";
export * from "./redis-keys.ts";
export * from "./secret.ts";
export * from "./uid-set.ts";
export { createScrubber, stripControls, type Scrubber } from "./scrub.ts";
export { classifyImap, isThrottleText, readThrottleHint, type Classified } from "./classify.ts";
export {
  folderRole,
  isMailFolder,
  matchesFolder,
  selectFolders,
  type FolderFacts,
  type FolderRules,
  type FolderSelection,
} from "./folders.ts";
export { decideRetry, retryCapMs, type RetryDecision, type RetryQuestion } from "./retry-policy.ts";
export {
  buildMessageEvent,
  buildQuarantinedEvent,
  type MessageEventFacts,
  type MessageEventInput,
  type QuarantinedEventInput,
} from "./build-event.ts";
export { cutText, isLongerInUtf8, utf8Length } from "./utf8.ts";
export { describeCause, type CauseFacts, type CauseWords } from "./words/causes.ts";
export { groupCauses, type CauseGroup, type StoppedMailbox } from "./words/group-causes.ts";
export { ledgerLine } from "./words/ledger-line.ts";
export { formatBytes, formatCount, formatCounted, formatPercent, formatRate, formatCountedWord, formatTotal } from "./words/numbers.ts";
export { currentRate, noteProgress, startProgress, timeLeft, type Progress, type Sample } from "./words/progress.ts";
export { fleetSentence, nowLine, type FleetFacts, type NowFacts } from "./words/sentence.ts";
export {
  countStates,
  stateOf,
  stateSentence,
  stateStyle,
  stateWords,
  type MailboxFacts,
  type StateCounts,
  type StateQuestion,
  type StateRole,
  type StateShape,
  type StateStyle,
  type StateWord,
} from "./words/states.ts";
export {
  formatAge,
  formatAgo,
  formatClock,
  formatDay,
  formatDeadline,
  formatDuration,
  formatIn,
  formatRoughly,
  formatUtc,
  type TimeStyle,
  type Zone,
} from "./words/times.ts";
