import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { testAuthority } from "@mailfleet/testkit";
import type { EntraTenant } from "./entra-tenant.ts";

/** Answers one request; `form` is what was posted. */
export type Answer = (response: ServerResponse, form: URLSearchParams, request: IncomingMessage) => void;

export interface LoginService {
  readonly authority: string;
  readonly caPem: string;
  /** Every request that came in, discovery included, as `METHOD path`. */
  readonly requests: readonly string[];
  /** How requests are answered from now on. */
  answer: Answer;
  stop(): Promise<void>;
}

/** An HTTPS server on loopback with a certificate of its own authority, whose answers the test decides. */
export async function startLoginService(answer: Answer): Promise<LoginService> {
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-entra-"));
  const authority = await testAuthority(dir);
  const { certFile, keyFile } = await authority.issue("login");
  const caPem = await readFile(authority.caFile, "utf8");
  const requests: string[] = [];
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    requests.push(`${request.method} ${new URL(request.url ?? "/", "https://localhost").pathname}`);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => service.answer(response, new URLSearchParams(Buffer.concat(chunks).toString("utf8")), request));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await rm(dir, { recursive: true });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  const service: LoginService = {
    authority: `https://localhost:${address.port}`,
    caPem,
    requests,
    answer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return service;
}

let issued = 0;

/** A token as Entra issues one for an app, unsigned; each is different. */
export function tokenFor(tenant: EntraTenant, claims: Readonly<Record<string, unknown>> = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload = {
    aud: "https://outlook.office365.com",
    tid: tenant.tenantId,
    appid: tenant.clientId,
    oid: "99999999-9999-9999-9999-999999999999",
    roles: ["IMAP.AccessAsApp", "POP.AccessAsApp"],
    uti: `token-${++issued}`,
    ...claims,
  };
  return `${part({ typ: "JWT", alg: "RS256" })}.${part(payload)}.c2lnbmF0dXJl`;
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** 200 with a new token for each request. */
export function grant(tenant: EntraTenant, options: { expiresIn?: unknown; claims?: Record<string, unknown> } = {}): Answer {
  return (response, form, request) =>
    json(200, { token_type: "Bearer", expires_in: options.expiresIn ?? 3599, access_token: tokenFor(tenant, options.claims) })(
      response,
      form,
      request,
    );
}

/** A refusal in Entra's form. */
export function refuse(status: number, error: string, number: number, text = "no"): Answer {
  return json(status, {
    error,
    error_description: `AADSTS${number}: ${text}\r\nTrace ID: 0\r\nCorrelation ID: 0`,
    error_codes: [number],
    trace_id: "0",
  });
}
