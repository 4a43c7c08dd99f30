import { type FailureCode, failureCodes } from "../failure-code.ts";
import { taxonomy } from "../taxonomy.ts";
import { describeCause } from "../words/causes.ts";
import { endsParked, policySentence } from "../words/policy-sentence.ts";
import { aadsts } from "./aadsts.ts";
import { doctorOnlyCodes } from "./finding.ts";

/** A code in words: `doctor --explain`. */
export interface Explanation {
  /** As it is spelt: a failure code, or `AADSTS` and a number. */
  readonly name: string;
  /** What mailfleet calls it; the same as `name` for its own codes. */
  readonly code: string;
  readonly meaning: string;
  readonly mailfleetDoes: string;
  readonly youCan: string;
}

/** Everything that {@link explainCode} knows. */
export function explainable(): readonly string[] {
  return [...failureCodes, ...doctorOnlyCodes, ...Object.keys(aadsts).map((number) => `AADSTS${number}`)];
}

/** Undefined for a word that is neither a code of mailfleet's nor a known number of Entra's. */
export function explainCode(given: string): Explanation | undefined {
  const text = given.trim().toUpperCase();
  const number = /^(?:AADSTS\s*)?(\d{4,10})$/.exec(text)?.[1];
  if (number !== undefined) return explainNumber(Number(number));
  const own = failureCodes.find((code) => code === text);
  if (own !== undefined) return explainFailure(own);
  const only = doctorOnlyCodes.find((code) => code === text);
  return only === undefined ? undefined : { name: only, code: only, ...doctorOnly[only] };
}

function explainNumber(number: number): Explanation | undefined {
  const entry = Object.hasOwn(aadsts, number) ? aadsts[number] : undefined;
  if (!entry) return undefined;
  const { code, meaning, youCan, also } = entry;
  return {
    name: `AADSTS${String(number)}`,
    code,
    meaning: also === undefined ? meaning : `${meaning} Also possible: ${also}`,
    mailfleetDoes: doesOf(code),
    youCan,
  };
}

/** The same words as docs/errors.md. */
function explainFailure(code: FailureCode): Explanation {
  return { name: code, code, meaning: taxonomy[code].meaning, mailfleetDoes: doesOf(code), youCan: youCanOf(code) };
}

function youCanOf(code: FailureCode): string {
  const facts = {
    scope: taxonomy[code].scope,
    tenant: "the tenant",
    mailboxes: ["the mailbox"],
    mailboxCount: 1,
    since: 0,
    nextAt: 0,
    tries: 1,
    text: "",
  };
  return describeCause({ code, state: endsParked(code) ? "parked" : "waiting", ...facts }, { now: 0, zone: "utc" }).youCan;
}

function doesOf(code: FailureCode): string {
  return `${policySentence(code).replace(/^./, (letter) => letter.toUpperCase())} No mail is lost.`;
}

const doctorOnly: Readonly<Record<(typeof doctorOnlyCodes)[number], Omit<Explanation, "name" | "code">>> = {
  SECRET_EXPOSED: {
    meaning: "A file with a secret can be read by everybody on this machine.",
    mailfleetDoes: "Starts all the same, and warns.",
    youCan: "Let nobody but yourself read the file (chmod 600), and make a new secret if others may have read it.",
  },
  NODE_TOO_OLD: {
    meaning: "The Node that runs mailfleet is older than its sources need.",
    mailfleetDoes: "Does not start.",
    youCan: "Start it by npm start or npx mailfleet in the checkout, which bring a Node of their own.",
  },
  REDIS_MISCONFIGURED: {
    meaning: "Redis is set up so that it could forget or throw away what mailfleet knows, or it is too old.",
    mailfleetDoes: "Refuses to start on it, because mail could be handed off twice or not at all.",
    youCan: "Set maxmemory-policy noeviction and appendonly yes, and use Redis 6.2 or newer.",
  },
  MAILBOX_PROTOCOL_DISABLED: {
    meaning: "The mailbox opens over one mail protocol and not over the other, though the token has the role of both.",
    mailfleetDoes: "Sees a refusal only (TOKEN_REJECTED or MAILBOX_ACCESS_DENIED), and looks again within an hour. No mail is lost.",
    youCan:
      "Switch the protocol on: Set-CASMailbox -Identity MAILBOX -PopEnabled $true (or -ImapEnabled $true); it may take an hour. Or read the mailbox over the other one (protocol).",
  },
  SCOPE_TOO_WIDE: {
    meaning: "A mailbox that the app must not read was opened by it.",
    mailfleetDoes: "Reads only the mailboxes that are configured; the app's credential could open more.",
    youCan: "Take the app's FullAccess from mailboxes that are not configured: Remove-MailboxPermission.",
  },
};
