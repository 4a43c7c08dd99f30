import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

export interface OidcProviderOptions {
  readonly clientId: string;
  /** Absent: a public client. */
  readonly clientSecret?: string;
  readonly redirectUri: string;
}

/** How the next ID token is made; a member that is left out is made rightly. */
export interface IdTokenFault {
  /** Over the right ones; undefined leaves a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** `foreign`: by a key that is not published, under the published one's name; `secret`: HS256 with the client's secret; `none`: not at all. */
  readonly signedBy?: "foreign" | "secret" | "none";
}

export interface OidcProvider {
  readonly issuer: string;
  /** Who signs in next: claims beside those of the protocol. */
  person: Readonly<Record<string, unknown>>;
  /** Spoils the ID tokens from now on; undefined makes them right again. */
  fault: IdTokenFault | undefined;
  /** The query of the browser's way back: what a person at the authorization endpoint is sent to. */
  authorize(address: string): Promise<URL>;
  /** Token requests that were answered with tokens, and refused. */
  readonly counts: { readonly redeemed: number; readonly refused: number };
  stop(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly nonce: string | undefined;
  readonly redirectUri: string;
}

const keyId = "published";

/** A login service on loopback, as small as authorization code with PKCE allows: discovery, authorize, token, keys. Each code is redeemed once. */
export async function startOidcProvider(options: OidcProviderOptions): Promise<OidcProvider> {
  const [published, foreign] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
  const jwk = { ...(await exportJWK(published.publicKey)), kid: keyId, alg: "RS256", use: "sig" };
  const grants = new Map<string, Grant>();
  const counts = { redeemed: 0, refused: 0 };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", issuer);
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return send(response, 200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          token_endpoint_auth_methods_supported: ["client_secret_post", "none"],
          code_challenge_methods_supported: ["S256"],
        });
      case "/keys":
        return send(response, 200, { keys: [jwk] });
      case "/authorize":
        return authorize(url.searchParams, response);
      case "/token":
        return redeem(new URLSearchParams(await read(request)), response);
      default:
        return send(response, 404, { error: "not_found" });
    }
  };

  const authorize = (query: URLSearchParams, response: ServerResponse): void => {
    const isRight =
      query.get("response_type") === "code" &&
      query.get("client_id") === options.clientId &&
      query.get("redirect_uri") === options.redirectUri &&
      query.get("code_challenge_method") === "S256" &&
      (query.get("scope") ?? "").split(" ").includes("openid");
    if (!isRight) return send(response, 400, { error: "invalid_request" });
    const code = randomBytes(16).toString("base64url");
    grants.set(code, {
      challenge: query.get("code_challenge") ?? "",
      nonce: query.get("nonce") ?? undefined,
      redirectUri: options.redirectUri,
    });
    const back = new URL(options.redirectUri);
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state") ?? "");
    response.writeHead(302, { location: back.href }).end();
  };

  const redeem = async (form: URLSearchParams, response: ServerResponse): Promise<void> => {
    const code = form.get("code") ?? "";
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isRight =
      grant !== undefined &&
      challenge === grant.challenge &&
      form.get("redirect_uri") === grant.redirectUri &&
      form.get("client_id") === options.clientId &&
      (form.get("client_secret") ?? undefined) === options.clientSecret;
    if (!isRight) {
      counts.refused += 1;
      return send(response, 400, { error: "invalid_grant" });
    }
    counts.redeemed += 1;
    send(response, 200, {
      token_type: "Bearer",
      access_token: randomBytes(16).toString("hex"),
      expires_in: 300,
      id_token: await idToken(grant),
    });
  };

  const idToken = async ({ nonce }: Grant): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000);
    const { claims, signedBy } = provider.fault ?? {};
    const all = { iss: issuer, aud: options.clientId, sub: "subject", iat: now, exp: now + 300, nonce, ...provider.person, ...claims };
    if (signedBy === "none") return new UnsecuredJWT(all).encode();
    if (signedBy === "secret")
      return new SignJWT(all).setProtectedHeader({ alg: "HS256", kid: keyId }).sign(new TextEncoder().encode(options.clientSecret ?? ""));
    const { privateKey } = signedBy === "foreign" ? foreign : published;
    return new SignJWT(all).setProtectedHeader({ alg: "RS256", kid: keyId }).sign(privateKey);
  };

  const provider: OidcProvider = {
    issuer,
    person: {},
    fault: undefined,
    counts,
    async authorize(address) {
      const sent = await fetch(address, { redirect: "manual" });
      const location = sent.headers.get("location");
      if (location === null) throw new Error(`the login service answered ${sent.status}: ${await sent.text()}`);
      return new URL(location);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return provider;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
