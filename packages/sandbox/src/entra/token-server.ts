import { randomUUID } from "node:crypto";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { FaultBook } from "../faults/fault-book.ts";
import { type DirectoryTenant, findTenant } from "./directory.ts";
import type { TokenIssuer } from "./token-issuer.ts";
import type { TokenRefusal } from "./token-refusal.ts";
import { judgeTokenRequest, type TokenForm, unknownTenant } from "./token-request.ts";

export interface TokenServerOptions {
  readonly key: string;
  readonly cert: string;
  readonly issuer: TokenIssuer;
  readonly tenants: readonly DirectoryTenant[];
  readonly faults: Pick<FaultBook, "strike" | "holds">;
  readonly lifetimeSeconds: number;
  /** Called for each request with the tenant's alias, or `unknown`. */
  readonly count: (alias: string) => void;
  /** Called for each request whose credential was looked at, with its name, or `none`. */
  readonly countCredential: (alias: string, credential: string) => void;
  readonly now: () => number;
}

const maxBodyBytes = 64 * 1024;

/**
 * Entra ID's token endpoint for the client credentials grant, with the two documents that MSAL asks a custom authority for: the OpenID
 * configuration (its issuer's host has to be the authority's) and the signing keys.
 */
export function createTokenServer(options: TokenServerOptions): Server {
  let refusals = 0;
  const server = createServer({ key: options.key, cert: options.cert, minVersion: "TLSv1.2" }, (request, response) => {
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
    const route = rest.join("/");
    if (request.method === "POST" && route === "oauth2/v2.0/token") return answerToken(request, response, tenantInPath);
    if (request.method === "GET" && /^(v2\.0\/)?\.well-known\/openid-configuration$/.test(route))
      return answerConfiguration(request, response, tenantInPath);
    if (request.method === "GET" && /^discovery\/(v2\.0\/)?keys$/.test(route)) return send(response, 200, options.issuer.jwks);
    response.writeHead(404).end();
  }

  async function answerToken(request: IncomingMessage, response: ServerResponse, tenantInPath: string): Promise<void> {
    const body = await readBody(request);
    options.count(findTenant(tenantInPath, options.tenants)?.alias ?? "unknown");
    const alias = findTenant(tenantInPath, options.tenants)?.alias;
    if (options.faults.strike("token-stall", alias === undefined ? {} : { tenant: alias })) return;
    if (body === undefined) {
      response.writeHead(413, { connection: "close" }).end();
      return;
    }
    const place = { tenants: options.tenants, now: options.now(), origin: `https://${hostOf(request)}` };
    const verdict = judgeTokenRequest(tenantInPath, readForm(body, request.headers.authorization), place);
    if (alias !== undefined && verdict.credential !== undefined) options.countCredential(alias, verdict.credential);
    if ("refusal" in verdict) return sendRefusal(response, verdict.refusal);
    const { tenant, audience, kind } = verdict.ok;
    const token = await options.issuer.issue(tenant, audience, { now: place.now, lifetimeSeconds: options.lifetimeSeconds, kind });
    // One second less than the lifetime, as Entra counts from its own clock.
    const left = options.lifetimeSeconds - 1;
    send(response, 200, { token_type: "Bearer", expires_in: left, ext_expires_in: left, access_token: token });
  }

  function answerConfiguration(request: IncomingMessage, response: ServerResponse, tenantInPath: string): void {
    const tenant = findTenant(tenantInPath, options.tenants);
    if (!tenant) return sendRefusal(response, unknownTenant(tenantInPath));
    const base = `https://${hostOf(request)}/${tenant.tenantId}`;
    send(response, 200, {
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

  /** Entra words its errors in two spacings, older and newer; both occur here, by turns. */
  function sendRefusal(response: ServerResponse, refusal: TokenRefusal): void {
    const gap = refusals++ % 2 === 0 ? " " : "\r\n";
    const traceId = randomUUID();
    const correlationId = randomUUID();
    const timestamp = `${new Date().toISOString().slice(0, 19).replace("T", " ")}Z`;
    send(response, refusal.status, {
      error: refusal.error,
      error_description: `AADSTS${String(refusal.code)}: ${refusal.text}${gap}Trace ID: ${traceId}${gap}Correlation ID: ${correlationId}${gap}Timestamp: ${timestamp}`,
      error_codes: [refusal.code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${String(refusal.code)}`,
    });
  }
}

/** As the client called it, where that is this machine. */
function hostOf(request: IncomingMessage): string {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$/.exec(request.headers.host ?? "")?.[0] ?? "localhost";
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store, no-cache",
    pragma: "no-cache",
    "x-ms-request-id": randomUUID(),
  });
  response.end(text);
}

/** Undefined if it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
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
