import { alertWords, endsParked, type FailureCode, failureCodes, type Lane, laneNames, taxonomy } from "@mailfleet/core";
import { metricCatalogue as metrics } from "./metric-catalogue.ts";

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** Prometheus' duration: for so long before it fires. */
  readonly for: string;
  /** `page`: wake somebody. `ticket`: within a working day. */
  readonly severity: "page" | "ticket";
  readonly summary: string;
  readonly description: string;
  /** Section of `docs/runbook.md`, or of `docs/errors.md` for a cause. */
  readonly page: { readonly file: "runbook.md" | "errors.md"; readonly anchor: string };
}

const tenant = "{{ $labels.tenant }}";
/**
 * The sentence that `status` and the console begin with, for alerts about what it counts: Prometheus asks for it when the alert fires.
 * While no producer shows one, the rule's own words.
 */
function sentenceOr(own: string): string {
  const shown = `max by (sentence) (${metrics.sentence.name})`;
  return `{{ with query "${shown}" }}{{ . | first | label "sentence" }}{{ else }}${own}{{ end }}`;
}

const nothingLost = "Nothing is lost; mail waits on the server.";

/** About the fleet as a whole. Every producer shows the same facts: the largest is taken, so that two of them are not two fleets. */
const fleetRules: readonly AlertRule[] = [
  rule("MailfleetUnaccounted", `max by (tenant) (${metrics.unaccounted.name}) != 0`, "10m", "page", {
    summary: `${tenant}: {{ $value }} messages are in no account of the ledger`,
    description: `The ledger of ${tenant} does not add up: {{ $value }} messages are listed and neither handed off, excluded, quarantined nor to do. That is a fault of mailfleet. Command: npx mailfleet prove --tenant ${tenant}`,
  }),
  rule("MailfleetNoProducer", `absent(${metrics.mailboxes.name})`, "5m", "page", {
    summary: "No producer of mailfleet shows the fleet",
    description: `No producer could be read for 5 min: none runs, or none reaches Redis. Without one no mailbox is checked. ${nothingLost} Start one, or look at its log.`,
  }),
  rule("MailfleetNoWorker", `absent(${metrics.processes.name}{role="worker"})`, "5m", "page", {
    summary: "No worker of mailfleet reports",
    description: `No worker reported for 5 min, so no mail is read. ${nothingLost} Start one, or look at its log.`,
  }),
  laneRule("fresh", "MailfleetNoFreshWorker", "5m", "page"),
  laneRule("backfill", "MailfleetNoBackfillWorker", "15m", "ticket"),
  rule("MailfleetStuck", `max by (instance) (${metrics.lastSign.name}) > 120`, "2m", "page", {
    summary: "{{ $labels.instance }} finishes no round of its work",
    description:
      "A role finished no round for {{ $value }} s; one takes less than 30 s. /healthz of it answers 503. Restart it, and keep its log.",
  }),
  rule("MailfleetBehind", `sum by (tenant) (max by (tenant, state) (${metrics.mailboxes.name}{state="behind"})) > 0`, "15m", "page", {
    summary: sentenceOr(`${tenant}: {{ $value }} mailboxes are behind`),
    description: `{{ $value }} mailboxes of ${tenant} were not checked within the promised time (sync.freshWithinSeconds) for 15 min. ${nothingLost} See whether workers are too few, the server throttles, or consumers are behind. Command: npx mailfleet status`,
  }),
  rule("MailfleetDueLag", `max by (tenant) (${metrics.dueLag.name}) > 300`, "10m", "ticket", {
    summary: `${tenant}: a mailbox is due since {{ $value | humanizeDuration }}`,
    description: `Mailboxes of ${tenant} wait for a worker: more fall due than are taken. ${nothingLost} Start more workers, or raise sync.concurrency; if the tenant's logins are the limit, poll less often.`,
  }),
  rule("MailfleetIntakeClosed", `min(${metrics.intake.name}{lane="fresh"}) == 0`, "5m", "page", {
    summary: sentenceOr("mailfleet takes no new mail: consumers are too far behind"),
    description: `So much waits for consumers, or Redis is so full, that new mail is left on the servers. ${nothingLost} Start more consumers, look at their errors, discard or replay dead letters. Command: npx mailfleet status`,
  }),
  rule("MailfleetEventsWait", `max(${metrics.oldestEvent.name}) > 900`, "10m", "ticket", {
    summary: "An event has waited {{ $value | humanizeDuration }} for a consumer",
    description: "Events wait longer than 15 min in the queue messages. Start more consumers, or look at their errors.",
  }),
  rule("MailfleetDeadLetters", `max(${metrics.events.name}{state="failed"}) > 0`, "15m", "ticket", {
    summary: "{{ $value }} dead letters wait for a decision",
    description:
      "Consumers failed on {{ $value }} events, eight tries each. Mend the cause, then replay them. Command: npx mailfleet dead-letters list",
  }),
  rule("MailfleetRedisFull", `max(${metrics.redisMemory.name}) > 0.8`, "10m", "ticket", {
    summary: "Redis has used {{ $value | humanizePercentage }} of its memory limit",
    description:
      "At 100 % Redis refuses every write and nothing moves. Start more consumers, discard dead letters, or give Redis more memory.",
  }),
  rule("MailfleetQuarantine", `sum by (tenant) (increase(${metrics.quarantined.name}[1h])) > 10`, "0m", "ticket", {
    summary: `${tenant}: {{ $value | humanize }} messages were set aside within an hour`,
    description: `More messages of ${tenant} than usual could not be read. Each is kept, and its reason is in its event. Command: npx mailfleet dead-letters list`,
  }),
  rule(
    "MailfleetCredentialEnds",
    `min by (tenant) (${metrics.credentialDays.name}{credential="current"}) < 14 unless on (tenant) ${metrics.credentialDays.name}{credential="next"} > 14`,
    "1h",
    "ticket",
    {
      summary: `${tenant}: its credential ends in {{ $value | humanize }} days`,
      description: `The credential of ${tenant} ends in {{ $value | humanize }} days, and no next one is configured that lasts longer. Then all its mailboxes stop. Command: npx mailfleet onboard --tenant ${tenant} --rotate`,
    },
  ),
  rule("MailfleetSlowLoop", "max by (instance) (nodejs_eventloop_lag_p99_seconds) > 1", "10m", "ticket", {
    summary: "{{ $labels.instance }} is too busy to answer in time",
    description:
      "The event loop of a role is late by more than 1 s: it has too little processor. Give it more, or start another worker and lower sync.concurrency.",
  }),
];

