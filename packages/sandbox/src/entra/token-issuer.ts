import { randomUUID } from "node:crypto";
import { SignJWT, exportJWK, generateKeyPair, jwtVerify } from "jose";
import type { CryptoKey, JWK } from "jose";
import type { DirectoryTenant } from "./directory.ts";

export interface IssueOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly lifetimeSeconds: number;
  /** What proved the app. */
  readonly kind: "secret" | "certificate" | "managed-identity";
}

export interface VerifiedToken {
  readonly tenantId: string;
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What the mail servers take as audience; a token's `aud` mirrors the scope that was asked for (field guide 1.1). */
const mailAudiences: readonly string[] = ["https://outlook.office365.com", "https://outlook.office.com", "https://ps.outlook.com"];

/** Signs app-only tokens with a key of this start alone, so that no token of a sandbox outlives it (T74). */
export class TokenIssuer {
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #keyId: string;
  /** What the JWKS endpoint shows. */
  readonly jwks: { readonly keys: readonly JWK[] };

  private constructor(privateKey: CryptoKey, publicKey: CryptoKey, keyId: string, jwk: JWK) {
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    this.#keyId = keyId;
    this.jwks = { keys: [{ ...jwk, kid: keyId, alg: "RS256", use: "sig" }] };
  }

  static async create(): Promise<TokenIssuer> {
    const pair = await generateKeyPair("RS256", { modulusLength: 2048 });
    return new TokenIssuer(pair.privateKey, pair.publicKey, randomUUID().replaceAll("-", ""), await exportJWK(pair.publicKey));
  }

  /** Claims of a v1.0 app-only token; roles only where the audience is the mail service. */
  async issue(tenant: DirectoryTenant, audience: string, { now: nowMs, lifetimeSeconds, kind }: IssueOptions): Promise<string> {
    const now = Math.floor(nowMs / 1000);
    const issuer = `https://sts.windows.net/${tenant.tenantId}/`;
    const roles = mailAudiences.includes(audience) ? { roles: ["IMAP.AccessAsApp", "POP.AccessAsApp"] } : {};
    return new SignJWT({
      app_displayname: "mailfleet",
      appid: tenant.clientId,
      appidacr: kind === "secret" ? "1" : "2",
      idp: issuer,
      idtyp: "app",
      oid: tenant.objectId,
      tid: tenant.tenantId,
      uti: randomUUID().replaceAll("-", "").slice(0, 22),
      ver: "1.0",
      wids: ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
      ...roles,
    })
      .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: this.#keyId })
      .setAudience(audience)
      .setIssuer(issuer)
      .setSubject(tenant.objectId)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + lifetimeSeconds)
      .sign(this.#privateKey);
  }

  /** Undefined for a token that the mail service would refuse, whatever the reason: it never says which. */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: ["RS256"],
        audience: [...mailAudiences],
        requiredClaims: ["exp", "tid"],
      });
      const tenantId = payload["tid"];
      const roles = payload["roles"];
      if (typeof tenantId !== "string" || payload.exp === undefined) return undefined;
      return {
        tenantId,
        roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [],
        expiresAt: payload.exp * 1000,
      };
    } catch {
      return undefined;
    }
  }
}
