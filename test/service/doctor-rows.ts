import type { Sandbox } from "@mailfleet/sandbox";
import { contosoMailbox, pop3DoctorRows } from "./pop3-doctor-rows.ts";

export type FaultOrder = Parameters<Sandbox["faults"]["add"]>[0];

/** What a row changes in the configuration of `contoso`, or of the whole file. */
export interface ConfigChange {
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly secret?: string;
  readonly secretMode?: number;
  /** Of a next credential. */
  readonly nextSecret?: string;
  readonly authority?: string;
  readonly scope?: string;
  readonly imap?: { readonly host: string; readonly port: number };
  readonly pop3?: { readonly host: string; readonly port: number };
  /** Of contoso's mailboxes; imap when not given. */
  readonly protocol?: "pop3";
  /** No tenant has an endpoint of IMAP. */
  readonly noImap?: true;
  /** The sandbox's authority is not trusted. */
  readonly noCa?: true;
  readonly redisUrl?: string;
  /** The fleet's name in Redis. */
  readonly name?: string;
  readonly mailboxes?: readonly string[];
  /** Besides contoso. */
  readonly others?: readonly string[];
}

/** One thing that is wrong, and what the doctor must say: the heart of the doctor's test. */
export interface DoctorRow {
  readonly name: string;
  readonly orders?: readonly FaultOrder[];
  readonly config?: ConfigChange;
  readonly args?: readonly string[];
  readonly step: string;
  readonly code: string;
  readonly certainty: "certain" | "most likely" | "possible";
  /** Must stand in what is printed for people. */
  readonly says?: RegExp;
}

const ask = ["--mailbox", contosoMailbox];
/** Logins that a real outage, a missing registration and a missing grant refuse with the same words. */
const everywhere = (name: string, params: FaultOrder["params"] = {}): FaultOrder => ({ name, params });
const atTenant = (name: string, params: FaultOrder["params"] = {}): FaultOrder => ({ name, params, tenant: "contoso" });
const atMailbox = (name: string, params: FaultOrder["params"] = {}): FaultOrder => ({ name, params, mailbox: contosoMailbox });

function tokenRow(order: FaultOrder, code: string, certainty: DoctorRow["certainty"], step = "token", says?: RegExp): DoctorRow {
  const shown = Object.values(order.params ?? {}).join(" ");
  return { name: `${order.name} ${shown}`.trim(), orders: [order], step, code, certainty, ...(says && { says }) };
}

function aadsts(number: number, code: string): DoctorRow {
  return tokenRow(atTenant("token-error", { code: number }), code, "certain", "token", new RegExp(`AADSTS${String(number)}`));
}

function mailRow(name: string, params: FaultOrder["params"], code: string): DoctorRow {
  const shown = Object.values(params ?? {}).join(" ");
  return { name: `${name} ${shown}`.trim(), orders: [atMailbox(name, params)], step: "mailbox", code, certainty: "most likely" };
}

function certificateRow(name: string, certificate: string, certainty: DoctorRow["certainty"], says: RegExp): DoctorRow {
  return {
    name: `${name} ${certificate}`,
    orders: [everywhere(name, { certificate })],
    step: "network",
    code: "TLS_HANDSHAKE",
    certainty,
    says,
  };
}

