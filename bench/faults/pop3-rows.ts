import type { FailureCode } from "@mailfleet/core";
import { about, type FaultOrder, type InjectedFault, judged, mail, minute } from "./injected-fault.ts";

function pop3(
  name: string,
  params: FaultOrder["params"],
  code: FailureCode | "none",
  rest: Partial<InjectedFault> & Pick<InjectedFault, "step">,
): InjectedFault {
  const row = mail(name, params, code, rest);
  return { ...row, name: `POP3: ${row.name}`, isPop3: true };
}

const only = { protocol: "pop3" } as const;
const refusedAt = { scope: "mailbox", waits: judged, step: "mailbox" } as const;
const unavailable = { scope: "session", waits: [1, 30], step: "mailbox" } as const;
const broken = { scope: "session", waits: [0, 5], step: "mailbox" } as const;
const senseless = { scope: "session", waits: [2, 7], step: "mailbox" } as const;

/** Tenants that are read over POP3: what both protocols have in POP3's words, and what only POP3 has. */
export const pop3Faults: readonly InjectedFault[] = [
  pop3("auth-no", {}, "TOKEN_REJECTED", refusedAt),
  { ...pop3("protocol-disabled", {}, "TOKEN_REJECTED", refusedAt), orders: [{ name: "protocol-disabled", ...only }] },
  pop3("auth-logon-failure", {}, "TOKEN_REJECTED", refusedAt),
  pop3("auth-not-connected", {}, "MAILBOX_ACCESS_DENIED", refusedAt),
  pop3("auth-no-not-connected", {}, "MAILBOX_ACCESS_DENIED", refusedAt),
  pop3("auth-challenge", {}, "TOKEN_REJECTED", refusedAt),
  {
    ...pop3("auth-no", {}, "EXCHANGE_PRINCIPAL_UNKNOWN", { scope: "tenant", waits: about(5 * minute), step: "Exchange" }),
    name: "POP3: auth-no at every mailbox of the tenant",
    at: "tenant",
    isFromStart: true,
  },
  {
    ...pop3("token-role", { protocol: "imap" }, "ENTRA_CONSENT_MISSING", {
      scope: "tenant",
      waits: about(10 * minute),
      step: "permission",
    }),
    at: "tenant",
    isFromStart: true,
  },
  pop3("throttle", { hintMs: 300_000 }, "SERVER_THROTTLED", { scope: "mailbox", waits: [290, 335], step: "mailbox" }),
  pop3("throttle", { hintMs: 60_000, at: "login" }, "SERVER_THROTTLED", { scope: "mailbox", waits: [55, 70], step: "mailbox" }),
  pop3("server-unavailable", { form: "tagged" }, "SERVER_UNAVAILABLE", unavailable),
  pop3("server-unavailable", { form: "bye" }, "SERVER_UNAVAILABLE", unavailable),
  pop3("auth-unavailable", {}, "SERVER_UNAVAILABLE", unavailable),
  pop3("connection-cap", { count: 0 }, "TOKEN_REJECTED", refusedAt),
  pop3("reset", {}, "SESSION_CLOSED", broken),
  pop3("silence", { verb: "UIDL" }, "SESSION_CLOSED", { ...broken, isSlow: true }),
  pop3("terminator-missing", {}, "SESSION_CLOSED", { ...broken, isSlow: true }),
  pop3("stale-session", {}, "SESSION_EXPIRED", { scope: "session", waits: [0, 35], step: "mailbox" }),
  pop3("session-invalidated", {}, "TOKEN_REJECTED", refusedAt),
  pop3("counts-differ", { by: -1 }, "PROTOCOL_VIOLATION", senseless),
  pop3("list-malformed", {}, "PROTOCOL_VIOLATION", senseless),
  pop3("uidl-duplicate", {}, "PROTOCOL_VIOLATION", senseless),
  pop3("status-line-huge", { bytes: 1_000_000 }, "PROTOCOL_VIOLATION", senseless),
  pop3("command-refused", { verb: "UIDL" }, "COMMAND_REFUSED", { scope: "folder", waits: [0, 70], step: "mailbox" }),
  {
    ...pop3("token-expiry", { at: "between" }, "none", { step: "none" }),
    orders: [{ name: "token-expiry", params: { at: "between" }, times: 1 }],
  },
  pop3("message-corrupted", {}, "none", { step: "none" }),
  pop3("rerendered", {}, "none", { step: "none" }),
  pop3("size-factor", { factor: 3 }, "none", { step: "none" }),
  pop3("pop-pipelining", {}, "none", { step: "none" }),
  pop3("top-refused", {}, "none", { step: "none" }),
  pop3("list-reversed", {}, "none", { step: "none" }),
  pop3("uidl-legacy", {}, "none", { step: "none" }),
  pop3("uidl-reused", { messages: 1 }, "none", { step: "none" }),
  pop3("uidnext-rollback", { messages: 1 }, "none", { step: "none" }),
];
