import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { RunningDovecot } from "./dovecot-server.ts";

export interface TokenEndpointTenant {
  readonly tenantId: string;
  /** The mail domain that its tokens open. */
  readonly domain: string;
  readonly clientId: string;
  readonly secret: string;
}

export interface TokenEndpointOptions {
  /** Its authority signs our certificate, its key our tokens. */
  readonly dovecot: RunningDovecot;
  readonly tenants: readonly TokenEndpointTenant[];
  /** Lifetime of the tokens; default 3599, as Entra says. */
  readonly expiresInSeconds?: number;
}

export interface TokenEndpointFault {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RunningTokenEndpoint {
  /** `https://localhost:PORT`; put the tenant id behind it. */
  readonly authority: string;
  readonly port: number;
  readonly caFile: string;
  /** Token requests so far, refused ones included. */
  readonly requests: number;
  /** The next token requests are answered so, one each. */
  failNext(...faults: readonly TokenEndpointFault[]): void;
  stop(): Promise<void>;
}

/**
 * A token endpoint as small as MSAL allows: OpenID configuration and the client credentials grant with a secret. For tests against Dovecot;
 * the sandbox has the endpoint that resembles Entra.
 */
export async function startTokenEndpoint(options: TokenEndpointOptions): Promise<RunningTokenEndpoint> {
  const { certFile, keyFile } = await options.dovecot.authority.issue(`token-endpoint-${crypto.randomUUID()}`);
  const faults: TokenEndpointFault[] = [];
  const counts = { requests: 0 };
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      sendJson(response, 500, { error: "server_error", error_description: String(error) });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  const authority = `https://localhost:${address.port}`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", authority);
    const [, tenantId = "", ...rest] = pathname.split("/");
    const route = rest.join("/");
    if (route === "v2.0/.well-known/openid-configuration" || route === ".well-known/openid-configuration") {
      sendJson(response, 200, openIdConfiguration(`${authority}/${tenantId}`));
    } else if (request.method === "POST" && route === "oauth2/v2.0/token") {
      await answerTokenRequest(request, response, tenantId);
    } else {
      sendJson(response, 404, { error: "not_found" });
    }
  };

  const answerTokenRequest = async (request: IncomingMessage, response: ServerResponse, tenantId: string): Promise<void> => {
    counts.requests += 1;
    const form = new URLSearchParams(await readBody(request));
    const fault = faults.shift();
    if (fault !== undefined) {
      response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers }).end(fault.body ?? "{}");
      return;
    }
    const tenant = options.tenants.find((candidate) => candidate.tenantId === tenantId);
    if (tenant === undefined) return sendRefusal(response, 400, 90_002, "invalid_request", `Tenant '${tenantId}' not found.`);
    if (form.get("client_id") !== tenant.clientId)
      return sendRefusal(response, 400, 700_016, "unauthorized_client", "Application not found in the directory.");
    if (form.get("client_secret") !== tenant.secret)
      return sendRefusal(response, 401, 7_000_215, "invalid_client", "Invalid client secret provided.");
    const expiresIn = options.expiresInSeconds ?? 3599;
    const token = await options.dovecot.issueToken({
      domain: tenant.domain,
      expiresInSeconds: expiresIn,
      claims: { appid: tenant.clientId, oid: "5f0c1b7e-0000-4000-8000-00000000f1ee", tid: tenantId },
    });
    sendJson(response, 200, { token_type: "Bearer", expires_in: expiresIn, ext_expires_in: expiresIn, access_token: token });
  };

  return {
    authority,
    port: address.port,
    caFile: options.dovecot.caFile,
    get requests() {
      return counts.requests;
    },
    failNext: (...added) => void faults.push(...added),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function openIdConfiguration(base: string): object {
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ["code"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}

function sendRefusal(response: ServerResponse, status: number, code: number, error: string, text: string): void {
  sendJson(response, status, { error, error_description: `AADSTS${code}: ${text}`, error_codes: [code] });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
