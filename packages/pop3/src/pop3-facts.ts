import { limits, readThrottleHint, type ErrorFacts } from "@mailfleet/core";
import type { Pop3Error } from "./client/index.ts";

export interface FactsContext {
  readonly phase: NonNullable<ErrorFacts["phase"]>;
  readonly folder?: string | undefined;
  readonly uid?: number | undefined;
}

/**
 * What an error of the client says, as facts for `classifyPop3`. Its text has gone through the client's `scrub` already. `responseStatus`
 * is set where the server spoke: a refusal, or the last words before a connection ended.
 */
export function errorFacts(error: Pop3Error, context: FactsContext): ErrorFacts {
  const hasSpoken = error.kind === "refused" || (error.kind === "closed" && error.text !== undefined);
  const text = error.text ?? textOf(error);
  const code = hasSpoken ? error.responseCode : codeOf(error);
  const hint = hasSpoken && text !== undefined ? readThrottleHint(text) : undefined;
  return {
    layer: error.kind === "tls" ? "tls" : error.kind === "network" || error.kind === "connect-timeout" ? "network" : "pop3",
    phase: context.phase,
    ...(code !== undefined && { code }),
    ...(hasSpoken && { responseStatus: "ERR" as const }),
    ...(text !== undefined && text !== "" && { text: text.slice(0, 300) }),
    ...(hint !== undefined && { hintMs: clampHint(hint) }),
    ...(context.folder !== undefined && { folder: context.folder }),
    ...(context.uid !== undefined && { uid: context.uid }),
  };
}

/** What happened, where nobody said it in words. */
function textOf(error: Pop3Error): string | undefined {
  switch (error.kind) {
    case "silence":
    case "too-slow":
    case "protocol":
    case "limit":
    case "unsupported":
    case "usage":
      return error.message;
    case "closed":
      return `during ${error.during}`;
    case "connect-timeout":
    case "greeting-timeout":
    case "refused":
    case "aborted":
    case "network":
    case "tls":
      return undefined;
  }
}

/** The word of `classifyPop3` for what this side saw. */
function codeOf(error: Pop3Error): string | undefined {
  switch (error.kind) {
    case "connect-timeout":
      return "CONNECT_TIMEOUT";
    case "greeting-timeout":
      return "GREETING_TIMEOUT";
    case "silence":
    case "too-slow":
      return "Silent";
    case "closed":
      return "NoConnection";
    case "aborted":
      return "Aborted";
    case "network":
    case "tls":
      return error.code;
    case "refused":
      return error.responseCode;
    case "protocol":
    case "limit":
    case "unsupported":
    case "usage":
      return error.problem;
  }
}

function clampHint(hintMs: number): number {
  return Number.isNaN(hintMs) ? limits.hintMinMs : Math.min(Math.max(hintMs, limits.hintMinMs), limits.hintMaxMs);
}
