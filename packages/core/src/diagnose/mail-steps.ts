import type { FailureCode } from "../failure-code.ts";
import type { ErrorFacts } from "../failure.ts";
import { stripControls } from "../scrub.ts";
import { formatCount, formatCounted } from "../words/numbers.ts";
import { formatDeadline, formatDuration, type TimeStyle } from "../words/times.ts";
import { failed, type Finding, passed, skipped, type StepVerdict } from "./finding.ts";
import { grantFix, principalFacts, principalIds, registerFix } from "./fixes.ts";
import type { MailboxLook, Observations } from "./observations.ts";
import { countTries, isAmbiguous, isOpen, isServerTrouble, judgeRefusal, workedLately } from "./refusal.ts";

type Refused = Extract<MailboxLook, { kind: "refused" }>;

/** Exchange as a whole, and then the one mailbox: one login tells of both. */
export function mailSteps(seen: Observations, mailbox: MailboxLook, style: TimeStyle): readonly StepVerdict[] {
  switch (mailbox.kind) {
    case "opened":
      return [exchangePassed(seen), opened(mailbox)];
    case "not tried": {
      const why = mailbox.why === "pop3" ? "not tried: POP3 comes in a later version" : "not tried: the tenant has no mailbox yet";
      return [skipped("Exchange", why), skipped("mailbox", why)];
    }
    case "held":
      return [skipped("Exchange", "not asked: the mailbox is left alone"), held(seen, mailbox.cause, style)];
    case "refused":
      return refused(seen, mailbox, style);
  }
}

function exchangePassed(seen: Observations): StepVerdict {
  const oid = seen.token?.claims?.oid;
  return passed("Exchange", oid === undefined ? "lets the app in" : `knows the app as ${shortId(oid)}`);
}

function opened({ folders, messages, countedFolders }: Extract<MailboxLook, { kind: "opened" }>): StepVerdict {
  const where = countedFolders < folders ? ` in ${formatCount(countedFolders)} of them` : "";
  return passed("mailbox", `opened, ${formatCounted(folders, "folder")}, ${formatCounted(messages, "message")}${where}`);
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
      ? "Exchange asked for the pause. mailfleet goes on by itself then, slower for an hour."
      : "The server takes no further connection for now. mailfleet goes on by itself then.",
    conclusion: isThrottled ? "the server asked for a pause" : "the mailbox waits",
    also: isThrottled ? ["other programs that read the same mailbox use up the same budget."] : [],
  });
}

