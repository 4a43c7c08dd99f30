/**
 * Every number that guards a worker, with its unit in the name and the reason beside it.
 * Changing one is a decision: say why where it is changed.
 */
export const limits = {
  /** Above this a message is quarantined with its head only. Exchange allows 150 MB, which base64 makes 205 MB of raw message. */
  messageBytes: 256 * 1024 * 1024,
  /** Above this a message is never held: it goes through in pieces, from the server to the disk and from there to the parser. */
  streamAboveBytes: 4 * 1024 * 1024,
  /** One piece: one round trip to the server. Smaller ones cost time on a slow link, larger ones memory. */
  pieceBytes: 1024 * 1024,
  /** Fetched whole, a message may come out this large: sizes are estimates. Above it the session breaks, and the next one streams. */
  literalBytes: 8 * 1024 * 1024,
  /** How much of an oversized message is kept, enough for any sane header block. */
  oversizedHeadBytes: 256 * 1024,
  /** Text and HTML stay inline in an event up to here, each, in UTF-8 bytes. Part of the contract. */
  inlineBodyBytes: 64 * 1024,
  /** An event as serialised, in UTF-8 bytes. Part of the contract: docs/concepts.md. */
  eventBytes: 256 * 1024,
  /** One commit: messages. Bounds the time Redis is blocked by one script to a few milliseconds. */
  batchMessages: 100,
  /** One commit: raw bytes, by the server's own (estimated) sizes. Bounds what one session holds in memory. */
  batchBytes: 4 * 1024 * 1024,
  /** Of the next batch so many bytes are fetched while one is worked on: a whole one, as its sizes were announced. */
  readAheadBytes: 4 * 1024 * 1024,
  /** Defaults for a slice of backfill, which ends at the first of these, so that fresh mail and other mailboxes get their turn. */
  sliceMessages: 1_000,
  sliceBytes: 64 * 1024 * 1024,
  sliceMs: 20_000,
  /**
   * History of up to so many messages and estimated bytes, over all folders, is read by the session that found it: a second login, LIST
   * and STATUS of every folder cost more than it does. It keeps a slot of the fresh lane about as long as a batch of new mail.
   */
  smallHistoryMessages: 100,
  smallHistoryBytes: 4 * 1024 * 1024,
  /** A session yields at a batch border after this long, whatever is left to do. */
  sessionMs: 15 * 60_000,
  /** Command lines stay below this: Exchange's default MaxCommandSize is 10,240 bytes on premises. */
  commandLineBytes: 8_000,
  /** Width in UIDs of one listing, so that a SEARCH answer stays a few hundred kB. */
  listingUids: 50_000,
  /** A UID the server lists but does not deliver is asked for this often before it is quarantined. */
  unfetchableTries: 3,
  /** A message that so many workers died of is not parsed again; see `suspectsAfter` for what counts. */
  killedWorkers: 3,
  /** Pause between those tries. */
  unfetchableRetryMs: 60_000,
  /** Fresh UIDs that the server dealt and a listing left out are listed again this often, with this pause. */
  recheckTries: 3,
  recheckMs: 60_000,
  /** Of a spool's known messages: when more are gone at once, a later session must find the same before it is told (exchange-online 4). */
  vanishedShare: 0.25,
  /** Of messages of a spool that are gone so many UIDLs are remembered: one that comes back later than that is handed off again. */
  removedUidls: 10_000,
  /** Newest messages told as removed that a reset still knows: one that was only hidden is not handed off again. About 400 bytes each. */
  recognisedRemoved: 1_000,
  /**
   * Defaults for comparing flags and removals without CONDSTORE. The counts of STATUS show most changes at the next poll; these find the
   * rest, such as a star, and cost an EXAMINE and about 40 bytes a message.
   */
  compareRecentMs: 30 * 60_000,
  compareWholeMs: 24 * 3_600_000,
  compareRecentUids: 500,
  /** A folder of up to so many messages is compared whole in one go with new mail; a larger one in the backfill lane. */
  compareAtOnce: 5_000,
  /** One commit: events about flags, removals and new keys, a few hundred bytes each. */
  batchChanges: 500,
  /** One header batch of a resync: about 100 kB. */
  batchHeaders: 250,
  /** Ranges that a folder's flag sets may hold; above it the oldest messages' flags are not followed. About 5 bytes each. */
  flagRanges: 20_000,
  /**
   * An idle mailbox is polled by STATUS alone, and its folders are listed with one poll in so many and after this time at the latest: so
   * late is a new folder noticed. One that was renamed or deleted is noticed at once, by the refusal of its STATUS.
   */
  listPolls: 6,
  listMs: 30 * 60_000,
  /** A server whose answers to such a look could not be used is not looked at again before this; its polls are whole sessions. */
  lookAgainMs: 24 * 3_600_000,
  /** A folder that the server lists no more is taken for deleted after so many sessions and so long: a listing can be short. */
  unlistedTries: 3,
  unlistedMs: 15 * 60_000,
  /** `prove --repair`: messages of a folder that are put back at once, about 25 bytes each in its checkpoint. */
  repairAtOnce: 1_000,
  /** How often it looks whether they are fetched, and how long it waits without one more: three tries of a message and their pauses. */
  repairLookMs: 1_000,
  repairPatienceMs: 5 * 60_000,
  /** Lease of a mailbox: expiry, renewal interval, and when a holder stops by itself without a renewal (F02, F03). */
  leaseMs: 30_000,
  leaseRenewMs: 10_000,
  leaseSelfStopMs: 20_000,
  /** A purge holds the mailbox so long, and says so again each third of it. */
  purgeHoldMs: 60_000,
  /** Checkpoints of a removed mailbox are kept so long: coming back within it repeats nothing. A month, so that a slip is noticed first. */
  removedCheckpointsMs: 30 * 86_400_000,
  /** Names of letters that were discarded are kept so long, and can be put back until then: a week, so that somebody who was away sees it. */
  discardedLettersMs: 7 * 86_400_000,
  /** IDLE is begun anew after this, and up to a quarter later: Exchange ends a silent session after 30 min, some routers sooner. */
  pushTurnMs: 20 * 60_000,
  /** After a poke for a mailbox the next one comes so much later at least; in a mailbox that never rests it grows up to the second. */
  pushPauseMs: 1_000,
  pushPauseMaxMs: 5_000,
  /** Logins of push for one tenant, over all workers: so far apart, up to twice that. 1 to 2 a second (F29). */
  pushLoginGapMs: 500,
  /** Mailboxes that a worker has taken and not yet connected. Bounds what a new worker takes before the others give. */
  pushConnecting: 16,
  /** Workers look whether they hold too few or too many this often: a worker that leaves is replaced within twice that. */
  pushRoundMs: 2_000,
  /** Mailboxes that were registered or left are noticed this often. */
  pushSurveyMs: 60_000,
  /** A mailbox that has to wait longer than this is given back, so that its connection serves another one. */
  pushKeepMs: 30_000,
  /** An IDLE that lived this long worked: what fails after it is the first failure. */
  pushHealthyMs: 60_000,
  /** An IDLE connection costs about 140 KB of resident memory with TLS: 500 are 70 MB of a worker's 440. */
  pushConnections: 500,
  /** A worker reports a tenant's opened mailboxes together, this often; one that was refused before is reported by itself. */
  openedReportMs: 10_000,
  /**
   * All of a tenant are refused: so many mailboxes at least, for longer than reports of opened ones may take (exchange-online row 18). A
   * mailbox that never opened is looked at for the third time after 13 s, and then not for an hour: by then it must be told.
   */
  tenantDownMailboxes: 3,
  tenantDownAfterMs: 12_000,
  /** A tenant with fewer mailboxes says less: then only after this. */
  smallTenantDownAfterMs: 10 * 60_000,
  /** Tenants that go down within this time of each other do so for one reason (exchange-online row 23): so many, or half of all, and two. */
  incidentTogetherMs: 15 * 60_000,
  incidentTenants: 3,
  /** When one of them is back the others are looked at, so far apart. */
  incidentOverMs: 500,
  /** A tenant that opened nothing for longer is not asked about others. */
  tenantActiveMs: 24 * 3_600_000,
  /** So many mailboxes of a tenant throttled within this time, and half of those at work: it is the tenant's budget. */
  tenantThrottledMailboxes: 5,
  throttleWindowMs: 60_000,
  /** Refused mailboxes of a tenant that are told apart, about 80 bytes each. */
  refusedKept: 1_000,
  /** A canary that was taken and not started; one that started has its lease. */
  canaryMs: 60_000,
  /** Another look at a held tenant whose canary was busy or came to nothing. */
  canaryAgainMs: 2_000,
  /** Another look for a new credential that has not failed: the last one may have been by a worker that reads its files later (20 s). */
  credentialAgainMs: 10_000,
  /** Mailboxes of a parked tenant that are told downstream by one script: 100 events keep Redis for about 3 ms. */
  tellChunk: 100,
  /**
   * Logins of one tenant in a second. Microsoft documents no number, so they begin slowly and grow by a tenth in ten seconds while none
   * is refused; a refusal halves them, once in that time, and nothing grows for a minute then.
   */
  loginsAtFirst: 2,
  loginsAtLeast: 0.5,
  loginsDefault: 10,
  /**
   * For each login of new mail history is owed so much of one: a tenant whose polls take all logins would never see the end of it. A
   * session that brings history takes new mail first, so none is lost.
   */
  loginsHistoryShare: 0.2,
  /** The sandbox and servers of one's own. */
  loginsCustom: 1_000,
  /** Sessions at one mail server, over all tenants and workers. No limit of Microsoft's is known; this one is not met by accident. */
  perHostInFlight: 500,
  loginsGrowth: 1.1,
  loginsStepMs: 10_000,
  loginsCalmMs: 60_000,
  /** A mailbox taken from the due index and not started comes back after this (F05). */
  takenMs: 60_000,
  /** Tenants that join the line by one script: 2 ms of Redis. */
  tenantsJoining: 1_000,
  /** Places of the line that are looked at in one script, at most: each is a handful of commands, together some milliseconds. */
  lineAtOnce: 512,
  /**
   * A tenant that is held, or has no login left, is looked at again after this, or before where somebody says so. The first is half a
   * round of the producer; a thousand held tenants cost a thousand looks in the time of the second.
   */
  blockedLeastMs: 50,
  blockedMostMs: 1_000,
  /** Due times that were written without a word to the producers, by an older version or in a Redis that lost a second, are found by then. */
  dueSurveyMs: 10_000,
  /** Share of `perHostInFlight` that history may fill: the rest is for new mail alone. */
  historyHostShare: 0.75,
  /** A mailbox of which somebody saw mail come goes before polls that are late by less than this, and behind those that are late by more. */
  pokeAheadMs: 10 * 60_000,
  /** A disk with less than this share left, and less than so many bytes, takes no mail (F16): see `isDiskLow`. */
  diskReserveShare: 0.1,
  diskReserveBytes: 1_000_000_000,
  /** A clock that is further off from Redis' is told: below that it is the network's time or ordinary drift. */
  clockSkewMs: 2_000,
  /** Network guards of section 2 of the threat model. */
  connectMs: 15_000,
  /** One name look-up (F23). How many names are asked about at once: each can hold one of libuv's 16 threads, which fsync needs too. */
  lookUpMs: 5_000,
  lookUpsAtOnce: 4,
  /** An answer is used for so long. */
  lookUpMemoryMs: 5_000,
  /** TLS sessions are resumed for so long after a certificate was verified, renewed from so old on, and kept for so many servers. */
  tlsResumeMs: 3_600_000,
  tlsRenewMs: 60_000,
  tlsPeers: 1_000,
  greetingMs: 30_000,
  commandSilenceMs: 60_000,
  tokenRequestMs: 10_000,
  /** A session that the server ends with its token while this is left of it ends too early: clocks differ by seconds, not by this. */
  staleTokenMs: 60_000,
  /** Files of secrets, keys and certificates are looked at this often: changed ones are in use within a minute (T12, F24). */
  credentialLookMs: 20_000,
  /** A next credential that works is tried once in this time, one that does not after the shorter one: it may be on its way. */
  credentialTestMs: 24 * 3_600_000,
  credentialRetestMs: 10 * 60_000,
  /** Days before its end at which a credential is told: time to plan, time to act, time to hurry. */
  credentialEndDays: [60, 30, 7],
  tokenResponseBytes: 256 * 1024,
  /** One parse, wall clock; after it the thread is ended and the message quarantined. */
  parseMs: 10_000,
  parseParts: 1_000,
  parseDepth: 100,
  parseHeaderBytes: 1024 * 1024,
  parseAddresses: 10_000,
  /** Header fields of one part: two hundred are many, and the event's size is bounded anyway. */
  parseHeaderFields: 10_000,
  /** Text and HTML of all parts, raw. What is longer is cut and the event says so; nobody reads 16 MB of text. */
  parseTextBytes: 16 * 1024 * 1024,
  /** Slower than this a streamed message is stuck: on top of `parseMs`, its time is its size over this. */
  parseBytesPerSecond: 4 * 1024 * 1024,
  /** A server's wait hint is believed only within this range (T42). */
  hintMinMs: 1_000,
  hintMaxMs: 2 * 3_600_000,
  /** A pause for a server that slowed is slept with the session open up to this; a longer one ends it, and socket and slot are free. */
  paceRestMs: 15_000,
  /** A batch takes the server, and the pause after it, about this long: it shows soon enough that answers get slow. */
  paceBatchMs: 1_500,
  /** Of the time of a session that brings history, where the server has slowed: so much goes into looks for new mail. */
  paceLookShare: 0.2,
  /** A session without a slot to lend waits this long with its own; for longer it ends. */
  paceSlotMs: 250,
  /** A signal counts for a session that begins up to this long after it: the answer that let the session begin may be older. */
  signalMs: 5_000,
  /** A process that reported within this time is alive: three heartbeats of ten seconds. */
  aliveMs: 30_000,
  /** SIGTERM to exit. */
  drainMs: 10_000,
  /**
   * Default of events in the `messages` queue at which history stops (G4): an hour's work for a consumer that takes 14/s, and about 500 MB
   * of Redis at the usual 10 kB an event.
   */
  queueHighWater: 50_000,
  /** Default of their bytes at which it stops too: four times the usual size of that many, for mail that is larger than usual. */
  queueHighWaterBytes: 2_000_000_000,
  /** Default of dead letters at which everything stops: consumers that failed that often fail for a reason a person must mend (T46). */
  queueDeadLetters: 10_000,
  /** New mail still comes in up to this many times the mark; then it waits on the server too. */
  freshHighWaterFactor: 1.2,
  /** History slows from this share of the mark on. */
  backfillSlowFrom: 0.8,
  /** Longest pause after a batch while a lane slows: long enough to matter, short enough that a lease and a drain do not notice. */
  intakePauseMs: 2_000,
  /** Share of Redis' maxmemory that counts as the mark: the rest is for leases, checkpoints and what is in flight. */
  redisMemoryShare: 0.8,
} as const;
