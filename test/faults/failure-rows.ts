import type { ErrorFacts, FailureCode } from "@mailfleet/core";

/** When it is tried again, in seconds: the shortest and the longest wait after the first failure, and after many. */
export interface Waits {
  readonly first: readonly [number, number];
  readonly later?: readonly [number, number];
  /** Whether it is parked from the first failure on, after some, or never. */
  readonly parks: "at once" | "later" | "never";
}

/**
 * One row of the failure catalogue of the Exchange Online field guide (section 6): what is seen on the wire, and what must come of it.
 * A row is decided by the classifier, or shown by a test of its own, or has nothing to decide here; then it says why.
 */
export type FailureRow = { readonly row: number; readonly symptom: string } & (
  | {
      readonly by: "token" | "imap";
      /** More than one where the same cause has several faces. */
      readonly facts: readonly ErrorFacts[];
      readonly code: FailureCode;
      readonly waits: Waits;
      /** A word that the operator's advice must hold. */
      readonly advice: RegExp;
    }
  | { readonly by: "test"; readonly proof: readonly [file: string, name: string] }
  | { readonly by: "nothing"; readonly why: string }
);

const minute = 60;
const hour = 3_600;
const hourly: Waits = { first: [hour, 1.1 * hour], later: [hour, 1.1 * hour], parks: "at once" };
const judged: Waits = { first: [5 * minute, 5.5 * minute], later: [hour, 1.1 * hour], parks: "later" };
const network: Waits = { first: [0.5, 1], later: [0.5, 5 * minute], parks: "never" };

function entra(number: number, httpStatus: number, code: string, more: Partial<ErrorFacts> = {}): ErrorFacts {
  return { layer: "entra", number, httpStatus, code, ...more };
}

function said(responseStatus: "NO" | "BAD" | "BYE", text: string, phase: ErrorFacts["phase"], more: Partial<ErrorFacts> = {}): ErrorFacts {
  return { layer: "imap", responseStatus, text, ...(phase !== undefined && { phase }), ...more };
}

function net(code: string, phase: ErrorFacts["phase"] = "connect"): ErrorFacts {
  return { layer: "network", code, ...(phase !== undefined && { phase }) };
}

const notConnected = "User is authenticated but not connected.";
const throttled = "Request is throttled. Suggested Backoff Time: 299910 milliseconds";

