import { createServer, type Server, type ServerOptions } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FaultBook } from "../faults/fault-book.ts";
import { type DirectoryTenant, findTenant } from "./directory.ts";
import { type Gap, refusalBody, sendJson } from "./token-answers.ts";
import type { TokenIssuer } from "./token-issuer.ts";
import { misbehave } from "./token-misbehaviour.ts";
import { refusalOf, type TokenRefusal } from "./token-refusal.ts";
import { judgeTokenRequest, type TokenForm } from "./token-request.ts";
import { grantBody, grantToken } from "./token-shape.ts";
import { readBody } from "../read-body.ts";

export interface TokenServerOptions extends Pick<ServerOptions, "SNICallback"> {
  readonly key: string;
  readonly cert: string;
  /** The host name that clients are told. */
  readonly name: string;
  readonly issuer: TokenIssuer;
  readonly tenants: readonly DirectoryTenant[];
  readonly faults: Pick<FaultBook, "strike" | "holds">;
  readonly lifetimeSeconds: number;
  /** Called for each request with the tenant's alias, or `unknown`. */
  readonly count: (alias: string) => void;
  /** Called for each request whose credential was looked at, with its name, or `none`. */
  readonly countCredential: (alias: string, credential: string) => void;
  /** The clock that a tenant sees at Microsoft; without a tenant, that of all. */
  readonly now: (alias: string | undefined) => number;
}

const maxBodyBytes = 64 * 1024;

/**
 * Entra ID's token endpoint for the client credentials grant, with the two documents that MSAL asks a custom authority for: the OpenID
 * configuration (its issuer's host has to be the authority's) and the signing keys.
 */
export function createTokenServer(options: TokenServerOptions): Server {
  let answers = 0;
  const { key, cert, SNICallback } = options;
  const tls = { key, cert, minVersion: "TLSv1.2" as const, ...(SNICallback && { SNICallback }) };
  const server = createServer(tls, (request, response) => {
    handle(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(400);
      response.end();
    });
  });
  server.requestTimeout = 30_000;
  return server;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "https://localhost").pathname
      .split("/")
      .filter((part) => part !== "")
      .map(decodeSafely);
    const [tenantInPath = "", ...rest] = path;
    const tenant = findTenant(tenantInPath, options.tenants);
    // Doctor reads the clock from any answer, 404 included.
    response.setHeader("date", new Date(options.now(tenant?.alias)).toUTCString());
    const route = rest.join("/");
    if (request.method === "POST" && route === "oauth2/v2.0/token") return answerToken(request, response, tenantInPath, tenant?.alias);
    if (request.method === "GET" && /^(v2\.0\/)?\.well-known\/openid-configuration$/.test(route))
      return tenant
        ? sendConfiguration(request, response, tenant, options.name)
        : sendRefusal(response, refusalOf(90002, { tenant: tenantInPath }));
    if (request.method === "GET" && /^discovery\/(v2\.0\/)?keys$/.test(route)) return sendJson(response, 200, options.issuer.jwks);
    response.writeHead(404).end();
  }

  async function answerToken(
    request: IncomingMessage,
    response: ServerResponse,
    tenantInPath: string,
    alias: string | undefined,
  ): Promise<void> {
    const body = await readBody(request, maxBodyBytes);
    options.count(alias ?? "unknown");
    if (body === undefined) {
      response.writeHead(413, { connection: "close" }).end();
      return;
    }
    const now = options.now(alias);
    const form = readForm(body, request.headers.authorization);
    const clientId = form.get("client_id") ?? form.basic?.clientId;
    if (await misbehave(options.faults, { tenant: alias, body, clientId, now, gap: nextGap() }, response)) return;
    const verdict = judgeTokenRequest(tenantInPath, form, {
      tenants: options.tenants,
      now,
      origin: `https://${hostOf(request, options.name)}`,
    });
    if (alias !== undefined && verdict.credential !== undefined) options.countCredential(alias, verdict.credential);
    if ("refusal" in verdict) return sendRefusal(response, verdict.refusal, now);
    const { lifetimeSeconds } = options;
    sendJson(response, 200, grantBody(await grantToken(options, { ...verdict.ok, now, lifetimeSeconds })));
  }

  function sendRefusal(response: ServerResponse, refusal: TokenRefusal, now = options.now(undefined)): void {
    sendJson(response, refusal.status, refusalBody(refusal, nextGap(), now));
  }

  /** Entra words its errors in two spacings, older and newer; both occur here, by turns. */
  function nextGap(): Gap {
    return answers++ % 2 === 0 ? " " : "\r\n";
  }
}

function sendConfiguration(request: IncomingMessage, response: ServerResponse, tenant: DirectoryTenant, name: string): void {
  const base = `https://${hostOf(request, name)}/${tenant.tenantId}`;
  sendJson(response, 200, {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    response_types_supported: ["code", "token"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    scopes_supported: ["openid"],
  });
}

/** As the client called it, where that is this machine or the name that clients are told. */
function hostOf(request: IncomingMessage, name: string): string {
  const { host = "" } = request.headers;
  return host.replace(/:[0-9]+$/, "") === name || /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$/.test(host) ? host : name;
}

function readForm(body: string, authorization: string | undefined): TokenForm {
  const form = new URLSearchParams(body);
  return { get: (name) => form.get(name) ?? undefined, basic: readBasic(authorization) };
}

function readBasic(authorization: string | undefined): { clientId: string; secret: string } | undefined {
  if (!authorization?.toLowerCase().startsWith("basic ")) return undefined;
  const text = Buffer.from(authorization.slice(6), "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { clientId: decodeSafely(text.slice(0, colon)), secret: decodeSafely(text.slice(colon + 1)) };
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
