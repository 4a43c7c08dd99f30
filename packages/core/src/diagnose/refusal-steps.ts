import { formatCount, formatCounted } from "../words/numbers.ts";
import { formatAgo, type TimeStyle } from "../words/times.ts";
import { failed, type Fix, passed, type StepVerdict } from "./finding.ts";
import { grantAllFix, grantFix, healthFix, principalFacts, type PrincipalIds, principalIds, registerFix } from "./fixes.ts";
import { openWords, outageWords, said, shortId } from "./mail-words.ts";
import type { MailboxLook, Observations } from "./observations.ts";
import { imapWhyNot, otherWords, switchedOffWords } from "./other-protocol.ts";
import { countTries, isOpen, judgeRefusal } from "./refusal.ts";

type Refused = Extract<MailboxLook, { kind: "refused" }>;

/** `knows the app`: what a mailbox that opens shows of Exchange. */
export function exchangePassed(seen: Observations): StepVerdict {
  const oid = seen.token?.claims?.oid;
  return passed("Exchange", oid === undefined ? "lets the app in" : `knows the app as ${shortId(oid)}`);
}

/** The refusals that only comparisons tell apart, after them. */
export function judged(seen: Observations, mailbox: Refused, style: TimeStyle): readonly StepVerdict[] {
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
          happened: `refuses ${count} and ${formatCounted(others.length, "other tenant")} as well${said(facts)}${otherWords(seen)} The token itself is good.`,
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
          certainty: judgement.isCompared && judgement.isTold ? "most likely" : "possible",
          happened: `refuses ${count}${said(facts)}${otherWords(seen)} The token itself is good.`,
          cause:
            judgement.readAt === undefined
              ? "Exchange was given the object id of the App registration, or none. It needs that of the Enterprise application, which stands in the token:"
              : `The tenant was read ${formatAgo(judgement.readAt, style.now)}, so the app's registration or access was taken away, or Microsoft has an outage. Exchange needs the object id that stands in the token:`,
          conclusion: "Exchange does not know the app",
          facts: principalFacts(ids),
          forTenant: true,
          fixes: [...(judgement.readAt === undefined ? [] : [healthFix]), registerFix(ids, subject.mailbox)],
          also: [
            "registered less than an hour ago.",
            ...(judgement.isCompared
              ? []
              : ["no access to this one mailbox, or an unknown address: there was no other mailbox to compare with."]),
            ...(judgement.isTold ? [] : [`no access to any mailbox: POP3 refuses that with the same words${imapWhyNot(seen)}.`]),
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
          happened: `${nothingGrantedWords(seen)}${said(facts)}${otherWords(seen)}`,
          cause:
            judgement.readAt === undefined
              ? "No access was granted to the app, or it was granted to another object id than that of the token:"
              : `The tenant was read ${formatAgo(judgement.readAt, style.now)}, so access was taken away from the app, or Microsoft has an outage. The app has this id:`,
          conclusion: judgement.readAt === undefined ? "no access was granted" : "access was taken away, or Microsoft has an outage",
          facts: principalFacts(ids),
          ...(judgement.isCompared && { forTenant: true }),
          fixes: [...(judgement.readAt === undefined ? [] : [healthFix]), grantOf(seen, ids, judgement.isCompared)],
          also: [
            ...(judgement.readAt === undefined ? [] : ["it was granted to another object id a moment ago."]),
            `${switchedOffWords(seen)}; the address is an alias, not the primary one; it is not in Exchange Online.`,
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
          happened: `refuses mailfleet${said(facts)}${otherWords(seen)} ${openWords(controls?.neighbours.filter(isOpen).length ?? 0)}`,
          cause: judgement.workedLately
            ? "It opened within a day, so first too many sessions, then a move of the mailbox. Close other programs that read it, and look again in 15 min."
            : "No access (FullAccess) was granted to the app on this mailbox.",
          conclusion: judgement.workedLately ? "the mailbox refuses mailfleet since today" : "no access was granted to this mailbox",
          facts: principalFacts(ids),
          fixes: [grantFix(ids, subject.mailbox ?? "<mailbox>", subject.protocol)],
          also: judgement.workedLately
            ? [`access was taken away; ${switchedOffWords(seen)}; the commands above show it.`]
            : [
                `${switchedOffWords(seen)}; the address is an alias, not the primary one; it is not in Exchange Online or has no licence.`,
                "granted less than an hour ago; too many sessions.",
              ],
        }),
      ];
  }
}

/** Over POP3 there is no being let in first. */
function nothingGrantedWords(seen: Observations): string {
  const { tried, refused } = countTries(seen);
  const asMany = tried === 1 ? "" : `, as ${formatCount(refused)} of ${formatCount(tried)} mailboxes tried,`;
  return seen.subject.protocol === "imap" ? `is${asMany} let in and then refused` : `is${asMany} refused`;
}

/** For the whole tenant where all of it is refused: one block to paste, not one for each mailbox. */
function grantOf({ subject, controls, redis }: Observations, ids: PrincipalIds, isTenant: boolean): Fix {
  const shut = (controls?.neighbours ?? []).filter((one) => !isOpen(one)).map(({ address }) => address);
  const mailboxes = [...(subject.mailbox === undefined ? [] : [subject.mailbox]), ...shut];
  if (!isTenant) return grantFix(ids, subject.mailbox ?? "<mailbox>", subject.protocol);
  return grantAllFix(ids, mailboxes, redis?.kind === "ready" && redis.fleet.tenantMailboxes <= mailboxes.length);
}
