import type { DoctorRow, FaultOrder } from "./doctor-rows.ts";

export const contosoMailbox = "support@contoso.example";

type Params = FaultOrder["params"];
type Over = { readonly protocol?: "imap" | "pop3" };
const atMailbox = (name: string, params: Params = {}, over: Over = {}): FaultOrder => ({ name, params, mailbox: contosoMailbox, ...over });
const atTenant = (name: string, params: Params = {}, over: Over = {}): FaultOrder => ({ name, params, tenant: "contoso", ...over });
const pop3 = { protocol: "pop3" } as const;
const imap = { protocol: "imap" } as const;

function row(given: Omit<DoctorRow, "config"> & Pick<DoctorRow, "config">): DoctorRow {
  return { ...given, name: `POP3: ${given.name}`, config: { protocol: "pop3", ...given.config } };
}

function mailRow(name: string, params: Params, code: string): DoctorRow {
  const shown = Object.values(params ?? {}).join(" ");
  return row({ name: `${name} ${shown}`.trim(), orders: [atMailbox(name, params)], step: "mailbox", code, certainty: "most likely" });
}

/** What is wrong with a mailbox of POP3, and what the doctor must say. */
export const pop3DoctorRows: readonly DoctorRow[] = [
  row({
    name: "PopEnabled is false, and IMAP opens",
    orders: [atMailbox("protocol-disabled", {}, pop3)],
    step: "mailbox",
    code: "MAILBOX_PROTOCOL_DISABLED",
    certainty: "most likely",
    says: /"-ERR Authentication failure: unknown user name or bad password\." Over IMAP it opens\..*Set-CASMailbox -Identity 'support@contoso\.example' -PopEnabled \$true/,
  }),
  {
    name: "IMAP: ImapEnabled is false, and POP3 opens",
    orders: [atMailbox("protocol-disabled", {}, imap)],
    step: "mailbox",
    code: "MAILBOX_PROTOCOL_DISABLED",
    certainty: "most likely",
    says: /Over POP3 it opens\..*-ImapEnabled \$true.*\{ address: support@contoso\.example, protocol: pop3 \}/,
  },
  row({
    name: "refused in the words of a wrong password, and IMAP opens",
    orders: [atMailbox("auth-logon-failure")],
    step: "mailbox",
    code: "MAILBOX_PROTOCOL_DISABLED",
    certainty: "most likely",
    says: /too many POP3 sessions/,
  }),
  row({
    name: "the role of IMAP only",
    orders: [atTenant("token-role", { protocol: "imap" })],
    step: "permission",
    code: "ENTRA_CONSENT_MISSING",
    certainty: "certain",
    says: /POP\.AccessAsApp is missing: the token has only IMAP\.AccessAsApp.*cb842b43-da6e-4506-86fe-bb12199c656d.*protocol: imap/,
  }),
  row({
    name: "refused over both, one mailbox",
    orders: [atMailbox("auth-no")],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
    says: /IMAP refuses it too.*Add-MailboxPermission.*-PopEnabled \$true.*POP3 and IMAP are both switched off for it/,
  }),
  row({
    name: "refused over both, every mailbox of the tenant",
    orders: [atTenant("auth-no")],
    step: "Exchange",
    code: "EXCHANGE_PRINCIPAL_UNKNOWN",
    certainty: "most likely",
    says: /New-ServicePrincipal -AppId/,
  }),
  row({
    name: "refused over POP3 everywhere, and IMAP lets in and refuses then: nothing was granted",
    orders: [atTenant("auth-no", {}, pop3), atTenant("auth-not-connected", {}, imap)],
    step: "mailbox",
    code: "MAILBOX_ACCESS_DENIED",
    certainty: "most likely",
    says: /IMAP refuses it too: "User is authenticated but not connected\."/,
  }),
  row({
    name: "refused over POP3 everywhere, and there is no endpoint of IMAP",
    orders: [atTenant("auth-no")],
    config: { noImap: true },
    step: "Exchange",
    code: "EXCHANGE_PRINCIPAL_UNKNOWN",
    certainty: "possible",
    says: /IMAP was not asked: endpoints has no imap/,
  }),
  mailRow("auth-not-connected", {}, "MAILBOX_ACCESS_DENIED"),
  mailRow("auth-no-not-connected", {}, "MAILBOX_ACCESS_DENIED"),
  mailRow("auth-challenge", {}, "MAILBOX_ACCESS_DENIED"),
  mailRow("auth-unavailable", {}, "SERVER_UNAVAILABLE"),
  mailRow("session-invalidated", {}, "TOKEN_REJECTED"),
  mailRow("stale-session", {}, "SESSION_EXPIRED"),
  mailRow("counts-differ", { by: -1 }, "PROTOCOL_VIOLATION"),
  mailRow("list-malformed", { form: "text" }, "PROTOCOL_VIOLATION"),
  row({
    name: "throttled at login",
    orders: [atMailbox("throttle")],
    step: "mailbox",
    code: "SERVER_THROTTLED",
    certainty: "certain",
    says: /asks for a pause of 5 min.*-ERR Request is throttled/,
  }),
  row({
    name: "unavailable to everybody",
    orders: [{ name: "auth-unavailable", params: {} }],
    step: "Exchange",
    code: "SERVICE_INCIDENT",
    certainty: "most likely",
  }),
  row({
    name: "a certificate that ended",
    orders: [{ name: "pop3-certificate", params: { certificate: "expired" } }],
    step: "network",
    code: "TLS_HANDSHAKE",
    certainty: "certain",
    says: /Its certificate ended/,
  }),
  row({
    name: "a host that refuses",
    config: { pop3: { host: "localhost", port: 1 } },
    step: "network",
    code: "CONNECT_REFUSED",
    certainty: "most likely",
    says: /localhost:1/,
  }),
];
