import { otherProtocol, protocolNames } from "../words/protocols.ts";
import { failed, type Fix, passed, type StepVerdict } from "./finding.ts";
import { roleNames, switchFix, switchNames } from "./fixes.ts";
import { said } from "./mail-words.ts";
import type { MailboxLook, Observations, Subject } from "./observations.ts";
import { isOpen, workedLately } from "./refusal.ts";

type Refused = Extract<MailboxLook, { kind: "refused" }>;

/** Why a refusal cannot be compared with the other protocol: a sentence's end. Undefined where it can. */
export function whyNotOther({ subject, token }: Observations): string | undefined {
  const other = otherProtocol(subject.protocol);
  if (!subject.isOtherServed) return `endpoints has no ${other}`;
  const roles = token?.claims?.roles;
  // A token that does not say what it may do may do this too.
  return roles === undefined || roles.includes(roleNames[other]) ? undefined : `the token has no ${roleNames[other]}`;
}

/** ` POP3 refuses it too: "..."`, or why that is not known; nothing where it was not asked. */
export function otherWords({ subject, other }: Observations): string {
  if (other === undefined) return "";
  const name = protocolNames[otherProtocol(subject.protocol)];
  const { refusal } = other;
  return refusal === undefined
    ? ` Over ${name} it opens.`
    : ` ${name} refuses it too${said(refusal.text === undefined ? { code: refusal.code } : { text: refusal.text })}`;
}

/** Why IMAP, whose words say more than POP3's, was not asked, in brackets; nothing where it was, or could not have helped. */
export function imapWhyNot(seen: Observations): string {
  const why = seen.subject.protocol === "pop3" && seen.other === undefined ? whyNotOther(seen) : undefined;
  return why === undefined ? "" : ` (IMAP was not asked: ${why})`;
}

/** That the protocol is switched off, as one of the other causes of a refusal: half a sentence. */
export function switchedOffWords(seen: Observations): string {
  const { subject, other } = seen;
  const [own, rest] = [protocolNames[subject.protocol], protocolNames[otherProtocol(subject.protocol)]];
  if (other !== undefined) return `${own} and ${rest} are both switched off for it`;
  const why = whyNotOther(seen);
  return why === undefined ? `${own} is switched off for it` : `${own} is switched off for it (not compared with ${rest}: ${why})`;
}

/** Refused over its own protocol while the other one opens: the app, its access and the address are right (exchange-online row 24). */
export function protocolOff(seen: Observations, mailbox: Refused, now: number): readonly StepVerdict[] {
  const { subject, token } = seen;
  const name = protocolNames[subject.protocol];
  const rest = protocolNames[otherProtocol(subject.protocol)];
  const flag = switchNames[subject.protocol];
  const isRoleKnown = token?.claims?.roles !== undefined;
  const worked = workedLately(seen, now);
  const why = `The app, its access and the address are right, or ${rest} would not open`;
  return [
    passed("Exchange", `knows the app: ${rest} opens`),
    failed("mailbox", {
      code: "MAILBOX_PROTOCOL_DISABLED",
      certainty: worked || !isRoleKnown ? "possible" : "most likely",
      happened: `refuses mailfleet over ${name}${said(mailbox.facts)}${otherWords(seen)}`,
      cause: `${name} is switched off for this mailbox (${flag}). ${why}${isRoleKnown ? `, and the token has ${roleNames[subject.protocol]}` : ""}.`,
      conclusion: `${name} is switched off for the mailbox, ${rest} works`,
      fixes: [switchFix(subject.mailbox ?? "<mailbox>", subject.protocol), readOverFix(subject)],
      also: [
        ...(isRoleKnown ? [] : [`the app has no ${roleNames[subject.protocol]}: the token does not say.`]),
        ...(worked ? [`too many ${name} sessions, because it opened within a day: close other programs that read it.`] : []),
        `switched on less than an hour ago${worked ? "" : `; too many ${name} sessions`}.`,
      ],
    }),
  ];
}

/** The way out that needs no administrator; nothing is handed off twice by it. */
export function readOverFix({ mailbox, protocol }: Subject): Fix {
  const other = otherProtocol(protocol);
  return {
    who: `Or read it over ${protocolNames[other]}, in the configuration or the imported list; its INBOX is not handed off twice:`,
    commands: [mailbox === undefined ? `protocol: ${other}` : `{ address: ${mailbox}, protocol: ${other} }`],
  };
}

/** True once the other protocol opened the mailbox that its own does not. */
export function isOtherOpen({ other }: Observations): boolean {
  return other !== undefined && isOpen(other);
}
