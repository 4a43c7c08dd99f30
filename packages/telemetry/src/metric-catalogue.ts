/** Which role shows a metric. Facts of the fleet come from producers: each of them shows the same, so a query takes their maximum. */
export type MetricRole = "producer" | "worker" | "console" | "every role";

export interface MetricSpec {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  readonly role: MetricRole;
  /** Upper ends, of a histogram. */
  readonly buckets?: readonly number[];
}

/** Ends that an operator thinks in: one poll, the default promise, an hour, a working day. */
const ageBuckets = [30, 60, 120, 300, 600, 1_200, 3_600, 21_600, 86_400];
/** From a look over a LAN to a slice of history. */
const sessionBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

/**
 * Everything that `/metrics` shows of ours. Names and labels are public: they change only with a major version. No label holds a mailbox,
 * a folder or anything that a sender chose: the number of series stays that of tenants times words of ours.
 */
export const metricCatalogue = {
  sentence: {
    name: "mailfleet_sentence_info",
    type: "gauge",
    help: "Always 1; its label is the sentence that mailfleet status and the console begin with. One series at a time, and the same one as long as all is well.",
    labels: ["sentence"],
    role: "producer",
  },
  mailboxes: {
    name: "mailfleet_mailboxes",
    type: "gauge",
    help: "Mailboxes by state. The states are those of mailfleet status; their sum is the tenant's mailboxes.",
    labels: ["tenant", "state"],
    role: "producer",
  },
  checkAge: {
    name: "mailfleet_check_age_seconds",
    type: "histogram",
    help: "Age of each mailbox's last completed check, as it is now. Made anew for each scrape: use it without rate().",
    labels: ["tenant"],
    role: "producer",
    buckets: ageBuckets,
  },
  oldestCheck: {
    name: "mailfleet_oldest_check_seconds",
    type: "gauge",
    help: "Age of the check that is longest ago, of mailboxes that nothing stops.",
    labels: ["tenant"],
    role: "producer",
  },
  causes: {
    name: "mailfleet_stopped_mailboxes",
    type: "gauge",
    help: "Mailboxes that something stops, by failure code. owner: you (parked until a person acts) or self (goes on by itself).",
    labels: ["tenant", "code", "owner"],
    role: "producer",
  },
  ledger: {
    name: "mailfleet_messages",
    type: "gauge",
    help: "The ledger: messages listed by the servers, and what became of them (handed_off, excluded, quarantined, to_do).",
    labels: ["tenant", "account"],
    role: "producer",
  },
  unaccounted: {
    name: "mailfleet_unaccounted_messages",
    type: "gauge",
    help: "Listed, and in no account of the ledger. Anything but 0 is a fault of mailfleet.",
    labels: ["tenant"],
    role: "producer",
  },
  dueLag: {
    name: "mailfleet_due_lag_seconds",
    type: "gauge",
    help: "How long the mailbox that waits longest for its check has been due, of those that nothing stops.",
    labels: ["tenant"],
    role: "producer",
  },
  syncJobs: {
    name: "mailfleet_sync_jobs_waiting",
    type: "gauge",
    help: "Mailboxes in the sync queues that no worker has taken yet.",
    labels: ["lane"],
    role: "producer",
  },
  events: {
    name: "mailfleet_events",
    type: "gauge",
    help: "Events in the messages queue: waiting, active, delayed (to be tried again), failed (dead letters).",
    labels: ["state"],
    role: "producer",
  },
  eventBytes: {
    name: "mailfleet_event_bytes",
    type: "gauge",
    help: "Estimated bytes of the events in the messages queue.",
    labels: [],
    role: "producer",
  },
  oldestEvent: {
    name: "mailfleet_oldest_event_seconds",
    type: "gauge",
    help: "How long the event that waits longest for a consumer has waited; 0 where none waits.",
    labels: [],
    role: "producer",
  },
  intake: {
    name: "mailfleet_intake",
    type: "gauge",
    help: "How far mail is let in: 1 open, 0.5 slowed, 0 closed by back-pressure.",
    labels: ["lane"],
    role: "producer",
  },
  redisMemory: {
    name: "mailfleet_redis_memory_ratio",
    type: "gauge",
    help: "Used share of Redis' own memory limit; 0 where it has none.",
    labels: [],
    role: "producer",
  },
  processes: {
    name: "mailfleet_processes",
    type: "gauge",
    help: "Roles that reported within the last 30 s.",
    labels: ["role"],
    role: "producer",
  },
  laneWorkers: {
    name: "mailfleet_lane_workers",
    type: "gauge",
    help: "Workers that reported within the last 30 s, by the lane that they serve (worker.lane); one that serves both counts in both.",
    labels: ["lane"],
    role: "producer",
  },
  laneWaiting: {
    name: "mailfleet_lane_waiting_mailboxes",
    type: "gauge",
    help: "Mailboxes that are due and not worked on (fresh), or have history left to read (backfill).",
    labels: ["lane"],
    role: "producer",
  },
  credentialDays: {
    name: "mailfleet_credential_days_left",
    type: "gauge",
    help: "Days until a tenant's credential ends, where that is known: from the certificate, or from expires in the configuration.",
    labels: ["tenant", "credential"],
    role: "worker",
  },
  sessions: {
    name: "mailfleet_sessions_total",
    type: "counter",
    help: "Sessions that ended, by outcome: done, cut-short, busy, held, lease-lost, or a failure code.",
    labels: ["tenant", "lane", "outcome"],
    role: "worker",
  },
  sessionSeconds: {
    name: "mailfleet_session_seconds",
    type: "histogram",
    help: "How long sessions took, from the lease to the settlement.",
    labels: ["lane"],
    role: "worker",
    buckets: sessionBuckets,
  },
  handedOff: {
    name: "mailfleet_handed_off_total",
    type: "counter",
    help: "Messages handed off.",
    labels: ["tenant", "lane"],
    role: "worker",
  },
  quarantined: {
    name: "mailfleet_quarantined_total",
    type: "counter",
    help: "Messages set aside: not parseable, too large, not delivered by the server.",
    labels: ["tenant", "lane"],
    role: "worker",
  },
  commits: {
    name: "mailfleet_commits_total",
    type: "counter",
    help: "Atomic commits of events and checkpoints.",
    labels: ["tenant", "lane"],
    role: "worker",
  },
  mailBytes: {
    name: "mailfleet_mail_bytes_total",
    type: "counter",
    help: "Bytes of messages handed off, as the server announced them.",
    labels: ["tenant", "lane"],
    role: "worker",
  },
  throttled: {
    name: "mailfleet_throttled_total",
    type: "counter",
    help: "Sessions that a server asked to wait.",
    labels: ["tenant"],
    role: "worker",
  },
  tokens: {
    name: "mailfleet_token_events_total",
    type: "counter",
    help: "What happened to tokens in this process: requests, failures, stored and adopted by the shared cache, unknownKey, broken, expired.",
    labels: ["event"],
    role: "worker",
  },
  activeSessions: {
    name: "mailfleet_active_sessions",
    type: "gauge",
    help: "Mailboxes at work in this process.",
    labels: ["lane"],
    role: "worker",
  },
  pushed: {
    name: "mailfleet_push_mailboxes",
    type: "gauge",
    help: "Mailboxes that are to be pushed fleet-wide (chosen) and that this worker is connected to (connected).",
    labels: ["state"],
    role: "worker",
  },
  consoleRequests: {
    name: "mailfleet_console_requests_total",
    type: "counter",
    help: "Requests that the console answered, by the first digit of the status: 2xx, 3xx, 4xx, 5xx.",
    labels: ["status"],
    role: "console",
  },
  consoleRefusals: {
    name: "mailfleet_console_refusals_total",
    type: "counter",
    help: "Requests that the console refused, by its code, such as WRONG_PASSWORD, FORGED, FORBIDDEN or TOO_MANY.",
    labels: ["code"],
    role: "console",
  },
  consoleStreams: {
    name: "mailfleet_console_streams",
    type: "gauge",
    help: "Browsers that are live by a stream of this console.",
    labels: [],
    role: "console",
  },
  lastSign: {
    name: "mailfleet_last_progress_seconds",
    type: "gauge",
    help: "How long ago this process last finished a round of its own work. /healthz judges by it.",
    labels: [],
    role: "every role",
  },
  build: {
    name: "mailfleet_build_info",
    type: "gauge",
    help: "Always 1; its labels say what runs.",
    labels: ["version", "role"],
    role: "every role",
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof metricCatalogue;