/** One rule for each cause that a person has to end, in its own words, and those that last long enough to be looked at. */
function causeRules(): readonly AlertRule[] {
  return failureCodes.filter(stopsMailboxes).map((code) => {
    const { summary, description } = alertWords(code);
    return {
      alert: `Mailfleet${code.toLowerCase().replace(/(^|_)(.)/g, (_match, _gap, letter: string) => letter.toUpperCase())}`,
      expr: `max by (tenant) (${metrics.causes.name}{code="${code}",owner="you"}) > 0`,
      for: "2m",
      severity: endsParked(code) ? ("page" as const) : ("ticket" as const),
      summary: sentenceOr(summary),
      description,
      page: { file: "errors.md" as const, anchor: code.toLowerCase() },
    };
  });
}

/** Scopes whose failures are written to a mailbox or tenant as its cause. */
function stopsMailboxes(code: FailureCode): boolean {
  const { scope, disposition } = taxonomy[code];
  return (scope === "tenant" || scope === "mailbox" || scope === "session") && disposition !== "continue";
}

function rule(
  alert: string,
  expr: string,
  duration: string,
  severity: AlertRule["severity"],
  words: { readonly summary: string; readonly description: string },
): AlertRule {
  return { alert, expr, for: duration, severity, ...words, page: { file: "runbook.md", anchor: alert.toLowerCase() } };
}

/** Mailboxes wait in a lane that none of the workers serves. Where there is no worker at all, that is told instead. */
function laneRule(lane: Lane, alert: string, duration: string, severity: AlertRule["severity"]): AlertRule {
  const what = laneNames[lane];
  const sum = (name: string): string => `max(${name}{lane="${lane}"})`;
  const anybody = `max(${metrics.processes.name}{role="worker"}) > 0`;
  const expr = `${sum(metrics.laneWaiting.name)} > 0 and ${sum(metrics.laneWorkers.name)} == 0 and ${anybody}`;
  return rule(alert, expr, duration, severity, {
    summary: sentenceOr(`No worker serves ${what}: {{ $value }} mailboxes wait`),
    description: `Workers run, and none of them has worker.lane ${lane} or both, so no ${what} is read. ${nothingLost} Start one for it, or set worker.lane to both. Command: npx mailfleet worker --lane ${lane}`,
  });
}

export function alertRules(): readonly AlertRule[] {
  return [...fleetRules, ...causeRules()];
}

/** A string of YAML in the quotes that need fewer escapes. */
function quoted(text: string): string {
  return text.includes('"') ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
}

/** As a rules file of Prometheus. */
export function alertsFile(): string {
  const rules = alertRules().map(
    (one) => `      - alert: ${one.alert}
        expr: ${quoted(one.expr)}
        for: ${one.for}
        labels: { severity: ${one.severity} }
        annotations:
          summary: ${quoted(one.summary)}
          description: ${quoted(one.description)}
          runbook_url: docs/${one.page.file}#${one.page.anchor}
`,
  );
  return `# Made by packages/telemetry/scripts/write-deploy.ts; a test keeps it equal to the code.\ngroups:\n  - name: mailfleet\n    rules:\n${rules.join("")}`;
}
