import type { FailureCode, FailureScope } from "@mailfleet/core";
import type { Sandbox } from "@mailfleet/sandbox";

export type FaultOrder = Parameters<Sandbox["faults"]["add"]>[0];

/** The step that the doctor must name; `none` where it must find everything in order by then. */
export type DoctorStep =
  | "configuration"
  | "this machine"
  | "Redis"
  | "network"
  | "token"
  | "permission"
  | "Exchange"
  | "mailbox"
  | "scope"
  | "none";

/** One injected fault and what must come of it. */
export interface InjectedFault {
  /** As it is shown. */
  readonly name: string;
  /** Ordered at the row's own tenant, or at its first mailbox; none where the endpoint is the fault. */
  readonly orders: readonly Pick<FaultOrder, "name" | "params" | "times">[];
  readonly at: "tenant" | "mailbox";
  /** Ordered before the tenant's first token; else once all its mailboxes have been read. */
  readonly isFromStart?: boolean;
  /** In place of the sandbox's mail server. */
  readonly endpoint?: "no-such-host" | "closed-port" | "silent-port" | "foreign-certificate";
  /** The first mailbox is one that Exchange does not have. */
  readonly isUnknownMailbox?: boolean;
  /** `none`: it may be seen in passing, and stops nothing. */
  readonly code: FailureCode | "none";
  readonly scope?: FailureScope;
  /** Seconds from the first failure of that code to the next look: at least, at most. */
  readonly waits?: readonly [number, number];
  readonly step: DoctorStep;
  /** It takes a limit of half a minute or more to be seen. */
  readonly isSlow?: boolean;
}

const minute = 60;
const hour = 3_600;
/** Fixed waits are spread by a tenth upward; what is measured is short by what Redis was asked late. */
const about = (seconds: number): readonly [number, number] => [Math.max(0, seconds - 3), seconds * 1.1 + 1];

function tokenError(code: number, expected: FailureCode, waits: readonly [number, number], step: DoctorStep = "token"): InjectedFault {
  return {
    name: `token: AADSTS${code}`,
    orders: [{ name: "token-error", params: { code } }],
    at: "tenant",
    isFromStart: true,
    code: expected,
    scope: "tenant",
    waits,
    step,
  };
}

function token(
  name: string,
  params: FaultOrder["params"],
  expected: FailureCode,
  waits: readonly [number, number],
  step: DoctorStep = "token",
): InjectedFault {
  const shown = Object.entries(params ?? {}).map(([key, value]) => `${key} ${String(value)}`);
  return {
    name: `${name}${shown.length > 0 ? ` (${shown.join(", ")})` : ""}`,
    orders: [{ name, ...(params && { params }) }],
    at: "tenant",
    isFromStart: true,
    code: expected,
    scope: "tenant",
    waits,
    step,
  };
}

function mail(
  name: string,
  params: FaultOrder["params"],
  expected: FailureCode | "none",
  rest: Partial<InjectedFault> & Pick<InjectedFault, "step">,
): InjectedFault {
  const shown = Object.entries(params ?? {}).map(([key, value]) => `${key} ${String(value)}`);
  return {
    name: `${name}${shown.length > 0 ? ` (${shown.join(", ")})` : ""}`,
    orders: [{ name, ...(params && { params }) }],
    at: "mailbox",
    code: expected,
    ...rest,
  };
}

const outage: readonly [number, number] = [0, minute];
const judged = about(5 * minute);

