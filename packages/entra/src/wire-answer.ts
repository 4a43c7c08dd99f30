import { type ErrorFacts, limits } from "@mailfleet/core";
import { type HttpAnswer, HttpProblem } from "./http-words.ts";
import { parseErrorAnswer, parseTokenAnswer, type TokenAnswer } from "./token-answer.ts";

/** What a token request brought, before the token itself is looked at. */
export type WireResult =
  | { readonly facts: ErrorFacts }
  /** `skewMs`: see `ErrorFacts`. */
  | { readonly answer: TokenAnswer; readonly skewMs?: number };

export interface WireOptions {
  readonly isLifetimeRequired: boolean;
  /** This machine's wall clock, epoch ms. */
  now(): number;
  readonly scrub: (text: string) => string;
}

/** The answer of a token endpoint, good or bad. Total. */
export function readWireAnswer(reply: HttpAnswer, options: WireOptions): WireResult {
  if (reply.status !== 200) return { facts: refusalFacts(reply, undefined, options) };
  const parsed = parseTokenAnswer(reply.text, options);
  if (!parsed.ok) return { facts: refusalFacts(reply, parsed.code, options) };
  const skewMs = skewOf(reply, options.now());
  return { answer: parsed.answer, ...(skewMs !== undefined && { skewMs }) };
}

/** Nothing came back. */
export function wireProblem(error: unknown): WireResult {
  const problem = error instanceof HttpProblem ? error : new HttpProblem("NETWORK");
  return { facts: { layer: problem.layer, code: problem.code } };
}

function refusalFacts(reply: HttpAnswer, problem: string | undefined, options: WireOptions): ErrorFacts {
  const { error, number, description, policies } = parseErrorAnswer(reply.text);
  const code = error ?? problem;
  const hintMs = reply.retryAfter === undefined ? undefined : retryAfterMs(reply.retryAfter, options.now());
  const skewMs = skewOf(reply, options.now());
  // The whole text is scrubbed before anything cuts it: half a secret fits no pattern.
  const text = description === undefined ? undefined : options.scrub(`${policies ? `policy ${policies.join(", ")}: ` : ""}${description}`);
  return {
    layer: "entra",
    httpStatus: reply.status,
    ...(code !== undefined && { code }),
    ...(number !== undefined && { number }),
    ...(text !== undefined && { text }),
    ...(hintMs !== undefined && { hintMs }),
    ...(skewMs !== undefined && { skewMs }),
  };
}

/** Date has whole seconds, cut off: half a second is what it is off by on average. */
function skewOf({ date }: HttpAnswer, now: number): number | undefined {
  return date === undefined ? undefined : Math.round(now - date - 500);
}

/** Seconds or an HTTP date (RFC 9110 10.2.3), clamped (T42); undefined for anything else. */
function retryAfterMs(value: string, now: number): number | undefined {
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, limits.hintMinMs), limits.hintMaxMs) : undefined;
}
