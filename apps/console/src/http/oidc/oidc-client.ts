import type { OidcAuth } from "@mailfleet/config";
import type { Clock } from "@mailfleet/core";
import type * as OpenId from "openid-client";
import type { PendingLogin } from "./pending-logins.ts";

/** What the login service says of itself is read again after this long: its keys have a life of their own in the library. */
const metadataMs = 3_600_000;
/** For one answer of the login service. */
const answerSeconds = 10;
/** Between its clock and ours. */
const clockToleranceSeconds = 30;

/** Why nobody was signed in. `code` is the library's or the service's word, for the log. */
export class OidcFailure extends Error {
  override readonly name = "OidcFailure";
  readonly kind: "unreachable" | "refused";
  readonly code: string;

  constructor(kind: OidcFailure["kind"], code: string) {
    super(`${kind}: ${code}`);
    this.kind = kind;
    this.code = code;
  }
}

interface Known {
  readonly library: typeof OpenId;
  readonly service: OpenId.Configuration;
  readonly atMs: number;
}

/** The console as a client of a login service: authorization code, PKCE, state and nonce. The library is loaded with the first sign-in. */
export class OidcClient {
  readonly #rule: OidcAuth;
  readonly #clock: Clock;
  #known: Known | undefined;
  #asking: Promise<Known> | undefined;

  constructor(rule: OidcAuth, clock: Clock) {
    this.#rule = rule;
    this.#clock = clock;
  }

  /** A nonce and a verifier for one sign-in, and the address to send the browser to. @throws OidcFailure */
  async begin(): Promise<{ readonly nonce: string; readonly verifier: string; address(state: string): string }> {
    const { library, service } = await this.#know();
    const { redirectUri, scopes } = this.#rule;
    const verifier = library.randomPKCECodeVerifier();
    const nonce = library.randomNonce();
    const fixed = {
      redirect_uri: redirectUri,
      scope: scopes.join(" "),
      code_challenge: await library.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    };
    return { nonce, verifier, address: (state) => library.buildAuthorizationUrl(service, { ...fixed, state, nonce }).href };
  }

  /**
   * Redeems the code, and checks the ID token: signature, issuer, audience, times and nonce.
   * @param search the query that the browser came back with @returns the token's claims
   * @throws OidcFailure
   */
  async finish(search: string, state: string, { nonce, verifier }: Pick<PendingLogin, "nonce" | "verifier">): Promise<OpenId.IDToken> {
    const { library, service } = await this.#know();
    // As it is configured: what a request says of its own host is not believed.
    const came = new URL(this.#rule.redirectUri);
    came.search = search;
    try {
      const tokens = await library.authorizationCodeGrant(service, came, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new OidcFailure("refused", "NO_ID_TOKEN");
      return claims;
    } catch (error) {
      throw toFailure(error);
    }
  }

  /** All who come while the service is asked wait for the one answer: behind one that is silent nobody waits for those before them. */
  async #know(): Promise<Known> {
    const now = this.#clock.monotonic();
    if (this.#known !== undefined && now - this.#known.atMs < metadataMs) return this.#known;
    this.#asking ??= this.#discover(now).finally(() => (this.#asking = undefined));
    this.#known = await this.#asking;
    return this.#known;
  }

  async #discover(atMs: number): Promise<Known> {
    const library = await import("openid-client");
    const { issuer, clientId, clientSecret, redirectUri } = this.#rule;
    const secret = clientSecret?.reveal();
    const server = new URL(issuer);
    try {
      const service = await library.discovery(
        server,
        clientId,
        { [library.clockTolerance]: clockToleranceSeconds },
        secret === undefined ? library.None() : secretBy(library, secret),
        { timeout: answerSeconds, execute: server.protocol === "http:" ? [library.allowInsecureRequests] : [] },
      );
      // TLS to the token endpoint would do for the specification; a signature that is looked at does not depend on it.
      library.enableNonRepudiationChecks(service);
      // What the service says of itself is kept for an hour: not where it lacks what a sign-in needs.
      library.buildAuthorizationUrl(service, { redirect_uri: redirectUri });
      if (service.serverMetadata().token_endpoint === undefined) throw new OidcFailure("refused", "NO_TOKEN_ENDPOINT");
      return { library, service, atMs };
    } catch (error) {
      throw toFailure(error);
    }
  }
}

/** In the body as most services take it, in the header where the service says that it takes nothing else. */
function secretBy(library: typeof OpenId, secret: string): OpenId.ClientAuth {
  const [inBody, inHeader] = [library.ClientSecretPost(secret), library.ClientSecretBasic(secret)];
  return (service, client, body, headers) => {
    // Absent means the header alone (OpenID Connect Discovery 1.0, section 3).
    const taken = service.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return (taken.includes("client_secret_post") ? inBody : inHeader)(service, client, body, headers);
  };
}

/** Only words that say what was wrong: the library's errors carry tokens and claims in their causes. */
function toFailure(error: unknown): OidcFailure {
  if (error instanceof OidcFailure) return error;
  const { code, error: word } = error as { readonly code?: unknown; readonly error?: unknown };
  if (typeof word === "string") return new OidcFailure("refused", plain(word));
  const status = statusOf(error);
  if (status !== undefined && status !== 200)
    return new OidcFailure(status >= 500 || status === 429 ? "unreachable" : "refused", `HTTP_${status}`);
  // fetch has no code of its own; the library's time limit neither.
  const isUnreachable =
    error instanceof TypeError && code === undefined ? true : error instanceof Error && /^(TimeoutError|AbortError)$/.test(error.name);
  if (isUnreachable || code === "OAUTH_TIMEOUT") return new OidcFailure("unreachable", typeof code === "string" ? code : "NO_ANSWER");
  return new OidcFailure("refused", typeof code === "string" ? plain(code) : "UNKNOWN");
}

/** Of the answer that the library met something else in than it expects. */
function statusOf(error: unknown): number | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one.cause instanceof Response) return one.cause.status;
  return undefined;
}

/** `access_denied`, and nothing that a service or somebody between made up. */
function plain(word: string): string {
  return /^[\w.-]{1,60}$/.test(word) ? word : "UNKNOWN";
}
