import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { FaultBook } from "../faults/fault-book.ts";
import type { DirectoryTenant } from "./directory.ts";
import type { TokenIssuer } from "./token-issuer.ts";
import { misbehave } from "./token-misbehaviour.ts";
import { resources } from "./token-request.ts";
import { grantToken } from "./token-shape.ts";

export interface ManagedIdentityOptions {
  readonly issuer: TokenIssuer;
  readonly tenants: readonly DirectoryTenant[];
  readonly lifetimeSeconds: number;
  /** Called for each request with the tenant's alias, or `unknown`. */
  readonly count: (alias: string) => void;
  /** The clock that a tenant sees at Microsoft. */
  readonly now: (alias: string | undefined) => number;
  readonly faults: Pick<FaultBook, "strike">;
}

/** Each cloud machine has its own metadata service; here `client_id`, `object_id` or `mi_res_id` picks the tenant, else it is the first. */
export function createManagedIdentityServer(options: ManagedIdentityOptions): Server {
  return createServer((request, response) => {
    answer(options, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
}

/** Wire shape of the Azure Instance Metadata Service: GET, `Metadata: true`, all numbers as strings. */
async function answer(options: ManagedIdentityOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  // MSAL puts a slash behind the path.
  const path = url.pathname.replace(/\/$/, "");
  if (request.method !== "GET" || path !== "/metadata/identity/oauth2/token") return refuse(response, 404, "not_found", "Not found");
  // A proxy would add X-Forwarded-For: the service refuses it, so that no request from outside the machine is answered.
  if (request.headers["metadata"] !== "true" || request.headers["x-forwarded-for"] !== undefined)
    return refuse(response, 400, "invalid_request", "Required metadata header not specified");
  if (!url.searchParams.has("api-version"))
    return refuse(response, 400, "invalid_request", "Required query variable api-version is missing");
  const resource = url.searchParams.get("resource")?.replace(/\/$/, "").toLowerCase();
  if (!resource) return refuse(response, 400, "invalid_request", "Required query variable 'resource' is missing");
  const tenant = findIdentity(url.searchParams, options.tenants);
  options.count(tenant?.alias ?? "unknown");
  const now = options.now(tenant?.alias);
  const faulty = { tenant: tenant?.alias, body: url.search.slice(1), clientId: tenant?.clientId, now, gap: " " } as const;
  if (await misbehave(options.faults, faulty, response)) return;
  if (!tenant) return refuse(response, 400, "invalid_request", "Identity not found");
  if (!resources.includes(resource))
    return refuse(
      response,
      400,
      "invalid_resource",
      `AADSTS500011: The resource principal named ${resource.slice(0, 120)} was not found in the tenant named ${tenant.tenantId}.`,
    );
  const { lifetimeSeconds } = options;
  const grant = await grantToken(options, { tenant, audience: resource, now, lifetimeSeconds, kind: "managed-identity" });
  const seconds = Math.floor(now / 1000);
  send(response, 200, {
    access_token: grant.accessToken,
    client_id: tenant.clientId,
    expires_in: String(grant.lifetimeSeconds - 1),
    expires_on: String(seconds + grant.lifetimeSeconds),
    ext_expires_in: String(grant.lifetimeSeconds - 1),
    not_before: String(seconds),
    resource: url.searchParams.get("resource"),
    token_type: "Bearer",
  });
}

function findIdentity(query: URLSearchParams, tenants: readonly DirectoryTenant[]): DirectoryTenant | undefined {
  const clientId = query.get("client_id")?.toLowerCase();
  if (clientId !== undefined) return tenants.find((tenant) => tenant.clientId === clientId);
  const objectId = (query.get("object_id") ?? query.get("principal_id"))?.toLowerCase();
  if (objectId !== undefined) return tenants.find((tenant) => tenant.objectId === objectId);
  const resourceId = query.get("msi_res_id") ?? query.get("mi_res_id");
  if (resourceId !== null) return tenants.find((tenant) => resourceId.endsWith(`/${tenant.alias}`));
  return tenants[0];
}

function refuse(response: ServerResponse, status: number, error: string, text: string): void {
  send(response, status, { error, error_description: text });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", server: "IMDS/150.870.65.1854" });
  response.end(JSON.stringify(body));
}
