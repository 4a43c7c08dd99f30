import type { FailureCode } from "../failure-code.ts";
import type { ErrorFacts } from "../failure.ts";
import type { Protocol } from "../ids.ts";
import { formatCount, formatCounted } from "../words/numbers.ts";
import { protocolNames } from "../words/protocols.ts";
import { shellWord } from "../words/shell-word.ts";
import { formatDeadline, formatDuration, type TimeStyle } from "../words/times.ts";
import { failed, type Finding, look, passed, skipped, type StepVerdict } from "./finding.ts";
import { said } from "./mail-words.ts";
import type { MailboxLook, Observations } from "./observations.ts";
import { isOtherOpen, protocolOff } from "./other-protocol.ts";
import { isAmbiguous, isOpen, isServerTrouble, workedLately } from "./refusal.ts";
import { exchangePassed, judged } from "./refusal-steps.ts";

type Refused = Extract<MailboxLook, { kind: "refused" }>;

/** Exchange as a whole, and then the one mailbox: one login tells of both. */
export function mailSteps(seen: Observations, mailbox: MailboxLook, style: TimeStyle): readonly StepVerdict[] {
  switch (mailbox.kind) {
    case "opened":
      return [exchangePassed(seen), opened(seen, mailbox)];
    case "not tried": {
      const why = "not tried: the tenant has no mailbox yet";
      return [skipped("Exchange", why), skipped("mailbox", why)];
    }
    case "held":
      return [skipped("Exchange", "not asked: the mailbox is left alone"), held(seen, mailbox.cause, style)];
    case "refused":
      return refused(seen, mailbox, style);
  }
}

function opened(seen: Observations, { folders, messages, countedFolders }: Extract<MailboxLook, { kind: "opened" }>): StepVerdict {
  const where = countedFolders < folders ? ` in ${formatCount(countedFolders)} of them` : "";
  const isPop3 = seen.subject.protocol === "pop3";
  const text = isPop3
    ? `opened, ${formatCounted(messages, "message")} in its INBOX, all that POP3 shows`
    : `opened, ${formatCounted(folders, "folder")}, ${formatCounted(messages, "message")}${where}`;
  const parkedBy = seen.redis?.kind === "ready" ? seen.redis.fleet.mailbox?.parkedBy : undefined;
  if (parkedBy === undefined) return passed("mailbox", text);
  const who = shellWord(seen.subject.mailbox ?? "");
  return look(
    "mailbox",
    text,
    `${parkedBy} parked it, so it is not read. To go on: npx mailfleet mailboxes resume ${who}${seen.subject.options ?? ""}`,
  );
}

function held(seen: Observations, cause: Extract<MailboxLook, { kind: "held" }>["cause"], style: TimeStyle): StepVerdict {
  const until = formatDeadline(cause.nextAt, style);
  const isThrottled = cause.code === "SERVER_THROTTLED";
  const who = seen.subject.mailbox ?? "the mailbox";
  return failed("mailbox", {
    code: cause.code,
    certainty: "certain",
    happened: isThrottled
      ? `${who} is throttled by the server until ${until}. It was not asked again: that would make it worse.`
      : `${who} is left alone until ${until}${said({ text: cause.text })} It was not asked again.`,
    cause: isThrottled
      ? "Exchange asked for the pause. mailfleet goes on by itself then, slower for a quarter of an hour."
      : "The server takes no further connection for now. mailfleet goes on by itself then.",
    conclusion: isThrottled ? "the server asked for a pause" : "the mailbox waits",
    also: isThrottled ? ["other programs that read the same mailbox use up the same budget."] : [],
  });
}

function refused(seen: Observations, mailbox: Refused, style: TimeStyle): readonly StepVerdict[] {
  const { code, facts, stage } = mailbox;
  // Past the login Exchange has shown that it knows the app.
  if (stage !== "login") return [exchangePassed(seen), laterRefusal(seen, mailbox)];
  if (facts.responseStatus !== undefined && /session invalidated/i.test(facts.text ?? "") && code === "TOKEN_REJECTED")
    return [exchangePassed(seen), invalidated(facts)];
  if (isAmbiguous(code)) return isOtherOpen(seen) ? protocolOff(seen, mailbox, style.now) : judged(seen, mailbox, style);
  switch (code) {
    case "SERVER_THROTTLED":
      return [
        passed("Exchange", "answers"),
        failed("mailbox", {
          code,
          certainty: "certain",
          happened: `asks for a pause${facts.hintMs === undefined ? "" : ` of ${formatDuration(facts.hintMs)}`}${said(facts)}`,
          cause: "The mailbox's budget of server time is used up, by mailfleet or by another program.",
          conclusion: "the server asked for a pause",
          also: ["the budget of the whole app, if others of the tenant are throttled too."],
        }),
      ];
    case "CONNECTION_LIMIT":
      return [
        passed("Exchange", "answers"),
        failed("mailbox", {
          code,
          certainty: "certain",
          happened: `takes no further connection${said(facts)}`,
          cause: "Too many sessions are open on this mailbox. Those that died live on at the server for some minutes.",
          conclusion: "too many connections to the mailbox",
        }),
      ];
    case "LOGIN_METHOD_REFUSED":
      return [
        failed("Exchange", {
          code,
          certainty: "most likely",
          happened: `refuses the way mailfleet logs in${said(facts)}`,
          cause:
            "endpoints leads to a proxy that changes the login, or to a server that is not Exchange Online. It says so to clients that send a password.",
          conclusion: "the way of logging in is refused",
        }),
      ];
    default:
      return [serverTrouble(seen, code, facts)];
  }
}