/** The faults of the benchmark. Each has a tenant of its own with three mailboxes. */
export const injectedFaults: readonly InjectedFault[] = [
  tokenError(7000215, "ENTRA_CREDENTIAL_INVALID", [25, 3 * minute]),
  tokenError(7000222, "ENTRA_CREDENTIAL_EXPIRED", about(hour)),
  tokenError(700027, "ENTRA_CREDENTIAL_INVALID", [25, 3 * minute]),
  tokenError(700024, "ENTRA_CLOCK_WRONG", about(minute)),
  tokenError(700016, "ENTRA_APP_UNKNOWN", about(hour)),
  tokenError(7000112, "ENTRA_APP_UNKNOWN", about(hour)),
  tokenError(7000229, "ENTRA_PRINCIPAL_MISSING", about(hour)),
  tokenError(90002, "ENTRA_TENANT_UNKNOWN", about(hour)),
  tokenError(9001023, "ENTRA_TENANT_UNKNOWN", about(hour)),
  tokenError(1002012, "ENTRA_SCOPE_INVALID", about(hour)),
  tokenError(70011, "ENTRA_SCOPE_INVALID", about(hour)),
  tokenError(500011, "ENTRA_SCOPE_INVALID", about(hour)),
  tokenError(53003, "ENTRA_ACCESS_BLOCKED", about(15 * minute)),
  tokenError(90033, "ENTRA_UNAVAILABLE", outage),
  token("token-429", { retryAfter: "seconds", seconds: 120 }, "ENTRA_THROTTLED", [110, 150]),
  token("token-429", { retryAfter: "none" }, "ENTRA_THROTTLED", [50, 80]),
  token("token-5xx", { status: 503 }, "ENTRA_UNAVAILABLE", outage),
  token("token-html", {}, "ENTRA_UNAVAILABLE", outage),
  token("token-stall", {}, "ENTRA_UNAVAILABLE", outage),
  token("token-reset", {}, "ENTRA_UNAVAILABLE", outage),
  token("token-large", {}, "ENTRA_UNAVAILABLE", outage),
  token("token-redirect", {}, "ENTRA_UNAVAILABLE", outage),
  token("token-empty", {}, "ENTRA_UNAVAILABLE", outage),
  token("token-without-roles", {}, "ENTRA_CONSENT_MISSING", about(10 * minute), "permission"),
  token("token-role", { protocol: "pop" }, "ENTRA_CONSENT_MISSING", about(10 * minute), "permission"),
  token("token-delegated", {}, "ENTRA_CONSENT_MISSING", about(10 * minute), "permission"),
  token("token-audience", {}, "ENTRA_TOKEN_MISMATCH", about(hour)),
  token("token-of-other-tenant", {}, "ENTRA_TOKEN_MISMATCH", about(hour)),
  token("token-without-oid", {}, "ENTRA_PRINCIPAL_MISSING", about(hour)),
  mail("auth-no", {}, "TOKEN_REJECTED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  mail("auth-no-hint", {}, "TOKEN_REJECTED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  mail("auth-challenge", {}, "TOKEN_REJECTED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  mail("auth-not-connected", {}, "MAILBOX_ACCESS_DENIED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  mail("auth-no-not-connected", {}, "MAILBOX_ACCESS_DENIED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  mail("auth-no", {}, "EXCHANGE_PRINCIPAL_UNKNOWN", {
    name: "auth-no at every mailbox of the tenant",
    at: "tenant",
    isFromStart: true,
    scope: "tenant",
    waits: about(5 * minute),
    step: "Exchange",
  }),
  mail("throttle", { hintMs: 300_000 }, "SERVER_THROTTLED", { scope: "mailbox", waits: [290, 335], step: "mailbox" }),
  mail("throttle", { hintMs: 60_000, answer: "BAD", bye: true, at: "login" }, "SERVER_THROTTLED", {
    scope: "mailbox",
    waits: [55, 70],
    step: "mailbox",
  }),
  mail("throttle", { hintMs: 3_000_000, answer: "BAD", at: "command" }, "SERVER_THROTTLED", {
    scope: "mailbox",
    waits: [2_990, 3_310],
    step: "mailbox",
  }),
  mail("server-unavailable", { form: "tagged" }, "SERVER_UNAVAILABLE", { scope: "session", waits: [1, 30], step: "mailbox" }),
  mail("server-unavailable", { form: "untagged" }, "SERVER_UNAVAILABLE", { scope: "session", waits: [1, 30], step: "mailbox" }),
  mail("server-unavailable", { form: "bye" }, "SERVER_UNAVAILABLE", { scope: "session", waits: [1, 30], step: "mailbox" }),
  mail("auth-unavailable", {}, "SERVER_UNAVAILABLE", { scope: "session", waits: [1, 30], step: "mailbox" }),
  mail("silence", { verb: "STATUS" }, "SESSION_CLOSED", { scope: "session", waits: [0, 5], step: "mailbox", isSlow: true }),
  mail("reset", {}, "SESSION_CLOSED", { scope: "session", waits: [0, 5], step: "mailbox" }),
  mail("stale-session", {}, "SESSION_EXPIRED", { scope: "session", waits: [0, 35], step: "mailbox" }),
  mail("select-missing", {}, "FOLDER_UNSELECTABLE", { scope: "folder", waits: [0, hour], step: "mailbox" }),
  mail("command-refused", { verb: "STATUS" }, "COMMAND_REFUSED", { scope: "folder", waits: [0, 70], step: "mailbox" }),
  mail("status-empty", {}, "PROTOCOL_VIOLATION", { scope: "session", waits: [2, 7], step: "mailbox" }),
  mail("session-invalidated", {}, "TOKEN_REJECTED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  mail("connection-cap", { count: 0 }, "TOKEN_REJECTED", { scope: "mailbox", waits: judged, step: "mailbox" }),
  {
    ...mail("token-expiry", { at: "between" }, "none", { step: "none" }),
    orders: [{ name: "token-expiry", params: { at: "between" }, times: 1 }],
  },
  mail("rerendered", {}, "none", { step: "none" }),
  mail("partial-no", {}, "none", { step: "none" }),
  mail("size-factor", { factor: 3 }, "none", { step: "none" }),
  mail("no-data", {}, "none", { step: "none" }),
  mail("flags-inside", {}, "none", { step: "none" }),
  mail("attributes-shuffled", {}, "none", { step: "none" }),
  mail("uidvalidity-bump", {}, "none", { step: "none" }),
  mail("uidnext-rollback", { messages: 1 }, "none", { step: "none" }),
  mail("list-broken", {}, "none", { step: "none" }),
  {
    name: "a mailbox that Exchange does not have",
    orders: [],
    at: "mailbox",
    isUnknownMailbox: true,
    code: "MAILBOX_ACCESS_DENIED",
    scope: "mailbox",
    waits: [0, 15],
    step: "mailbox",
  },
  ...(
    [
      ["no-such-host", "a mail host whose name does not exist", "DNS", [0, 2], "network"],
      ["closed-port", "a mail host that refuses connections", "CONNECT_REFUSED", [0, 2], "network"],
      ["silent-port", "a mail host that never greets", "CONNECT_TIMEOUT", [0, 2], "network"],
      ["foreign-certificate", "a mail host with a certificate of somebody else", "TLS_HANDSHAKE", [25, 61], "network"],
    ] as const
  ).map(([endpoint, name, code, waits, step]): InjectedFault => ({
    name,
    orders: [],
    at: "tenant",
    isFromStart: true,
    endpoint,
    code,
    scope: "session",
    waits,
    step,
  })),
];
