import { randomUUID } from "node:crypto";
import { SignJWT, decodeJwt, exportJWK, generateKeyPair, jwtVerify } from "jose";
import type { CryptoKey, JWK } from "jose";
import type { DirectoryTenant } from "./directory.ts";

export interface IssueOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly lifetimeSeconds: number;
  /** What proved the app. */
  readonly kind: "secret" | "certificate" | "managed-identity";
  /** In place of those that the audience has. */
  readonly roles?: readonly string[];
  /** With `scp`, as for a person, in place of roles. Default false. */
  readonly isDelegated?: boolean;
  /** Default true. */
  readonly hasOid?: boolean;
}

export interface VerifiedToken {
  readonly tenantId: string;
  readonly roles: readonly string[];
  /** Milliseconds since 1970, by this machine's clock. */
  readonly expiresAt: number;
}

/** What the mail servers take as audience; a token's `aud` mirrors the scope that was asked for (field guide 1.1). */
const mailAudiences: readonly string[] = ["https://outlook.office365.com", "https://outlook.office.com", "https://ps.outlook.com"];

const allRoles: readonly string[] = ["IMAP.AccessAsApp", "POP.AccessAsApp"];

/** Signs app-only tokens with a key of this start alone, so that no token of a sandbox outlives it (T74). */
export class TokenIssuer {
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #keyId: string;
  /** What the JWKS endpoint shows. */
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly #clockAheadMs: (tenantId: string) => number;

  private constructor(privateKey: CryptoKey, publicKey: CryptoKey, keyId: string, jwk: JWK, clockAheadMs: (tenantId: string) => number) {
    this.#clockAheadMs = clockAheadMs;
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    this.#keyId = keyId;
    this.jwks = { keys: [{ ...jwk, kid: keyId, alg: "RS256", use: "sig" }] };
  }

  /** @param clockAheadMs how far Microsoft's clock is ahead of this machine's, for a tenant id */
  static async create(clockAheadMs: (tenantId: string) => number = () => 0): Promise<TokenIssuer> {
    const pair = await generateKeyPair("RS256", { modulusLength: 2048 });
    return new TokenIssuer(
      pair.privateKey,
      pair.publicKey,
      randomUUID().replaceAll("-", ""),
      await exportJWK(pair.publicKey),
      clockAheadMs,
    );
  }

  /** Claims of a v1.0 app-only token; roles only where the audience is the mail service. */
  async issue(tenant: DirectoryTenant, audience: string, options: IssueOptions): Promise<string> {
    const { lifetimeSeconds, kind, isDelegated = false, hasOid = true } = options;
    const now = Math.floor(options.now / 1000);
    const issuer = `https://sts.windows.net/${tenant.tenantId}/`;
    const roles = isDelegated ? [] : (options.roles ?? (mailAudiences.includes(audience) ? allRoles : []));
    return new SignJWT({
      app_displayname: "mailfleet",
      appid: tenant.clientId,
      appidacr: kind === "secret" ? "1" : "2",
      idp: issuer,
      idtyp: isDelegated ? "user" : "app",
      ...(hasOid && { oid: tenant.objectId }),
      tid: tenant.tenantId,
      uti: randomUUID().replaceAll("-", "").slice(0, 22),
      ver: "1.0",
      wids: ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
      ...(roles.length > 0 && { roles }),
      ...(isDelegated && { scp: "IMAP.AccessAsUser.All POP.AccessAsUser.All", upn: `admin@${tenant.alias}.example` }),
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
      // Both of Microsoft's services have one clock, whatever the client thinks of it.
      const aheadMs = this.#clockAheadMs(String(decodeJwt(token)["tid"]));
      const { payload } = await jwtVerify(token, this.#publicKey, {
        currentDate: new Date(Date.now() + aheadMs),
        algorithms: ["RS256"],
        audience: [...mailAudiences],
        // Without an object id there is no service principal; refused since 2026 (field guide 5).
        requiredClaims: ["exp", "tid", "oid"],
      });
      const tenantId = payload["tid"];
      const roles = payload["roles"];
      if (typeof tenantId !== "string" || payload.exp === undefined) return undefined;
      return {
        tenantId,
        roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [],
        expiresAt: payload.exp * 1000 - aheadMs,
      };
    } catch {
      return undefined;
    }
  }
}
