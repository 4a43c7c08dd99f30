import { guidOf } from "../world/random.ts";
import { isForSomebody, type ActiveFault, type FaultTarget } from "../faults/fault-spec.ts";
import type { MailServices } from "../mail/services.ts";

/** Which of Exchange's front ends a connection came to, and what it says it can do (field guide 3.1). */
export interface FrontEnd {
  readonly kind: "classic" | "tcpproxy";
  readonly capabilitiesBefore: string;
  readonly capabilitiesAfter: string;
  /** What SEARCH does after ENABLE IMAP4rev2. */
  readonly brokenSearch: "empty" | "bad";
  readonly isOrdered: boolean;
}

/** Verbatim lists. */
const classic = {
  kind: "classic",
  capabilitiesBefore: "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
  capabilitiesAfter:
    "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+",
} as const;
const tcpproxy = {
  kind: "tcpproxy",
  capabilitiesBefore: "IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
  capabilitiesAfter:
    "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT ENABLE IMAP4rev2 CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE BACKENDAUTHENTICATE-IR CHILDREN IDLE NAMESPACE LITERAL+",
} as const;

/** Drawn when a connection comes and, where nothing was ordered then, once more when it is known whose it is. */
export function frontEndAt({ faults }: Pick<MailServices, "faults">, place: FaultTarget, before?: FrontEnd): FrontEnd {
  if (before?.isOrdered === true) return before;
  // What was drawn for everybody when the connection came is not drawn again.
  const isMeant = (fault: ActiveFault): boolean => before === undefined || isForSomebody(fault);
  const order = faults.strike("front-end", place, isMeant);
  const set = faults.strike("capabilities", place, isMeant);
  const lists = order?.word("kind") === "tcpproxy" ? tcpproxy : classic;
  const change = (list: string): string => {
    if (!set) return list;
    const without = wordsOf(set.word("without").toUpperCase());
    return [...wordsOf(list).filter((word) => !without.includes(word.toUpperCase())), ...wordsOf(set.word("also"))].join(" ");
  };
  return {
    kind: lists.kind,
    capabilitiesBefore: change(lists.capabilitiesBefore),
    capabilitiesAfter: change(lists.capabilitiesAfter),
    brokenSearch: order?.word("search") === "bad" ? "bad" : "empty",
    isOrdered: order !== undefined || set !== undefined,
  };
}

/** @param name of the machine; it is sent as base64 of UTF-16LE */
export function greetingOf(kind: FrontEnd["kind"], name: string, connection: number): string {
  const encoded = Buffer.from(name, "utf16le").toString("base64");
  switch (kind) {
    case "classic":
      return `* OK The Microsoft Exchange IMAP4 service is ready. [${encoded}]`;
    case "tcpproxy":
      return `* OK Microsoft Exchange IMAP4 service ready. ${guidOf(`${name}/${String(connection)}`)} (tcpproxy/15.21.0406.000 BACKENDAUTHENTICATE) [${encoded}]`;
  }
}

function wordsOf(list: string): string[] {
  return list.split(" ").filter((word) => word !== "");
}
