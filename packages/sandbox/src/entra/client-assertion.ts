import { constants, type KeyObject, verify } from "node:crypto";

/** A client assertion (RFC 7523) taken apart, not yet believed. */
export interface ClientAssertion {
  readonly alg: string;
  readonly keyId: string | undefined;
  /** SHA-1 of the certificate, upper-case hex. */
  readonly thumbprint: string | undefined;
  /** SHA-256 of the certificate, upper-case hex. */
  readonly thumbprint256: string | undefined;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Milliseconds since 1970; absent claims leave the window open at that side. */
  readonly notBefore: number | undefined;
  readonly expiresAt: number | undefined;
  readonly signed: string;
  readonly signature: Buffer;
}

/** Entra forgives a clock that is up to five minutes off (field guide, failure 4). */
const skewMs = 300_000;

/** Undefined for what is no JWT. */
export function readAssertion(text: string): ClientAssertion | undefined {
  const [head = "", body = "", signature = "", ...more] = text.split(".");
  const header = readPart(head);
  const claims = readPart(body);
  if (!header || !claims || signature === "" || more.length > 0) return undefined;
  const audience = claims["aud"];
  return {
    alg: word(header["alg"]),
    keyId: typeof header["kid"] === "string" ? header["kid"] : undefined,
    thumbprint: hexOf(header["x5t"]),
    thumbprint256: hexOf(header["x5t#S256"]),
    issuer: word(claims["iss"]),
    subject: word(claims["sub"]),
    audiences: (Array.isArray(audience) ? audience : [audience]).map(word),
    notBefore: msOf(claims["nbf"] ?? claims["iat"]),
    expiresAt: msOf(claims["exp"]),
    signed: `${head}.${body}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

/** RS256 and PS256, the two that MSAL makes. */
export function isSignedBy(assertion: ClientAssertion, key: KeyObject): boolean {
  const padding = { RS256: constants.RSA_PKCS1_PADDING, PS256: constants.RSA_PKCS1_PSS_PADDING }[assertion.alg];
  if (padding === undefined || key.asymmetricKeyType !== "rsa") return false;
  const options = { key, padding, ...(assertion.alg === "PS256" && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }) };
  return verify("sha256", Buffer.from(assertion.signed), options, assertion.signature);
}

export function isInTime(assertion: ClientAssertion, now: number): boolean {
  const { notBefore, expiresAt } = assertion;
  return expiresAt !== undefined && now <= expiresAt + skewMs && (notBefore === undefined || notBefore <= now + skewMs);
}

function readPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function hexOf(value: unknown): string | undefined {
  return typeof value === "string" ? Buffer.from(value, "base64url").toString("hex").toUpperCase() : undefined;
}

function msOf(value: unknown): number | undefined {
  return typeof value === "number" ? value * 1000 : undefined;
}
