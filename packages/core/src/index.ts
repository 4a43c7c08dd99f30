export {
  accountBasis,
  accountByCount,
  accountByListing,
  emptyAccount,
  sumAccounts,
  unaccountedIn,
  type AccountCounts,
  type AccountQuestion,
  type AccountSets,
  type FolderAccount,
} from "./account-folder.ts";
export type { Cause, OperatorPark, ToldParking } from "./cause.ts";
export { roleNames } from "./diagnose/fixes.ts";
export { otherProtocol, protocolNames } from "./words/protocols.ts";
export { bucketTrouble, type BucketLook } from "./diagnose/bucket.ts";
export { closingSentence, diagnose, nextLook, type Diagnosis, type Look } from "./diagnose/diagnose.ts";
export { type Backlog, isPause } from "./diagnose/go-on.ts";
export { explainable, explainCode, type Explanation } from "./diagnose/explain.ts";
export { type Certainty, type DoctorCode, type Finding, type Fix, type Step, type StepName, stepNames } from "./diagnose/finding.ts";
export type {
  CertificateLook,
  ClaimsLook,
  ConfigurationLook,
  ControlsLook,
  ControlTry,
  FleetLook,
  HostLook,
  MachineLook,
  MailboxLook,
  NetworkLook,
  Observations,
  RedisLook,
  ScopeLook,
  Subject,
  TokenLook,
  LoginTry,
  StoppedLook,
} from "./diagnose/observations.ts";
export {
  type FolderCheckpoint,
  type Recheck,
  type RetryEntry,
  startCheckpoint,
  withoutHistory,
  isHistoryComplete,
  presentUids,
  previousOf,
  goneOf,
  type Compared,
  type PreviousGeneration,
  type Spot,
  type Unlisted,
  type Vanished,
} from "./checkpoint.ts";
export { decodeUidSet, encodeUidSet } from "./uid-codec.ts";
export { isNewerCheckpoint, packCheckpoint, unpackCheckpoint } from "./pack-checkpoint.ts";
export {
  type FlagRow,
  type FlagSets,
  changedFlags,
  countFlagRanges,
  countWithFlag,
  flagSetsOf,
  intersectUids,
  noFlags,
  trimFlags,
  withFlags,
  withoutFlags,
} from "./flag-sets.ts";
export {
  compareNeed,
  comparedWith,
  compareWindow,
  expectedCount,
  expectedEnds,
  expectedTop,
  isCountOff,
  isUnseenOff,
  type CompareNeed,
  type ComparePolicy,
  type FolderChanges,
  type ListedWindow,
} from "./compare.ts";
export * from "./fingerprint.ts";
export {
  eventSchema,
  eventId,
  quarantineCodes,
  type MessageFlags,
  type MessageRemoved,
  type MessageRekeyed,
  type FolderRole,
  type BlobPointer,
  type MailAddress,
  type AttachmentEvent,
  type MessageContent,
  type MessageFields,
  type EventFolder,
  type MessageAdded,
  type MessageQuarantined,
  type Quarantine,
  type QuarantineCode,
  type FolderReset,
  type MailboxParked,
  type MailboxResumed,
  type MailEvent,
  type OutgoingEvent,
  outgoing,
} from "./event.ts";
export { type Disposition, type FailureScope, failureCodes, type FailureCode } from "./failure-code.ts";
export { type Taxon, taxonomy } from "./taxonomy.ts";
export { type ErrorFacts, type Failure, SyncError, isSyncError, syncError } from "./failure.ts";
export {
  type Protocol,
  type Lane,
  type MailboxRef,
  canonicalAddress,
  mailboxId,
  parseMailboxId,
  encodeKeyPart,
  type MessageIdentity,
  type MessagePlace,
  messageKey,
  messageKeyPrefix,
  parseMessageKey,
  scopeKey,
} from "./ids.ts";
export { type FolderLedger, emptyLedger, unaccounted, sumLedgers } from "./ledger.ts";
export {
  consumerLetter,
  letterCauseId,
  LetterGroups,
  normaliseError,
  shortCauseId,
  type LetterCause,
  type LetterFacts,
  type LetterOwner,
} from "./letter-cause.ts";
export {
  type IdleLane,
  idleLanes,
  type LaneGuest,
  lanes,
  type LaneServer,
  type LanesServedAt,
  laneWaiting,
  laneWorkers,
  type UnservedLane,
  unservedLanes,
} from "./lanes.ts";
export { limits } from "./limits.ts";
export { isPlaceholder } from "./placeholder.ts";
export { guessHistory, type HistoryGuess, type PlannedFolder, type PlannedWork, type PlanRules, planWork } from "./plan-mailbox.ts";
export { type FolderPlan, type ResetCause, planFolder, resetCheckpoint, hasHistory, isAnyDue, planBatches } from "./plan.ts";
export {
  type Clock,
  type Chance,
  type Log,
  type ListedFolder,
  type FolderStatus,
  type MessageMeta,
  type HeaderRow,
  type SessionFeatures,
  type StreamedMessage,
  type IndexedFolder,
  type Digest,
  type FetchedMessage,
  type MailSource,
  type MailSession,
  type BlobKind,
  type BlobStore,
  type BlobBatch,
  type BlobWriter,
  type ParsedMessage,
  type ParsedAttachment,
  type ParseResult,
  type MimeParser,
  type MessageSource,
  type Lease,
  type Settlement,
  type MailboxState,
  type StoredCheckpoint,
  type Commit,
  type CommitResult,
  type MailboxStore,
  type HandOff,
  type SliceGate,
} from "./ports.ts";
export type { AccessToken, CredentialNote, CredentialNotes, SharedTokenCache, SharedTokenState, TokenSource } from "./token-ports.ts";
export {
  canonicalJson,
  checkProof,
  proofSchema,
  sealProof,
  sumsOf,
  verdictOf,
  type Proof,
  type ProofCheck,
  type ProofFolder,
} from "./proof.ts";
export { type FolderUidls, proofUidls, type ProofUidls, uidlsOfPart } from "./proof-uidls.ts";
export { proofParts, proofUids, type ProofUids, type Sha256, uidsOfProof } from "./proof-uids.ts";
export {
  findSuspect,
  type HandNote,
  type InHand,
  packInHand,
  packSuspects,
  type Suspect,
  suspectsAfter,
  unpackHandNote,
} from "./in-hand.ts";
export { type FleetSignal, type FleetSignals, readSignal, type SignalWatch, type WatchOptions } from "./fleet-signals.ts";
export { parkedEvent, resumedEvent, tenantParking, toldParking } from "./parking.ts";
export { type Listing, type LookFolder, lookFolder, type LookRequest, packListing, unpackListing } from "./listing.ts";
export { learnRhythm, type MailRhythm, nextPollMs, packRhythm, phaseOf, pollBounds, unpackRhythm } from "./poll-interval.ts";
export { packPace, unpackPace, type Pace } from "./pace.ts";
export { type Answer, answered, batchAt, beginPace, paceToKeep, pauseAt, type PaceState, refused } from "./learn-pace.ts";
export {
  pushChooser,
  pushShare,
  pushWait,
  type PushChoice,
  type PushClaim,
  type PushFacts,
  type PushLeases,
  type PushRenewal,
} from "./push.ts";
export { type PieceReader, type Reissue, type ReissueOutcome } from "./replay-ports.ts";
export { queueNames, type RedisKeys, redisKeys } from "./redis-keys.ts";
export type { RedisCluster, RedisNode, RedisSentinels, RedisTarget } from "./redis-target.ts";
export { type FleetShard, fleetShards, mostShards, type Sharded, sharded, shardOf, shardPrefixes } from "./shards.ts";
export {
  decideIntake,
  type DownstreamLoad,
  type DownstreamMarks,
  eventsOf,
  type Intake,
  type IntakeCause,
  type LaneIntake,
} from "./intake.ts";
export { fullest, shareOfMarks, sumLoads } from "./intake-of-shards.ts";
export { redisErrorWord, redisRefusal } from "./redis-refusal.ts";
export { Secret } from "./secret.ts";
export { secretText, tokenKeyLines } from "./secret-text.ts";
export {
  type UidSet,
  type UidRange,
  maxUid,
  emptyUidSet,
  isUid,
  uidSetOf,
  countUids,
  hasUid,
  uniteUids,
  subtractUids,
  eachUid,
  formatUidSet,
  parseUidSet,
  chunkUidSet,
  fromRanks,
  toRanks,
} from "./uid-set.ts";
export { createScrubber, growingScrubber, type Scrubber } from "./scrub.ts";
export { stripControls } from "./strip-controls.ts";
export { classifyImap } from "./classify.ts";
export { classifyPop3, isMessageRefusal } from "./classify-pop3.ts";
export { isThrottleText, readThrottleHint, type Classified } from "./classify-shared.ts";
export {
  folderRole,
  isMailFolder,
  matchesFolder,
  selectFolders,
  type FolderFacts,
  type FolderRules,
  type FolderSelection,
} from "./folders.ts";
export { judge, type JudgeQuestion, refusalKind, type Verdict } from "./judge.ts";
export type { NeighbourView, RefusalKind } from "./neighbours.ts";
export type { Breakers, HoldOrder, HoldReader, TenantHold } from "./tenant-hold.ts";
export { decideRetry, retryCapMs, type RetryDecision, type RetryQuestion } from "./retry-policy.ts";
export { buildQuarantinedEvent, type MessageEventFacts, type MessageEventInput, writeMessageEvent } from "./build-event.ts";
export {
  composeMessage,
  readMessage,
  writeMessage,
  type Gap,
  type GapKind,
  type WrittenMessage,
  type WrittenResult,
} from "./written-message.ts";
export { asParsed, plainText, type BodyText, type EscapedText, type MessageToWrite, type WrittenHeaders } from "./message-to-write.ts";
export { MessageEvents } from "./message-events.ts";
export { joinJson, type JsonPieces } from "./json-pieces.ts";
export { letGo, letGoBuffer } from "./let-go.ts";
export { byMailbox, type MessageGroup } from "./message-groups.ts";
export { cutText, isLongerInUtf8, utf8Length } from "./utf8.ts";
export { describeMachine, describeUnknown, isDiskLow, type MachineFacts } from "./words/process-troubles.ts";
export { describeIntake, intakeSentence, intakeSubject, type IntakeWords } from "./words/intake.ts";
export { describeLane, laneNames, type LaneWords } from "./words/lane-words.ts";
export { alertWords, type AlertWords } from "./words/alert-words.ts";
export { describeCause, type CauseFacts, type CauseWords } from "./words/causes.ts";
export { groupCauses, type CauseGroup, type StoppedMailbox } from "./words/group-causes.ts";
export { comingUp, comingUpJson, credentialsJson, type ComingUp, type CredentialEnd, type TenantCredentials } from "./words/coming-up.ts";
export { comingUpWords } from "./words/coming-up-words.ts";
export { causeCommand, resumeCommand, viewFleet, type FleetView, type TenantView, type ViewedMailbox } from "./words/fleet-view.ts";
export { causeWords, lettersSentence, ownerWords, quarantineText } from "./words/letters.ts";
export { ledgerLine } from "./words/ledger-line.ts";
export { formatBytes, formatCount, formatCounted, formatPercent, formatRate, formatCountedWord, formatTotal } from "./words/numbers.ts";
export { endsParked, policySentence } from "./words/policy-sentence.ts";
export { pushSentence } from "./words/push-sentence.ts";
export { currentRate, noteProgress, startProgress, timeLeft, type Progress, type Sample } from "./words/progress.ts";
export {
  extrasSentence,
  gapSentence,
  hiddenSentence,
  repairSentence,
  wholeSentence,
  type FolderGaps,
  type RepairEnding,
} from "./words/proof.ts";
export {
  lettersDoneSentence,
  replayNotes,
  replaySentence,
  restoredWords,
  type LetterOutcomeFacts,
  type ReplayFacts,
} from "./words/replay.ts";
export { shellWord } from "./words/shell-word.ts";
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
export {
  type DealtUidls,
  dealUidls,
  forgetRemoved,
  isOfSpool,
  isUidlOf,
  nameInPlace,
  ownNumber,
  type SpoolKnown,
  spoolUidValidity,
  type UidlBook,
  uidlOf,
  uidOfUidl,
} from "./uidl-book.ts";
export { witnessLines } from "./witnesses.ts";
export type { Span, SpanFacts, SpanName, Tracer } from "./trace-ports.ts";
export { byProtocol } from "./by-protocol.ts";
export { eventStem, type MailboxNames, mailboxNames } from "./mailbox-names.ts";
export {
  addSums,
  type BlobEraser,
  purgeCounts,
  type PurgeCount,
  type PurgeHold,
  purgeMark,
  type PurgePlace,
  type PurgeSums,
  type StoredWeight,
} from "./purge.ts";