export const doctorRows: readonly DoctorRow[] = [
  // Token endpoint: exchange-online 1.3, row by row.
  aadsts(7000215, "ENTRA_CREDENTIAL_INVALID"),
  aadsts(7000222, "ENTRA_CREDENTIAL_EXPIRED"),
  aadsts(700027, "ENTRA_CREDENTIAL_INVALID"),
  aadsts(700024, "ENTRA_CLOCK_WRONG"),
  aadsts(700016, "ENTRA_APP_UNKNOWN"),
  aadsts(7000112, "ENTRA_APP_UNKNOWN"),
  aadsts(7000229, "ENTRA_PRINCIPAL_MISSING"),
  aadsts(90002, "ENTRA_TENANT_UNKNOWN"),
  aadsts(9001023, "ENTRA_TENANT_UNKNOWN"),
  aadsts(1002012, "ENTRA_SCOPE_INVALID"),
  aadsts(70011, "ENTRA_SCOPE_INVALID"),
  aadsts(500011, "ENTRA_SCOPE_INVALID"),
  aadsts(53003, "ENTRA_ACCESS_BLOCKED"),
  aadsts(90033, "ENTRA_UNAVAILABLE"),
  tokenRow(atTenant("token-429"), "ENTRA_THROTTLED", "certain"),
  tokenRow(atTenant("token-429", { body: "empty" }), "ENTRA_THROTTLED", "certain"),
  tokenRow(atTenant("token-5xx", { status: 502, body: "html" }), "ENTRA_UNAVAILABLE", "possible"),
  tokenRow(atTenant("token-html"), "ENTRA_UNAVAILABLE", "possible"),
  tokenRow(atTenant("token-redirect"), "ENTRA_UNAVAILABLE", "possible"),
  tokenRow(atTenant("token-reset"), "ENTRA_UNAVAILABLE", "most likely"),
  tokenRow(atTenant("token-stall"), "ENTRA_UNAVAILABLE", "most likely"),
  tokenRow(atTenant("token-audience"), "ENTRA_TOKEN_MISMATCH", "certain", "token", /Microsoft Graph/),
  tokenRow(atTenant("token-of-other-tenant"), "ENTRA_TOKEN_MISMATCH", "certain"),
  tokenRow(atTenant("token-without-oid"), "ENTRA_PRINCIPAL_MISSING", "certain", "token", /adminconsent/),
  tokenRow(atTenant("token-without-roles"), "ENTRA_CONSENT_MISSING", "certain", "permission", /5e5addcd-3e8d-4e90-baf5-964efab2b20a/),
  tokenRow(atTenant("token-role", { protocol: "pop" }), "ENTRA_CONSENT_MISSING", "certain", "permission", /POP\.AccessAsApp/),
  tokenRow(atTenant("token-delegated"), "ENTRA_CONSENT_MISSING", "certain", "permission", /delegated/),
  tokenRow(everywhere("clock-skew", { ms: 600_000 }), "ENTRA_CLOCK_WRONG", "certain", "this machine", /timedatectl/),
  tokenRow(
    everywhere("clock-skew", { ms: -600_000 }),
    "ENTRA_CLOCK_WRONG",
    "certain",
    "this machine",
    /(9 min 5\d s|10 min) ahead of the login service/,
  ),

  // The mail server: exchange-online 2.2 and 2.3.
  {
    name: "NO to every mailbox of the tenant",
    orders: [atTenant("auth-no")],
    step: "Exchange",
    code: "EXCHANGE_PRINCIPAL_UNKNOWN",
    certainty: "most likely",
    says: /New-ServicePrincipal -AppId '[0-9a-f-]{36}' -ObjectId '[0-9a-f-]{36}' -DisplayName 'mailfleet'/,
  },
  {
    name: "NO to the only mailbox of the only tenant",
    orders: [atTenant("auth-no")],
    config: { mailboxes: [contosoMailbox], others: [] },
    step: "Exchange",
    code: "EXCHANGE_PRINCIPAL_UNKNOWN",
    certainty: "possible",
    says: /no other tenant to compare with/,
  },
  {
    name: "NO to one mailbox",
    orders: [atMailbox("auth-no")],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
    says: /Add-MailboxPermission/,
  },
  {
    name: "NO with a bracketed hint to one mailbox",
    orders: [atMailbox("auth-no-hint")],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
  },
  {
    name: "OK and then BAD to one mailbox",
    orders: [atMailbox("auth-not-connected")],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
    says: /Set-CASMailbox -Identity 'support@contoso\.example' -ImapEnabled \$true/,
  },
  {
    name: "NO not connected to one mailbox",
    orders: [atMailbox("auth-no-not-connected")],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
  },
  {
    name: "OK and then BAD to every mailbox of the tenant",
    orders: [atTenant("auth-not-connected")],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
    says: /granted to another object id/,
  },
  {
    name: "NO to everybody",
    orders: [everywhere("auth-no")],
    step: "Exchange",
    code: "SERVICE_INCIDENT",
    certainty: "possible",
    says: /status\.cloud\.microsoft/,
  },
  {
    name: "throttled at login",
    orders: [atMailbox("throttle")],
    step: "mailbox",
    code: "SERVER_THROTTLED",
    certainty: "certain",
    says: /pause of 5 min/,
  },
  {
    name: "throttled at the first command, with BYE",
    orders: [atMailbox("throttle", { at: "command", answer: "BAD", bye: true })],
    step: "mailbox",
    code: "SERVER_THROTTLED",
    certainty: "certain",
  },
  {
    name: "unavailable to one mailbox",
    orders: [atMailbox("auth-unavailable")],
    step: "mailbox",
    code: "SERVER_UNAVAILABLE",
    certainty: "most likely",
  },
  {
    name: "unavailable to everybody",
    orders: [everywhere("auth-unavailable")],
    step: "Exchange",
    code: "SERVICE_INCIDENT",
    certainty: "most likely",
  },
  {
    name: "INBOX hidden by a folder called Inbox",
    orders: [atMailbox("select-missing")],
    step: "mailbox",
    code: "FOLDER_UNSELECTABLE",
    certainty: "most likely",
  },
  {
    name: "STATUS without its numbers",
    orders: [atMailbox("status-empty")],
    step: "mailbox",
    code: "PROTOCOL_VIOLATION",
    certainty: "most likely",
  },
  mailRow("command-refused", { verb: "STATUS" }, "COMMAND_REFUSED"),
  mailRow("session-invalidated", {}, "TOKEN_REJECTED"),
  mailRow("stale-session", {}, "SESSION_EXPIRED"),
  mailRow("reset", {}, "SESSION_CLOSED"),
  mailRow("server-unavailable", { form: "tagged" }, "SERVER_UNAVAILABLE"),
  mailRow("server-unavailable", { form: "bye" }, "SERVER_UNAVAILABLE"),
  mailRow("connection-cap", { count: 0 }, "MAILBOX_ACCESS_DENIED"),
  {
    name: "closed before a greeting",
    orders: [everywhere("close-after-connect")],
    step: "Exchange",
    code: "SERVICE_INCIDENT",
    certainty: "most likely",
  },
  certificateRow("token-certificate", "expired", "certain", /Its certificate ended/),
  certificateRow("token-certificate", "wrong-name", "certain", /not for localhost/),
  certificateRow("token-certificate", "self-signed", "most likely", /TLS is intercepted/),
  certificateRow("imap-certificate", "expired", "certain", /Its certificate ended/),
  certificateRow("imap-certificate", "wrong-name", "certain", /not for localhost/),
  certificateRow("imap-certificate", "self-signed", "most likely", /TLS is intercepted/),

  ...pop3DoctorRows,

  // This side.
  {
    name: "an invented tenant id",
    config: { tenantId: "00000000-0000-4000-8000-000000000001" },
    step: "token",
    code: "ENTRA_TENANT_UNKNOWN",
    certainty: "certain",
  },
  {
    name: "an invented client id",
    config: { clientId: "00000000-0000-4000-8000-000000000002" },
    step: "token",
    code: "ENTRA_APP_UNKNOWN",
    certainty: "certain",
  },
  {
    name: "a secret that is not the app's",
    config: { secret: "wrong-and-never-shown" },
    step: "token",
    code: "ENTRA_CREDENTIAL_INVALID",
    certainty: "certain",
  },
  {
    name: "a scope without .default",
    config: { scope: "https://outlook.office365.com/IMAP.AccessAsUser.All" },
    step: "token",
    code: "ENTRA_SCOPE_INVALID",
    certainty: "certain",
  },
  {
    name: "a login host without a name",
    config: { authority: "https://login.invalid" },
    step: "network",
    code: "DNS",
    certainty: "certain",
    says: /login\.invalid/,
  },
  {
    name: "a mail host that refuses",
    config: { imap: { host: "localhost", port: 1 } },
    step: "network",
    code: "CONNECT_REFUSED",
    certainty: "most likely",
    says: /localhost:1/,
  },
  {
    name: "a certificate from an authority that nobody here trusts",
    config: { noCa: true },
    step: "network",
    code: "TLS_HANDSHAKE",
    certainty: "most likely",
    says: /issued by .*sandbox/i,
  },
  {
    name: "a mailbox that Exchange does not have",
    config: { mailboxes: ["nobody@contoso.example", "sales@contoso.example"] },
    args: ["--mailbox", "nobody@contoso.example"],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
  },
  {
    name: "a mailbox that must be refused and opens",
    args: [...ask, "--must-refuse", "sales@contoso.example"],
    step: "scope",
    code: "SCOPE_TOO_WIDE",
    certainty: "certain",
    says: /Remove-MailboxPermission -Identity 'sales@contoso\.example' -User '[0-9a-f-]{36}'/,
  },
  {
    name: "a Redis that is not there, behind a secret that everybody may read",
    config: { secretMode: 0o644, redisUrl: "redis://127.0.0.1:1" },
    step: "Redis",
    code: "REDIS_UNAVAILABLE",
    certainty: "certain",
    says: /! configuration[^✗]*SECRET_EXPOSED[^✗]*chmod 600/,
  },
  {
    name: "a Redis that is not there",
    config: { redisUrl: "redis://127.0.0.1:1" },
    step: "Redis",
    code: "REDIS_UNAVAILABLE",
    certainty: "certain",
  },
];
