import { limits, readThrottleHint, type ErrorFacts } from "@mailfleet/core";

export interface FactsContext {
  readonly phase: NonNullable<ErrorFacts["phase"]>;
  readonly folder?: string | undefined;
  readonly uid?: number | undefined;
  /** Masks secrets and cuts; every text of the server goes through it. */
  readonly scrub: (text: string) => string;
  /** The server's last words, where the connection ended with a BYE. */
  readonly byeReason?: string | undefined;
}

/**
 * Reads an error of imapflow or Node by allow-list: code, tagged status, response code, text, hint. Nothing else of it travels, above
 * all not `executedCommand`, which holds folder names, and not the error itself (T01, T02).
 */
export function errorFacts(error: unknown, context: FactsContext): ErrorFacts {
  const own = readOwn(error);
  const bye = own.reason ?? context.byeReason;
  const isGone = own.status === undefined && own.code !== undefined && goneCodes.has(own.code);
  const status = isGone && bye !== undefined ? "BYE" : own.status;
  const said = status === "BYE" ? (bye ?? own.text) : own.text;
  const code = status === undefined ? own.code : own.serverCode;
  const hint = status === undefined || said === undefined ? undefined : (own.throttleReset ?? readThrottleHint(said));
  // A message of Node's or OpenSSL's names the host and what is wrong with it; imapflow's own messages add nothing to their codes.
  const text = said ?? (own.isSystem ? own.message : undefined);
  return {
    layer: layerOf(status === undefined ? own.code : undefined),
    phase: context.phase,
    ...(code !== undefined && { code }),
    ...(status !== undefined && { responseStatus: status }),
    ...(text !== undefined && text !== "" && { text: context.scrub(text).slice(0, 300) }),
    ...(hint !== undefined && { hintMs: clampHint(hint) }),
    ...(context.folder !== undefined && { folder: context.folder }),
    ...(context.uid !== undefined && { uid: context.uid }),
  };
}

/** Facts about something that this side found wrong by itself. */
export function localFacts(code: string, text: string, context: FactsContext): ErrorFacts {
  return {
    layer: "imap",
    code,
    text: context.scrub(text).slice(0, 300),
    phase: context.phase,
    ...(context.folder !== undefined && { folder: context.folder }),
    ...(context.uid !== undefined && { uid: context.uid }),
  };
}

function clampHint(hintMs: number): number {
  return Number.isNaN(hintMs) ? limits.hintMinMs : Math.min(Math.max(hintMs, limits.hintMinMs), limits.hintMaxMs);
}

/** imapflow's words for "the connection ended"; the reason may be a BYE. */
const goneCodes: ReadonlySet<string> = new Set([
  "NoConnection",
  "EConnectionClosed",
  "StateLogout",
  "ClosedAfterConnectText",
  "ClosedAfterConnectTLS",
]);

interface OwnFields {
  readonly code: string | undefined;
  readonly status: ErrorFacts["responseStatus"];
  readonly serverCode: string | undefined;
  readonly text: string | undefined;
  readonly reason: string | undefined;
  readonly throttleReset: number | undefined;
  readonly message: string | undefined;
  readonly isSystem: boolean;
}

function readOwn(error: unknown): OwnFields {
  const from = typeof error === "object" && error !== null ? (error as Record<string, unknown>) : {};
  const string = (key: string): string | undefined => (typeof from[key] === "string" ? from[key] : undefined);
  const wordy = string("code");
  const code = wordy !== undefined && /^[A-Za-z0-9_]{1,60}$/.test(wordy) ? wordy : undefined;
  const claimed = string("responseStatus");
  // imapflow's one failure of this kind without a status: the refusal after a login that was answered OK.
  const refusal = from["authenticationFailed"] === true ? string("response") : undefined;
  const status = claimed === "NO" || claimed === "BAD" || claimed === "BYE" ? claimed : refusal === undefined ? undefined : "BAD";
  return {
    code,
    status,
    serverCode: serverCodeOf(from),
    text: string("responseText") ?? refusal,
    reason: string("reason"),
    throttleReset: typeof from["throttleReset"] === "number" ? from["throttleReset"] : undefined,
    message: string("message"),
    isSystem: typeof from["syscall"] === "string" || (code !== undefined && systemCode.test(code)),
  };
}

/** The bracketed response code of a tagged answer (RFC 9051 section 7.1). */
function serverCodeOf(from: Record<string, unknown>): string | undefined {
  const given = from["serverResponseCode"];
  const code = typeof given === "string" ? given : firstSectionWord(from["response"]);
  return code !== undefined && /^[A-Za-z0-9-]{1,40}$/.test(code) ? code.toUpperCase() : undefined;
}

function firstSectionWord(response: unknown): string | undefined {
  if (typeof response !== "object" || response === null || !("attributes" in response) || !Array.isArray(response.attributes))
    return undefined;
  const first: unknown = response.attributes[0];
  if (typeof first !== "object" || first === null || !("section" in first) || !Array.isArray(first.section)) return undefined;
  const word: unknown = first.section[0];
  return typeof word === "object" && word !== null && "value" in word && typeof word.value === "string" ? word.value : undefined;
}

const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;
const systemCode = /^(E[A-Z_]{3,}|ERR_[A-Z_]+|CERT_[A-Z_]+|UNABLE_TO_[A-Z_]+|DEPTH_[A-Z_]+|SELF_SIGNED_[A-Z_]+)$/;

function layerOf(code: string | undefined): ErrorFacts["layer"] {
  if (code === undefined) return "imap";
  if (tlsCode.test(code)) return "tls";
  return /^E[A-Z]{3,}$/.test(code) || code.endsWith("_TIMEOUT") ? "network" : "imap";
}