/** `Session invalidated` with another reason than the token's end (exchange-online row 28). */
function invalidated(facts: ErrorFacts): StepVerdict {
  return failed("mailbox", {
    code: "TOKEN_REJECTED",
    certainty: "most likely",
    happened: `is opened, and its session ended at once${said(facts)}`,
    cause: "The account was disabled, or its sessions were revoked, for the reason that the server names.",
    conclusion: "the server ends the mailbox's sessions",
    also: ["a mailbox that is being moved; a permission that was taken away a moment ago."],
  });
}

/** Neither a refusal of the app nor of the mailbox: the server, or what stands between. */
function serverTrouble(seen: Observations, code: FailureCode, facts: ErrorFacts): StepVerdict {
  const others = seen.controls?.others ?? [];
  const neighbours = seen.controls?.neighbours ?? [];
  const everywhere =
    others.length > 0 && [...others, ...neighbours].every((one) => one.refusal !== undefined && isServerTrouble(one.refusal.code));
  if (isServerTrouble(code) && everywhere) {
    return failed("Exchange", {
      code: "SERVICE_INCIDENT",
      certainty: "most likely",
      happened: `has trouble with every tenant tried (${formatCount(others.length + 1)} of ${formatCount(others.length + 1)})${said(facts)}`,
      cause: "Trouble at Microsoft, or on the way there: nothing of one tenant explains it.",
      conclusion: "many tenants at once are in trouble",
      also: ["this machine's network, if it is all tenants of yours and nobody else's."],
      fixes: [{ who: "Look at:", commands: ["https://status.cloud.microsoft"] }],
    });
  }
  const fine = neighbours.filter(isOpen).length;
  const base: Pick<Finding, "code" | "happened" | "conclusion"> = {
    code,
    happened: `${troubleWords(code, seen.subject.protocol)}${said(facts)}`,
    conclusion: troubleConclusions[code] ?? "the mail server misbehaves",
  };
  if (fine > 0) {
    return failed("mailbox", {
      ...base,
      certainty: "most likely",
      cause: `Something of this mailbox alone, such as a move between servers: ${formatCounted(fine, "other mailbox", "other mailboxes")} of the tenant opened. It mostly ends by itself.`,
      also: ["chance: a connection that broke once."],
    });
  }
  return failed("Exchange", {
    ...base,
    certainty: "possible",
    cause: "Exchange is overloaded or fails over; it mostly ends by itself within minutes.",
    also: ["a firewall or proxy that lets TLS through and not what follows."],
  });
}

function laterRefusal(seen: Observations, { stage, code, facts }: Refused): StepVerdict {
  // A spool's only folder is its INBOX: what fails while folders are counted fails at its list.
  const hasFolders = seen.subject.protocol === "imap";
  const isHidden = stage === "INBOX" && (code === "FOLDER_UNSELECTABLE" || code === "FOLDER_GONE");
  if (isHidden) {
    return failed("mailbox", {
      code: "FOLDER_UNSELECTABLE",
      certainty: "most likely",
      happened: `opens, and its INBOX does not${said(facts)}`,
      cause: "Somebody made a folder called Inbox beside the real one, which hides it (Exchange).",
      conclusion: "INBOX cannot be opened",
      fixes: [{ who: "In Outlook of that mailbox:", commands: ["rename or remove the folder called Inbox that is not the Inbox"] }],
      also: ["a mailbox that is being moved."],
    });
  }
  const what =
    stage === "message"
      ? "a message cannot be read"
      : hasFolders && stage === "folders"
        ? "its folders cannot be listed"
        : "its INBOX cannot be opened";
  const worked = workedLately(seen, Number.MAX_SAFE_INTEGER);
  return failed("mailbox", {
    code,
    certainty: code === "UNCLASSIFIED" ? "possible" : "most likely",
    happened: `opens, and ${what}${said(facts)}`,
    cause:
      code === "SERVER_THROTTLED"
        ? "The mailbox's budget of server time is used up. mailfleet goes on by itself."
        : "The server has trouble with this mailbox; it mostly ends by itself.",
    conclusion: what,
    also: worked ? [] : ["a mailbox that is being moved."],
  });
}

function troubleWords(code: FailureCode, protocol: Protocol): string {
  if (code === "PROTOCOL_VIOLATION") return `sends something that ${protocolNames[protocol]} does not allow`;
  return troubles[code] ?? "does something that mailfleet has no name for";
}

const troubles: Partial<Record<FailureCode, string>> = {
  SERVER_UNAVAILABLE: "says that it is unavailable",
  SESSION_CLOSED: "ends the connection",
  SESSION_EXPIRED: "ends the session with its token",
  CONNECT_TIMEOUT: "does not answer in time, though TLS stands",
  CONNECT_REFUSED: "is not reached any more",
  TLS_HANDSHAKE: "ends TLS",
};

const troubleConclusions: Partial<Record<FailureCode, string>> = {
  SERVER_UNAVAILABLE: "the mail server is unavailable",
  SESSION_CLOSED: "the mail server ends the connection",
  CONNECT_TIMEOUT: "the mail server does not answer",
  PROTOCOL_VIOLATION: "the mail server breaks the protocol",
};
