import type { FaultSpec, ParamSpec } from "./fault-spec.ts";

/** Numbers of AADSTS have at most ten digits. */
const mostCode = 9_999_999_999;
const dayMs = 86_400_000;

const code = (number: number): ParamSpec => ({
  kind: "number",
  low: 1,
  high: mostCode,
  default: number,
  says: "AADSTS number; status, word and text come from the table of token errors",
});

const spacing = {
  kind: "word",
  words: ["turns", "lines", "spaces"],
  default: "turns",
  says: "what stands between the text and its trace: CR LF, a space, or each by turns",
} as const satisfies ParamSpec;

/** What the token endpoint does wrong in place of its answer, in the order in which it is looked for. */
export const answerFaults = {
  "token-stall": { side: "token", says: "A POST is taken and never answered.", params: {} },
  "token-reset": {
    side: "token",
    says: "The connection is reset.",
    params: { at: { kind: "word", words: ["request", "answer"], default: "request", says: "before the answer, or in the middle of it" } },
  },
  "token-redirect": {
    side: "token",
    says: "The client is sent to another address; one that follows takes its secret along.",
    params: {
      status: { kind: "number", low: 301, high: 308, default: 307, says: "301, 302, 303, 307 or 308" },
      to: { kind: "text", default: "https://localhost:1/", says: "Location" },
    },
  },
  "token-html": {
    side: "token",
    says: "A page in HTML comes back, as from a captive portal.",
    params: { status: { kind: "number", low: 200, high: 599, default: 200, says: "HTTP status" } },
  },
  "token-empty": { side: "token", says: "200 with {}.", params: {} },
  "token-drip": {
    side: "token",
    says: "The answer comes byte by byte and does not end.",
    params: { everyMs: { kind: "number", low: 1, high: 60_000, default: 200, says: "between two bytes" } },
  },
  "token-large": {
    side: "token",
    says: "A good answer with very much beside the token.",
    params: {
      bytes: { kind: "number", low: 1, high: 10_000_000_000, default: 200_000_000, says: "length, decoded" },
      gzip: { kind: "flag", default: true, says: "compressed: a bomb of a thousandth of that" },
    },
  },
  "token-echo": {
    side: "token",
    says: "The refusal repeats the whole form that was sent, the secret included.",
    params: {
      as: { kind: "word", words: ["json", "html"], default: "json", says: "an error of Entra's, or a proxy's page with 502" },
      code: code(900144),
    },
  },
  "token-429": {
    side: "token",
    says: "Too many requests.",
    params: {
      retryAfter: { kind: "word", words: ["seconds", "date", "none"], default: "seconds", says: "how Retry-After is written" },
      seconds: { kind: "number", low: 0, high: 86_400, default: 30, says: "the wait" },
      body: { kind: "word", words: ["json", "empty"], default: "json", says: "with AADSTS90055, or nothing" },
    },
  },
  "token-5xx": {
    side: "token",
    says: "The service is broken.",
    params: {
      status: { kind: "number", low: 500, high: 599, default: 503, says: "HTTP status" },
      body: { kind: "word", words: ["json", "html", "empty"], default: "json", says: "with AADSTS90033, a page, or nothing" },
      seconds: { kind: "number", low: 0, high: 86_400, default: 0, says: "Retry-After; 0 for none" },
    },
  },
  "token-error": {
    side: "token",
    says: "The request is refused with an AADSTS number.",
    params: {
      code: code(7000215),
      spacing,
      status: { kind: "number", low: 0, high: 599, default: 0, says: "HTTP status in place of the table's; 0 for the table's" },
      error: { kind: "text", default: "", says: "word in place of the table's, such as invalid_tenant" },
    },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;

/** What is wrong with a token that comes back, or with how it comes back. */
const tokenShapeFaults = {
  "token-without-roles": { side: "token", says: "The token has no roles: nobody consented.", params: {} },
  "token-role": {
    side: "token",
    says: "The token has the role of one protocol only.",
    params: { protocol: { kind: "word", words: ["imap", "pop"], default: "pop", says: "the one it has" } },
  },
  "token-audience": {
    side: "token",
    says: "The token is for another resource.",
    params: { audience: { kind: "text", default: "https://graph.microsoft.com", says: "aud" } },
  },
  "token-of-other-tenant": {
    side: "token",
    says: "The token is another tenant's.",
    params: { other: { kind: "text", default: "", says: "alias of that tenant; empty for the next one of the sandbox" } },
  },
  "token-without-oid": { side: "token", says: "The token has no oid: the tenant has no service principal.", params: {} },
  "token-delegated": { side: "token", says: "The token has scp in place of roles: delegated permissions.", params: {} },
  "token-lifetime": {
    side: "token",
    says: "The token lives shorter or longer.",
    params: { seconds: { kind: "number", low: 1, high: 100_000, default: 300, says: "from its issue to exp" } },
  },
  "token-numbers-as-strings": { side: "token", says: "Numbers such as expires_in come as texts.", params: {} },
  "token-refresh-in": {
    side: "token",
    says: "The answer says when to refresh.",
    params: { seconds: { kind: "number", low: 0, high: 100_000, default: 0, says: "refresh_in; 0 for half the lifetime" } },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;

/** What the token endpoint does wrong. */
export const tokenFaults = {
  ...answerFaults,
  ...tokenShapeFaults,
  "clock-skew": {
    side: "token",
    says: "Microsoft's clock and the client's differ: HTTP Date, iat, exp and the time of assertions are shifted.",
    params: { ms: { kind: "number", low: -dayMs, high: dayMs, default: 600_000, says: "ahead of the client; below 0 behind it" } },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
