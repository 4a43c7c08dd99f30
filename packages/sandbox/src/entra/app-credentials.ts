import { createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from "node:crypto";
import { type ClientAssertion, isInTime, isSignedBy, readAssertion } from "./client-assertion.ts";
import { refusalOf, type RefusalWords, type TokenRefusal } from "./token-refusal.ts";

/** Whose tokens of another identity provider stand for the app (workload identity federation). */
export interface FederationTrust {
  /** Compared to the letter with the assertion's `iss` and `sub`. */
  readonly issuer: string;
  readonly subject: string;
  /** Default `api://AzureADTokenExchange`. */
  readonly audience?: string;
  /** The provider's public keys: a JWKS, or one key in PEM. */
  readonly keys: string | { readonly keys: readonly JsonWebKey[] };
}

export type CredentialVerdict =
  | { readonly ok: { readonly credential: string; readonly kind: "secret" | "certificate" } }
  | { readonly refusal: TokenRefusal; readonly credential: string };

interface Secret {
  readonly id: string;
  readonly value: string;
  readonly startsAt: number;
  endsAt: number;
}

interface Certificate {
  readonly id: string;
  readonly thumbprint: string;
  readonly thumbprint256: string;
  readonly key: KeyObject;
  readonly startsAt: number;
  readonly endsAt: number;
}

interface Federation {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly keys: readonly { readonly keyId: string | undefined; readonly key: KeyObject }[];
}

const exchangeAudience = "api://AzureADTokenExchange";

/** Name of a credential in counters where none of the app's was recognised. */
const noCredential = "none";

/** What proves one app registration: any number of secrets, certificates and federated identities, each with its time. */
export class AppCredentials {
  #secrets: Secret[] = [];
  #certificates: Certificate[] = [];
  #federations: Federation[] = [];
  #made = 0;

  /** @returns its name. Times in ms since 1970. */
  addSecret(value: string, startsAt = 0, endsAt = Number.POSITIVE_INFINITY): string {
    const id = this.#name("secret");
    this.#secrets.push({ id, value, startsAt, endsAt });
    return id;
  }

  /** Only this secret is known from now on. */
  replaceSecrets(value: string): string {
    this.#secrets = [];
    return this.addSecret(value);
  }

  /** False where there is no secret of that name. */
  endSecret(id: string, endsAt: number): boolean {
    const secret = this.#secrets.find((other) => other.id === id);
    if (secret) secret.endsAt = endsAt;
    return secret !== undefined;
  }

  /** The newest one's value. */
  get secret(): string {
    return this.#secrets.at(-1)?.value ?? "";
  }

  get secretIds(): readonly string[] {
    return this.#secrets.map(({ id }) => id);
  }

  /** @throws TypeError for what is no certificate with an RSA key */
  addCertificate(pem: string): string {
    const certificate = readCertificate(pem);
    const id = this.#name("certificate");
    this.#certificates.push({
      id,
      thumbprint: certificate.fingerprint.replaceAll(":", ""),
      thumbprint256: certificate.fingerprint256.replaceAll(":", ""),
      key: certificate.publicKey,
      startsAt: Date.parse(certificate.validFrom),
      endsAt: Date.parse(certificate.validTo),
    });
    return id;
  }

  /** @throws TypeError for keys that are none */
  trust(trust: FederationTrust): string {
    const keys =
      typeof trust.keys === "string"
        ? [{ keyId: undefined, key: createPublicKey(trust.keys) }]
        : trust.keys.keys.map((jwk) => ({
            keyId: typeof jwk["kid"] === "string" ? jwk["kid"] : undefined,
            key: createPublicKey({ key: jwk, format: "jwk" }),
          }));
    const id = this.#name("federation");
    this.#federations.push({ id, issuer: trust.issuer, subject: trust.subject, audience: trust.audience ?? exchangeAudience, keys });
    return id;
  }

  /** False where there is none of that name. */
  remove(id: string): boolean {
    const before = this.#secrets.length + this.#certificates.length + this.#federations.length;
    this.#secrets = this.#secrets.filter((one) => one.id !== id);
    this.#certificates = this.#certificates.filter((one) => one.id !== id);
    this.#federations = this.#federations.filter((one) => one.id !== id);
    return this.#secrets.length + this.#certificates.length + this.#federations.length < before;
  }

  judgeSecret(value: string, clientId: string, now: number): CredentialVerdict {
    const secret = this.#secrets.find((other) => other.value === value);
    if (!secret || now < secret.startsAt) return refuse(secret?.id ?? noCredential, 7000215, { app: clientId });
    if (now >= secret.endsAt) return refuse(secret.id, 7000222, { app: clientId });
    return { ok: { credential: secret.id, kind: "secret" } };
  }

  /** @param audiences the names that this token endpoint answers to */
  judgeAssertion(text: string, clientId: string, audiences: readonly string[], now: number): CredentialVerdict {
    const assertion = readAssertion(text);
    if (!assertion) return refuse(noCredential, 50027);
    const isOwn = assertion.thumbprint !== undefined || assertion.thumbprint256 !== undefined || assertion.issuer === clientId;
    return isOwn ? this.#judgeOwn(assertion, clientId, audiences, now) : this.#judgeForeign(assertion, now);
  }

  #judgeOwn(assertion: ClientAssertion, clientId: string, audiences: readonly string[], now: number): CredentialVerdict {
    const named = assertion.thumbprint256 ?? assertion.thumbprint ?? "";
    const certificate = this.#certificates.find((other) => named !== "" && (other.thumbprint256 === named || other.thumbprint === named));
    if (!certificate) return badSignature(noCredential, `The key was not found., Thumbprint of key used by client: '${named}'`);
    if (!isSignedBy(assertion, certificate.key)) return badSignature(certificate.id, "The provided signature value did not match");
    if (now < certificate.startsAt || now >= certificate.endsAt) return badSignature(certificate.id, "The key used is expired.");
    if (!isInTime(assertion, now)) return outOfTime(certificate.id, assertion, now);
    if (assertion.issuer !== clientId || assertion.subject !== clientId) return refuse(certificate.id, 700021);
    if (!assertion.audiences.some((audience) => audiences.includes(audience))) return refuse(certificate.id, 700023);
    return { ok: { credential: certificate.id, kind: "certificate" } };
  }

  #judgeForeign(assertion: ClientAssertion, now: number): CredentialVerdict {
    if (this.#federations.length === 0) {
      const reason = `Assertion Issuer: '${assertion.issuer}'. Assertion Subject: '${assertion.subject}'. Assertion Audience: '${assertion.audiences[0] ?? ""}'.`;
      return refuse(noCredential, 70021, { reason });
    }
    const issued = this.#federations.filter((other) => other.issuer === assertion.issuer);
    if (issued.length === 0) return refuse(noCredential, 700211, { value: assertion.issuer });
    const meant = issued.filter((other) => other.subject === assertion.subject);
    if (meant.length === 0) return refuse(noCredential, 700213, { value: assertion.subject });
    const federation = meant.find((other) => assertion.audiences.includes(other.audience));
    if (!federation) return refuse(noCredential, 700212, { value: assertion.audiences[0] });
    const keys = federation.keys.filter(({ keyId }) => keyId === undefined || keyId === assertion.keyId);
    if (keys.length === 0) return badSignature(federation.id, "The key was not found.");
    // Entra takes RS256 alone from other providers.
    if (assertion.alg !== "RS256" || !keys.some(({ key }) => isSignedBy(assertion, key)))
      return badSignature(federation.id, "The provided signature value did not match");
    if (!isInTime(assertion, now)) return outOfTime(federation.id, assertion, now);
    return { ok: { credential: federation.id, kind: "certificate" } };
  }

  #name(kind: string): string {
    return `${kind}-${String(++this.#made)}`;
  }
}

function readCertificate(pem: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new TypeError("that is no certificate in PEM", { cause: error });
  }
  if (certificate.publicKey.asymmetricKeyType !== "rsa") throw new TypeError("the certificate's key is not RSA");
  return certificate;
}

function badSignature(credential: string, reason: string): CredentialVerdict {
  return refuse(credential, 700027, { reason });
}

function outOfTime(credential: string, { notBefore, expiresAt }: ClientAssertion, now: number): CredentialVerdict {
  const shown = (ms: number | undefined): string => (ms === undefined ? "" : new Date(ms).toISOString());
  const reason = `Current time: ${shown(now)}, assertion valid from ${shown(notBefore)}, expiry time of assertion ${shown(expiresAt)}.`;
  return refuse(credential, 700024, { reason });
}

function refuse(credential: string, code: number, words: RefusalWords = {}): CredentialVerdict {
  return { refusal: refusalOf(code, words), credential };
}