function refused(seen: Observations, mailbox: Refused, style: TimeStyle): readonly StepVerdict[] {
  const { code, facts, stage } = mailbox;
  // Past the login Exchange has shown that it knows the app.
  if (stage !== "login") return [exchangePassed(seen), laterRefusal(seen, mailbox)];
  if (isAmbiguous(code)) return judged(seen, mailbox, style);
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
    happened: `${troubleWords[code] ?? "does something that mailfleet has no name for"}${said(facts)}`,
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
    stage === "folders" ? "its folders cannot be listed" : stage === "INBOX" ? "its INBOX cannot be opened" : "a message cannot be read";
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

function judged(seen: Observations, mailbox: Refused, style: TimeStyle): readonly StepVerdict[] {
  const { code, facts } = mailbox;
  const { subject, token, controls } = seen;
  const ids = principalIds(subject, token?.claims?.oid);
  const { tried, refused: shut } = countTries(seen);
  const count = tried === 1 ? "the one mailbox tried" : `every mailbox tried (${formatCount(shut)} of ${formatCount(tried)})`;
  const judgement = judgeRefusal(seen, code, style.now);
  const others = controls?.others ?? [];
  switch (judgement.kind) {
    case "incident":
      return [
        failed("Exchange", {
          code: "SERVICE_INCIDENT",
          certainty: judgement.isSure ? "most likely" : "possible",
          happened: `refuses ${count} and ${formatCounted(others.length, "other tenant")} as well${said(facts)} The token itself is good.`,
          cause: "A Microsoft incident: several tenants are refused at once, and they have nothing in common but Exchange.",
          conclusion: "Exchange refuses several tenants at once",
          fixes: [{ who: "Look at:", commands: ["https://status.cloud.microsoft"] }],
          also: judgement.isSure
            ? ["the same mistake in each tenant, unlikely because it worked within a day."]
            : ["the same mistake in each tenant: none of them is known to have worked."],
        }),
      ];
    case "app unknown":
      return [
        failed("Exchange", {
          code: "EXCHANGE_PRINCIPAL_UNKNOWN",
          certainty: judgement.isCompared ? "most likely" : "possible",
          happened: `refuses ${count}${said(facts)} The token itself is good.`,
          cause:
            "Exchange was given the object id of the App registration, or none. It needs that of the Enterprise application, which stands in the token:",
          conclusion: "Exchange does not know the app",
          facts: principalFacts(ids),
          fixes: [registerFix(ids, subject.mailbox)],
          also: [
            "registered less than an hour ago.",
            ...(judgement.isCompared
              ? []
              : ["no access to this one mailbox, or an unknown address: there was no other mailbox to compare with."]),
            outageWords(others.filter(isOpen).length, others.length),
          ],
        }),
      ];
    case "nothing granted":
      return [
        passed(
          "Exchange",
          `takes the login${token?.claims?.oid === undefined ? "" : `, and knows the app as ${shortId(token.claims.oid)}`}`,
        ),
        failed("mailbox", {
          code: "MAILBOX_ACCESS_DENIED",
          certainty: "most likely",
          happened: `${tried === 1 ? "is" : `is, as ${formatCount(shut)} of ${formatCount(tried)} mailboxes tried,`} let in and then refused${said(facts)}`,
          cause: "No access was granted to the app, or it was granted to another object id than that of the token:",
          conclusion: "no access was granted",
          facts: principalFacts(ids),
          fixes: [grantFix(ids, subject.mailbox ?? "<mailbox>", subject.protocol)],
          also: [
            "IMAP is switched off for it; the address is an alias, not the primary one; it is not in Exchange Online.",
            "granted less than an hour ago.",
            outageWords(others.filter(isOpen).length, others.length),
          ],
        }),
      ];
    case "this mailbox":
      return [
        exchangePassed(seen),
        failed("mailbox", {
          code: "MAILBOX_ACCESS_DENIED",
          certainty: judgement.workedLately ? "possible" : "most likely",
          happened: `refuses mailfleet${said(facts)} ${openWords(controls?.neighbours.filter(isOpen).length ?? 0)}`,
          cause: judgement.workedLately
            ? "It opened within a day, so first too many sessions, then a move of the mailbox. Close other programs that read it, and look again in 15 min."
            : "No access (FullAccess) was granted to the app on this mailbox.",
          conclusion: judgement.workedLately ? "the mailbox refuses mailfleet since today" : "no access was granted to this mailbox",
          facts: principalFacts(ids),
          fixes: [grantFix(ids, subject.mailbox ?? "<mailbox>", subject.protocol)],
          also: judgement.workedLately
            ? ["access was taken away, or IMAP was switched off; the commands above show it."]
            : [
                "IMAP is switched off for it; the address is an alias, not the primary one; it is not in Exchange Online or has no licence.",
                "granted less than an hour ago; too many sessions.",
              ],
        }),
      ];
  }
}

const troubleWords: Partial<Record<FailureCode, string>> = {
  SERVER_UNAVAILABLE: "says that it is unavailable",
  SESSION_CLOSED: "ends the connection",
  SESSION_EXPIRED: "ends the session with its token",
  CONNECT_TIMEOUT: "does not answer in time, though TLS stands",
  CONNECT_REFUSED: "is not reached any more",
  PROTOCOL_VIOLATION: "sends something that IMAP does not allow",
  TLS_HANDSHAKE: "ends TLS",
};

const troubleConclusions: Partial<Record<FailureCode, string>> = {
  SERVER_UNAVAILABLE: "the mail server is unavailable",
  SESSION_CLOSED: "the mail server ends the connection",
  CONNECT_TIMEOUT: "the mail server does not answer",
  PROTOCOL_VIOLATION: "the mail server breaks the protocol",
};

function outageWords(working: number, tried: number): string {
  if (tried === 0) return "a Microsoft outage (no other tenant to compare with).";
  if (working === 0) return "a Microsoft outage.";
  return `a Microsoft outage (${formatCounted(working, "other tenant")} work${working === 1 ? "s" : ""}, so unlikely).`;
}

function openWords(count: number): string {
  return `${formatCounted(count, "other mailbox", "other mailboxes")} of the tenant opened.`;
}

/** The server's words, and the end of the sentence they stand in. */
function said({ responseStatus, text, code }: Pick<ErrorFacts, "responseStatus" | "text" | "code">): string {
  const words = stripControls(text ?? code ?? "")
    .slice(0, 300)
    .trim();
  if (words === "") return ".";
  const shown = responseStatus === undefined || words.startsWith(responseStatus) ? words : `${responseStatus} ${words}`;
  return `: "${shown}"${/[.!?…]$/.test(shown) ? "" : "."}`;
}

/** `8f2c…d41a` */
function shortId(id: string): string {
  const clean = stripControls(id);
  return clean.length > 10 ? `${clean.slice(0, 4)}…${clean.slice(-4)}` : clean;
}
