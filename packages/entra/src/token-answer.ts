/** A token answer that keeps the protocol's rules (RFC 6749 5.1, RFC 6750 2.1). */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Clamped. */
  readonly lifetimeMs: number;
  /** `refresh_in`, where the service sends it: when it wants the token to be renewed. */
  readonly refreshInMs?: number;
}

/** `code` names what is wrong; the answer itself never travels. */
export type TokenAnswerResult = { readonly ok: true; readonly answer: TokenAnswer } | { readonly ok: false; readonly code: string };

const maxTokenLength = 16 * 1024;
/** Below a minute every login would need a request of its own. */
const minLifetimeMs = 60_000;
/** The longest that Entra gives, with continuous access evaluation. */
const maxLifetimeMs = 28 * 3_600_000;
/** Where a custom service leaves `expires_in` out (it is only recommended by RFC 6749 5.1). */
const assumedLifetimeMs = 300_000;

/** Reads the body of a 200 (T08). Total. */
export function parseTokenAnswer(text: string, options: { readonly isLifetimeRequired: boolean }): TokenAnswerResult {
  const body = parseObject(text);
  if (!body) return { ok: false, code: "ANSWER_NOT_JSON" };
  const { access_token: token, token_type: type, expires_in: expiresIn, refresh_in: refreshIn } = body;
  if (typeof token !== "string" || token === "") return { ok: false, code: "ANSWER_WITHOUT_TOKEN" };
  if (token.length >= maxTokenLength) return { ok: false, code: "TOKEN_TOO_LARGE" };
  // token68: what may stand behind "Bearer" (RFC 7235 2.1). Anything else could end the SASL message early.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return { ok: false, code: "TOKEN_MALFORMED" };
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") return { ok: false, code: "TOKEN_TYPE" };
  const lifetime = expiresIn === undefined && !options.isLifetimeRequired ? assumedLifetimeMs : secondsToMs(expiresIn);
  if (lifetime === undefined) return { ok: false, code: "TOKEN_LIFETIME" };
  const lifetimeMs = Math.min(Math.max(lifetime, minLifetimeMs), maxLifetimeMs);
  const refreshInMs = secondsToMs(refreshIn);
  const hasRefresh = refreshInMs !== undefined && refreshInMs > 0 && refreshInMs < lifetimeMs;
  return { ok: true, answer: { accessToken: token, lifetimeMs, ...(hasRefresh && { refreshInMs }) } };
}

/** The error words of any other answer (RFC 6749 5.2 and Entra's additions), as far as they have the right type. Not scrubbed. */
export interface TokenErrorAnswer {
  readonly error?: string;
  /** AADSTS number: `error_codes[0]`. */
  readonly number?: number;
  readonly description?: string;
  /** Conditional Access policies that stand in the way (`claims.access_token.capolids`), at most three. */
  readonly policies?: readonly string[];
}

export function parseErrorAnswer(text: string): TokenErrorAnswer {
  const body = parseObject(text);
  if (!body) return {};
  const { error, error_description: description, error_codes: codes, claims } = body;
  const listed: unknown = Array.isArray(codes) ? codes[0] : undefined;
  const words = typeof description === "string" ? description : undefined;
  const policies = policyIds(claims);
  // Some proxies and older deployments send the number in the text only.
  const number = isCode(listed) ? listed : Number(/\bAADSTS(\d{4,10})\b/.exec(words ?? "")?.[1]);
  return {
    ...(typeof error === "string" && /^[a-z_]{1,64}$/.test(error) && { error }),
    ...(isCode(number) && { number }),
    ...(words !== undefined && { description: words }),
    ...(policies.length > 0 && { policies }),
  };
}

/** `claims` is JSON inside JSON: `{"access_token":{"capolids":{"essential":true,"values":["id"]}}}`. */
function policyIds(claims: unknown): readonly string[] {
  const token = typeof claims === "string" ? parseObject(claims)?.["access_token"] : undefined;
  const ids = (token as { capolids?: { values?: unknown } } | null | undefined)?.capolids?.values;
  if (!Array.isArray(ids)) return [];
  return ids.filter((id): id is string => typeof id === "string" && /^[0-9a-f-]{36}$/i.test(id)).slice(0, 3);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whole seconds as number or digits: Entra's v1 endpoints send text. */
function secondsToMs(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value * 1000 : undefined;
  return typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) * 1000 : undefined;
}

function isCode(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
