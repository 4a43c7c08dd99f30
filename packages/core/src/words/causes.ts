import type { FailureCode, FailureScope } from "../failure-code.ts";
import { stripControls } from "../strip-controls.ts";
import { causeCatalogue, type Telling } from "./cause-catalogue.ts";
import { formatCount, formatCounted } from "./numbers.ts";
import { shellWord } from "./shell-word.ts";
import { formatAgo, formatDeadline, formatIn, type TimeStyle } from "./times.ts";

/** A cause with those whom it hits: one mailbox, or a group of {@link groupCauses}. Times are epoch ms. */
export interface CauseFacts {
  readonly code: FailureCode;
  readonly scope: FailureScope;
  readonly state: "parked" | "waiting";
  /** Undefined when more than one tenant is hit. */
  readonly tenant?: string;
  /** How many tenants are hit, when it is more than one. */
  readonly tenantCount?: number;
  /** Addresses, at least one where any mailbox is hit; need not be all. */
  readonly mailboxes: readonly string[];
  readonly mailboxCount: number;
  readonly since: number;
  readonly nextAt: number;
  readonly tries: number;
  /** The server's words or our sentence, scrubbed. */
  readonly text: string;
}

/** One wording for terminal, console, alert and documentation: what happened, to whom, what comes next, what one can do. */
export interface CauseWords {
  /** In a table: `client secret expired 2 h 10 min ago`. */
  readonly label: string;
  /** One line with its subject: `hr@contoso.example refuses mailfleet: no access was granted to it`. */
  readonly line: string;
  /** The line without its subject, for who shows that in a column of its own: `refuses mailfleet: no access was granted to it`. */
  readonly short: string;
  /** What happened, to whom. */
  readonly happened: string;
  /** What mailfleet does next, and when. */
  readonly next: string;
  /** What a person can do; `Nothing.` where that is so. */
  readonly youCan: string;
  /** A command that can be pasted, where one helps. */
  readonly command?: string;
}

const nothing = "Nothing.";

/** What a cause is called, says and asks for. Total over all failure codes. */
export function describeCause(facts: CauseFacts, style: TimeStyle): CauseWords {
  const telling = tellingOf(facts, style);
  const entry = causeCatalogue[facts.code](telling);
  const command = commandOf(facts);
  const isPlural = facts.mailboxCount !== 1;
  const parked =
    facts.state === "parked" && facts.scope === "tenant"
      ? ` ${formatCounted(facts.mailboxCount, "mailbox", "mailboxes")} ${isPlural ? "are" : "is"} parked.`
      : "";
  return {
    label: entry.label,
    line: entry.line,
    short: withoutSubject(entry.line, [telling.mailboxes, telling.tenant]),
    happened: startUpper(entry.happened) + parked,
    next: `${entry.next ?? nextOf(facts, style)} Nothing is lost; mail waits on the server.`,
    youCan: entry.youCan ?? nothing,
    ...(command !== undefined && { command }),
  };
}

function tellingOf(facts: CauseFacts, style: TimeStyle): Telling {
  const tenant = stripControls(facts.tenant ?? formatCounted(facts.tenantCount ?? 0, "tenant"));
  const isOne = facts.mailboxCount === 1 && facts.mailboxes[0] !== undefined;
  const mailboxes = isOne
    ? stripControls(facts.mailboxes[0] as string)
    : `${formatCounted(facts.mailboxCount, "mailbox", "mailboxes")} of ${tenant}`;
  // A group hit as a whole reads as many; `1 mailbox` of unknown name still as one.
  const isSingular = facts.mailboxCount === 1;
  return {
    who: facts.scope === "tenant" ? tenant : mailboxes,
    mailboxes,
    tenant,
    are: isSingular ? "is" : "are",
    s: isSingular ? "s" : "",
    es: isSingular ? "es" : "",
    since: formatAgo(facts.since, style.now),
    until: formatDeadline(facts.nextAt, style),
    again: facts.tries > 1 ? `, try ${formatCount(facts.tries)}` : "",
    tries: facts.tries,
    isParked: facts.state === "parked",
    quote: facts.text === "" ? "" : ` The words were: "${stripControls(facts.text)}"`,
  };
}

function nextOf(facts: CauseFacts, style: TimeStyle): string {
  const when = facts.nextAt <= style.now ? "now" : `at ${formatDeadline(facts.nextAt, style)} (${formatIn(facts.nextAt, style.now)})`;
  if (facts.state === "waiting") return `Tries again ${when}.`;
  return `${facts.tries > 1 ? `Tried ${formatCount(facts.tries)} times, now parked. ` : ""}Looks again ${when}, then at least every hour.`;
}

function commandOf(facts: CauseFacts): string | undefined {
  if (facts.state === "waiting") return undefined;
  if (facts.scope === "tenant" && facts.tenant !== undefined) return `mailfleet doctor --tenant ${shellWord(facts.tenant)}`;
  const [first] = facts.mailboxes;
  if (facts.scope !== "process" && first !== undefined) return `mailfleet doctor --mailbox ${shellWord(first)}`;
  return "mailfleet doctor";
}

function withoutSubject(line: string, subjects: readonly string[]): string {
  const subject = subjects.find((one) => line.startsWith(`${one} `) || line.startsWith(`${one}: `));
  return subject === undefined ? line : line.slice(subject.length).replace(/^:? /, "");
}

/** An address at the beginning keeps its spelling. */
function startUpper(text: string): string {
  return /^\S*@/.test(text) ? text : text.replace(/^./, (letter) => letter.toUpperCase());
}