export const failureRows: readonly FailureRow[] = [
  {
    row: 1,
    symptom: "token 401 invalid_client 7000215",
    by: "token",
    facts: [entra(7000215, 401, "invalid_client"), entra(7000216, 401, "invalid_client"), entra(7000218, 401, "invalid_client")],
    code: "ENTRA_CREDENTIAL_INVALID",
    waits: { first: [30, 33], later: [hour, 1.1 * hour], parks: "later" },
    advice: /Value/,
  },
  {
    row: 2,
    symptom: "token 401 7000222",
    by: "token",
    facts: [entra(7000222, 401, "invalid_client")],
    code: "ENTRA_CREDENTIAL_EXPIRED",
    waits: hourly,
    advice: /new secret/,
  },
  {
    row: 3,
    symptom: "token 401 700027",
    by: "token",
    facts: [entra(700027, 401, "invalid_client")],
    code: "ENTRA_CREDENTIAL_INVALID",
    waits: { first: [30, 33], later: [hour, 1.1 * hour], parks: "later" },
    advice: /certificate/,
  },
  {
    row: 4,
    symptom: "token 401 700024",
    by: "token",
    facts: [entra(700024, 401, "invalid_client")],
    code: "ENTRA_CLOCK_WRONG",
    waits: { first: [minute, 1.1 * minute], later: [10 * minute, 11 * minute], parks: "at once" },
    advice: /clock/,
  },
  {
    row: 5,
    symptom: "token 400 700016",
    by: "token",
    facts: [entra(700016, 400, "unauthorized_client"), entra(7000112, 400, "unauthorized_client")],
    code: "ENTRA_APP_UNKNOWN",
    waits: hourly,
    advice: /clientId/,
  },
  {
    row: 6,
    symptom: "token 400 90002, or a tenant of another cloud",
    by: "token",
    facts: [
      entra(90002, 400, "invalid_request"),
      entra(90002, 400, "invalid_tenant"),
      entra(90038, 400, "invalid_request"),
      entra(900382, 400, "invalid_request"),
      entra(900432, 400, "invalid_request"),
    ],
    code: "ENTRA_TENANT_UNKNOWN",
    waits: hourly,
    advice: /tenantId/,
  },
  {
    row: 7,
    symptom: "token 400 or 401 7000229, or no oid in the token",
    by: "token",
    facts: [entra(7000229, 400, "unauthorized_client"), entra(7000229, 401, "invalid_client")],
    code: "ENTRA_PRINCIPAL_MISSING",
    waits: hourly,
    advice: /Enterprise application/,
  },
  {
    row: 8,
    symptom: "token 400 1002012 or 70011",
    by: "token",
    facts: [entra(1002012, 400, "invalid_scope"), entra(70011, 400, "invalid_scope")],
    code: "ENTRA_SCOPE_INVALID",
    waits: hourly,
    advice: /scope/,
  },
  {
    row: 9,
    symptom: "token 400 500011 or 650052",
    by: "token",
    facts: [entra(500011, 400, "invalid_resource"), entra(650052, 400, "invalid_resource")],
    code: "ENTRA_SCOPE_INVALID",
    waits: hourly,
    advice: /cloud/,
  },
  {
    row: 10,
    symptom: "token 400 53003",
    by: "token",
    facts: [entra(53003, 400, "invalid_grant")],
    code: "ENTRA_ACCESS_BLOCKED",
    waits: { first: [15 * minute, 16.5 * minute], later: [hour, 1.1 * hour], parks: "at once" },
    advice: /Conditional Access/,
  },
  {
    row: 11,
    symptom: "token 400 9001023 or 50059: `common` as tenant",
    by: "token",
    facts: [entra(9001023, 400, "invalid_request"), entra(50059, 400, "invalid_request")],
    code: "ENTRA_TENANT_UNKNOWN",
    waits: hourly,
    advice: /tenantId/,
  },
  {
    row: 12,
    symptom: "token 429",
    by: "token",
    facts: [{ layer: "entra", httpStatus: 429, hintMs: 120_000 }, entra(90055, 429, "temporarily_unavailable", { hintMs: 120_000 })],
    code: "ENTRA_THROTTLED",
    waits: { first: [120, 133], later: [120, 133], parks: "never" },
    advice: /Nothing/,
  },
  {
    row: 13,
    symptom: "token 5xx, timeout, HTML, no answer",
    by: "token",
    facts: [
      entra(90033, 503, "temporarily_unavailable"),
      entra(90006, 500, "server_error"),
      { layer: "entra", httpStatus: 502 },
      { layer: "entra", httpStatus: 504, code: "NOT_JSON" },
      { layer: "entra", httpStatus: 200, code: "NOT_JSON" },
      { layer: "network", code: "TIMEOUT" },
      { layer: "network", code: "ECONNRESET" },
    ],
    code: "ENTRA_UNAVAILABLE",
    waits: { first: [1, 2], later: [1, 5 * minute], parks: "never" },
    advice: /service health/,
  },
  {
    row: 14,
    symptom: "DNS failure to the mail host",
    by: "imap",
    facts: [net("ENOTFOUND"), net("EAI_AGAIN")],
    code: "DNS",
    waits: network,
    advice: /name service/,
  },
  {
    row: 14,
    symptom: "the mail host refuses the connection",
    by: "imap",
    facts: [net("ECONNREFUSED"), net("EHOSTUNREACH")],
    code: "CONNECT_REFUSED",
    waits: network,
    advice: /port/,
  },
  {
    row: 15,
    symptom: "token 200 without roles",
    by: "test",
    proof: ["packages/entra/src/verify-token.test.ts", "no roles"],
  },
  {
    row: 16,
    symptom: "token 200 with the other protocol's role only",
    by: "test",
    proof: ["packages/entra/src/verify-token.test.ts", "the other protocol's role"],
  },
  {
    row: 17,
    symptom: "token 200 for Graph",
    by: "test",
    proof: ["packages/entra/src/verify-token.test.ts", "Graph by its id"],
  },
  {
    row: 18,
    symptom: "NO AUTHENTICATE failed. on every mailbox, token good",
    by: "test",
    proof: ["packages/core/src/judge.test.ts", "all of a tenant that never opened"],
  },
  {
    row: 19,
    symptom: "NO with [Error=AuthFailed:LogonDenied...]",
    by: "imap",
    facts: [said("NO", '[Error="AuthFailed:LogonDenied-None-OAuthLog:AuthExc_Auth Failed" Proxy=A]', "login")],
    code: "TOKEN_REJECTED",
    waits: judged,
    advice: /doctor/,
  },
  {
    row: 20,
    symptom: "NO AUTHENTICATE failed. on one mailbox",
    by: "imap",
    facts: [said("NO", "AUTHENTICATE failed.", "login")],
    code: "TOKEN_REJECTED",
    waits: judged,
    advice: /doctor/,
  },
  {
    row: 21,
    symptom: "OK, then BAD User is authenticated but not connected.",
    by: "imap",
    facts: [said("BAD", notConnected, "first-command"), said("BAD", notConnected, "command")],
    code: "MAILBOX_ACCESS_DENIED",
    waits: judged,
    advice: /FullAccess/,
  },
  {
    row: 22,
    symptom: "NO User is authenticated but not connected. on AUTHENTICATE",
    by: "imap",
    facts: [said("NO", notConnected, "login")],
    code: "MAILBOX_ACCESS_DENIED",
    waits: judged,
    advice: /FullAccess/,
  },
  {
    row: 23,
    symptom: "18 or 21 suddenly on most mailboxes of several tenants",
    by: "test",
    proof: ["packages/core/src/judge.test.ts", "nobody is parked for a refusal while several tenants that worked go down together"],
  },
  { row: 24, symptom: "IMAP works, POP3 does not, or the reverse", by: "nothing", why: "POP3 is not in this version" },
  { row: 25, symptom: "POP3 -ERR Protocol error. Connection is closed. 10", by: "nothing", why: "POP3 is not in this version" },
  {
    row: 26,
    symptom: "NO LOGIN failed., Basic authentication is disabled, LogonDenied-BasicAuthBlocked",
    by: "imap",
    facts: [
      said("NO", "LOGIN failed.", "login"),
      said("NO", "Basic authentication is disabled.", "login"),
      said("NO", '[Error="AuthFailed:LogonDenied-BasicAuthBlocked"]', "login"),
    ],
    code: "LOGIN_METHOD_REFUSED",
    waits: hourly,
    advice: /endpoints/,
  },
  {
    row: 27,
    symptom: "BYE Session invalidated - AccessTokenExpired",
    by: "imap",
    facts: [
      said("BYE", "Session invalidated - AccessTokenExpired", "command"),
      said("BYE", "Session invalidated - AccessTokenExpired", "fetch"),
    ],
    code: "SESSION_EXPIRED",
    waits: { first: [0, 0], later: [0.5, 5 * minute], parks: "never" },
    advice: /Nothing/,
  },
  {
    row: 28,
    symptom: "BYE Session invalidated - another reason",
    by: "imap",
    facts: [said("BYE", "Session invalidated - AccountDisabled", "command")],
    code: "TOKEN_REJECTED",
    waits: judged,
    advice: /doctor/,
  },
  {
    row: 29,
    symptom: "27 again and again within minutes of the login",
    by: "test",
    proof: [
      "test/service/stale-token.redis.test.ts",
      "again and again, though the token has time left, gets one new token, and then later and later tries",
    ],
  },
  {
    row: 30,
    symptom: "NO or BAD Request is throttled",
    by: "imap",
    facts: [
      said("NO", throttled, "command", { hintMs: 299_910 }),
      said("BAD", throttled, "fetch", { hintMs: 299_910 }),
      said("BAD", throttled, "login", { hintMs: 299_910 }),
    ],
    code: "SERVER_THROTTLED",
    waits: { first: [299, 332], later: [299, 332], parks: "never" },
    advice: /Nothing/,
  },
  {
    row: 31,
    symptom: "answers get slow",
    by: "test",
    proof: ["packages/core/src/pace.test.ts", "slow"],
  },
  {
    row: 32,
    symptom: "NO Server Unavailable. 15, once, tagged or bare",
    by: "imap",
    facts: [said("NO", "Server Unavailable. 15", "command"), said("BAD", "Server Unavailable. 15", "fetch")],
    code: "SERVER_UNAVAILABLE",
    waits: { first: [5, 30], later: [5, 10 * minute], parks: "never" },
    advice: /service health/,
  },
  {
    row: 33,
    symptom: "Server Unavailable always on one message",
    by: "test",
    proof: ["test/service/exchange-faults.redis.test.ts", "a back end that is away"],
  },
  {
    row: 34,
    symptom: "Server Unavailable and BYE Connection closed.",
    by: "imap",
    facts: [said("BYE", "Server Unavailable. 15", "command")],
    code: "SERVER_UNAVAILABLE",
    waits: { first: [5, 30], later: [5, 10 * minute], parks: "never" },
    advice: /service health/,
  },
  {
    row: 35,
    symptom: "BAD Command Error, Command Argument Error, invalid message set",
    by: "imap",
    facts: [
      said("BAD", "Command Argument Error. 11", "command"),
      said("BAD", "Command Error. 12", "command"),
      said("BAD", "[*] The specified message set is invalid.", "fetch"),
    ],
    code: "COMMAND_REFUSED",
    waits: { first: [minute, 1.1 * minute], later: [hour, 1.1 * hour], parks: "later" },
    advice: /doctor/,
  },
  {
    row: 36,
    symptom: "the third BAD, with BYE Connection closed. 14",
    by: "test",
    proof: ["packages/imap/src/imap-session.transcript.test.ts", "the third strike"],
  },
  {
    row: 37,
    symptom: "BYE Connection is closed. 13",
    by: "imap",
    facts: [said("BYE", "Connection is closed. 13", "command")],
    code: "SESSION_CLOSED",
    waits: network,
    advice: /Nothing/,
  },
  {
    row: 38,
    symptom: "the connection ends without BYE",
    by: "imap",
    facts: [net("ECONNRESET", "command"), net("EPIPE", "fetch"), { layer: "imap", code: "EConnectionClosed", phase: "fetch" }],
    code: "SESSION_CLOSED",
    waits: network,
    advice: /Nothing/,
  },
  {
    row: 39,
    symptom: "no greeting, or a late one",
    by: "imap",
    facts: [net("GREETING_TIMEOUT"), net("CONNECT_TIMEOUT"), net("ETIMEDOUT")],
    code: "CONNECT_TIMEOUT",
    waits: network,
    advice: /port/,
  },
  {
    row: 40,
    symptom: "NO INBOX doesn't exist.",
    by: "imap",
    facts: [said("NO", "INBOX doesn't exist.", "command", { folder: "INBOX" })],
    code: "FOLDER_UNSELECTABLE",
    waits: { first: [5 * minute, 5.5 * minute], later: [hour, 1.1 * hour], parks: "never" },
    advice: /rename/,
  },
  {
    row: 40,
    symptom: "NO FOLDER doesn't exist.",
    by: "imap",
    facts: [said("NO", "Projects doesn't exist.", "command", { folder: "Projects" })],
    code: "FOLDER_GONE",
    waits: { first: [10, 11], later: [hour, 1.1 * hour], parks: "never" },
    advice: /Nothing/,
  },
  {
    row: 41,
    symptom: "UIDVALIDITY changed, UIDNEXT lower",
    by: "test",
    proof: ["test/service/resync.redis.test.ts", "to a lower UIDNEXT begins a new generation; what is back is known, what is gone is told"],
  },
  {
    row: 42,
    symptom: "FETCH OK without data",
    by: "test",
    proof: [
      "test/service/sync-faults.redis.test.ts",
      "a message that is listed and not delivered is asked for again, then quarantined, and holds up nothing",
    ],
  },
  {
    row: 43,
    symptom: "NO Some of the requested messages no longer exist.",
    by: "test",
    proof: ["test/service/sync-faults.redis.test.ts", "a message that vanished between listing and fetch leaves the ledger"],
  },
  {
    row: 44,
    symptom: "placeholder message",
    by: "test",
    proof: [
      "test/service/large-messages.redis.test.ts",
      "what Exchange serves in place of an item that it cannot convert is quarantined as that",
    ],
  },
  { row: 45, symptom: "POP3 -ERR Message corrupted", by: "nothing", why: "POP3 is not in this version" },
  {
    row: 46,
    symptom: "a literal that is not as long as RFC822.SIZE said",
    by: "test",
    proof: [
      "test/service/large-messages.redis.test.ts",
      "that is announced as small and is not breaks one session, then goes through in pieces like any other",
    ],
  },
  {
    row: 47,
    symptom: "BODYSTRUCTURE, ENVELOPE or LIST that cannot be parsed",
    by: "test",
    proof: ["packages/imap/src/imap-session.transcript.test.ts", "LIST"],
  },
  {
    row: 48,
    symptom: "SEARCH takes minutes or is wrong",
    by: "nothing",
    why: "mailfleet searches by UID ranges only, never by text, and does not enable IMAP4rev2 (packages/imap/src/flow-options.ts)",
  },
  {
    row: 49,
    symptom: "another front end than yesterday",
    by: "nothing",
    why: "what a server can do is read in each session; the sandbox's profile front-end shows it works with both",
  },
  { row: 50, symptom: "mailbox full: copy, append or move is refused", by: "nothing", why: "mailfleet only reads" },
  {
    row: 51,
    symptom: "certificate error on 993",
    by: "imap",
    facts: [
      { layer: "tls", code: "DEPTH_ZERO_SELF_SIGNED_CERT", phase: "connect" },
      { layer: "tls", code: "CERT_HAS_EXPIRED", phase: "connect" },
      { layer: "tls", code: "ERR_TLS_CERT_ALTNAME_INVALID", phase: "connect" },
    ],
    code: "TLS_HANDSHAKE",
    waits: { first: [30, minute], later: [30, 5 * minute], parks: "never" },
    advice: /proxy/,
  },
  {
    row: 52,
    symptom: "works, but mail is missing",
    by: "test",
    proof: [
      "test/service/prove.redis.test.ts",
      "finds one planted missing message among 2,000, and only STATUS is sent for folders that did not move",
    ],
  },
];
