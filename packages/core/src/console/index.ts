export type {
  ActionRequest,
  ActionResult,
  ActionRun,
  ActionTarget,
  CheckedItem,
  CheckExit,
  ConsoleError,
  ConsoleErrorCode,
  GapItem,
  LoginRequest,
  ProvenItem,
  RevealedLetter,
  RunLine,
  Ticket,
  TicketRequest,
} from "./actions.ts";
export { actionVerbs, type ActionVerb, consoleErrorCodes } from "./actions.ts";
export type { ActivityEntry, ActivityVerb } from "./activity.ts";
export {
  agePercentiles,
  type HistoryColumns,
  historyColumns,
  type HistoryMark,
  type HistoryPoint,
  type HistoryRing,
  historyRings,
  type HistorySpan,
  historySpans,
  stepOf,
} from "./history.ts";
export {
  ageBuckets,
  everyMailbox,
  type MailboxQuery,
  mailboxQueryParams,
  type MailboxSort,
  mailboxSorts,
  readMailboxQuery,
  rowsOfPage,
  savedViews,
} from "./mailbox-query.ts";
export { mailboxPath, type MailboxRow, rowId, type RowMark, rowMarks, type RowNews, rowNews, withNews } from "./mailbox-row.ts";
export type {
  AboutPage,
  ActivityPage,
  CauseItem,
  CausePage,
  ComingUpItem,
  ConfigItem,
  ConsoleRole,
  CredentialItem,
  DeadLettersPage,
  DiscardedItem,
  FindAnswer,
  FleetPage,
  FleetSummary,
  FolderItem,
  Frame,
  LetterCauseItem,
  LetterItem,
  LoginPage,
  LoginShell,
  LoginWay,
  MailboxesPage,
  MailboxPage,
  OnboardingSteps,
  PageAnswer,
  PageData,
  PageName,
  ProcessItem,
  ProofItem,
  RedisItem,
  RowsAnswer,
  StateStrip,
  TenantItem,
  TenantPage,
  You,
} from "./page-data.ts";
export type { FaultItem, FaultRequest, FaultSuggestion, OrderedFault, SandboxPage } from "./sandbox-page.ts";
export { countAges, type Facet, type Facets, rowFilter, rowOrder, type SelectedRows, selectRows } from "./select-rows.ts";
export { hourMs, packHours, type RecordedHours, stripHours, stripUpTo, unpackHours, withHour, worseState } from "./state-strip.ts";
export type { Beat, FleetPatch, StreamEvent } from "./stream.ts";

// The words, once more: who imports this file needs nothing else of core. Pages import them from browser/index.ts, which loads less.
export { ledgerLine } from "../words/ledger-line.ts";
export { type FolderLedger, unaccounted } from "../ledger.ts";
export { describeCause, type CauseWords } from "../words/causes.ts";
export { comingUpWords } from "../words/coming-up-words.ts";
export type { CauseGroup } from "../words/group-causes.ts";
export { intakeSentence, type IntakeWords } from "../words/intake.ts";
export type { LaneWords } from "../words/lane-words.ts";
export { causeWords, lettersSentence, ownerWords } from "../words/letters.ts";
export { formatBytes, formatCount, formatCounted, formatPercent, formatRate } from "../words/numbers.ts";
export { protocolNames } from "../words/protocols.ts";
export { pushSentence } from "../words/push-sentence.ts";
export { shellWord } from "../words/shell-word.ts";
export { stateEndsAt } from "../words/state-ends-at.ts";
export {
  stateOf,
  stateSentence,
  stateStyle,
  stateWords,
  type StateCounts,
  type StateRole,
  type StateShape,
  type StateWord,
} from "../words/states.ts";
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
  type Zone,
} from "../words/times.ts";
