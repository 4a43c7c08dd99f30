import type { DirectoryTenant } from "./token-issuer.ts";

/** One AADSTS refusal; `status`, `error` and code as the field guide's table 1.3 has them. */
export interface TokenRefusal {
  readonly status: 400 | 401;
  readonly error: string;
  readonly code: number;
  readonly text: string;
}

export type TokenVerdict =
  | { readonly ok: { readonly tenant: DirectoryTenant; readonly audience: string } }
  | { readonly refusal: TokenRefusal };

export interface TokenForm {
  readonly get: (name: string) => string | undefined;
  /** From HTTP Basic, which Entra takes in place of the form's two fields. */
  readonly basic?: { readonly clientId: string; readonly secret: string } | undefined;
}

/** Resources that exist in every directory here; a token for Graph is a good token that opens no mailbox. */
const resources: readonly string[] = [
  "https://outlook.office365.com",
  "https://outlook.office.com",
  "https://ps.outlook.com",
  "https://graph.microsoft.com",
];

/** Judges a token request. Pure. Unknown fields are ignored, as Entra does. */
export function judgeTokenRequest(tenantInPath: string, form: TokenForm, tenants: readonly DirectoryTenant[]): TokenVerdict {
  const wanted = tenantInPath.toLowerCase();
  if (wanted === "common" || wanted === "organizations" || wanted === "consumers") {
    return refuse(
      400,
      "invalid_request",
      9001023,
      `The grant type is not supported over the /${wanted} endpoint. Please use the /consumers or tenant-specific endpoint.`,
    );
  }
  const tenant = findTenant(wanted, tenants);
  if (!tenant) return { refusal: unknownTenant(tenantInPath) };
  const grantType = form.get("grant_type");
  if (!grantType) return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.");
  if (grantType !== "client_credentials")
    return refuse(400, "unsupported_grant_type", 70003, `The app requested an unsupported grant type '${grantType.slice(0, 60)}'.`);
  const clientId = form.get("client_id") ?? form.basic?.clientId;
  if (!clientId) return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.");
  const scope = judgeScope(form.get("scope"), tenant);
  if ("refusal" in scope) return scope;
  if (clientId.toLowerCase() !== tenant.clientId) {
    return refuse(
      400,
      "unauthorized_client",
      700016,
      `Application with identifier '${clientId.slice(0, 80)}' was not found in the directory '${tenant.alias}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    );
  }
  if (form.get("client_assertion") !== undefined)
    return refuse(401, "invalid_client", 700027, "Client assertion contains an invalid signature. [Reason - The key was not found.]");
  const secret = form.get("client_secret") ?? form.basic?.secret;
  if (!secret)
    return refuse(
      401,
      "invalid_client",
      7000216,
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    );
  if (secret !== tenant.secret) {
    return refuse(
      401,
      "invalid_client",
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${tenant.clientId}'.`,
    );
  }
  return { ok: { tenant, audience: scope.audience } };
}

export function findTenant(idOrDomain: string, tenants: readonly DirectoryTenant[]): DirectoryTenant | undefined {
  const wanted = idOrDomain.toLowerCase();
  return tenants.find((tenant) => tenant.tenantId === wanted || `${tenant.alias}.example` === wanted);
}

export function unknownTenant(name: string): TokenRefusal {
  const text = `Tenant '${name.slice(0, 80)}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`;
  return { status: 400, error: "invalid_request", code: 90002, text };
}

function judgeScope(
  scope: string | undefined,
  tenant: DirectoryTenant,
): { readonly audience: string } | { readonly refusal: TokenRefusal } {
  if (!scope) return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'.");
  const shown = scope.slice(0, 200);
  const parts = scope.split(" ").filter((part) => part !== "");
  if (parts.length !== 1 || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/]+|^[0-9a-f-]{36}\//i.test(parts[0] ?? "")) {
    return refuse(
      400,
      "invalid_scope",
      70011,
      `The provided value for the input parameter 'scope' is not valid. The scope ${shown} is not valid.`,
    );
  }
  const only = parts[0] as string;
  if (!only.endsWith("/.default")) {
    return refuse(
      400,
      "invalid_scope",
      1002012,
      `The provided value for scope ${shown} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  const resource = only.slice(0, -"/.default".length).replace(/\/$/, "").toLowerCase();
  if (!resources.includes(resource)) {
    return refuse(
      400,
      "invalid_resource",
      500011,
      `The resource principal named ${resource.slice(0, 120)} was not found in the tenant named ${tenant.alias}.`,
    );
  }
  return { audience: resource };
}

function refuse(status: 400 | 401, error: string, code: number, text: string): { readonly refusal: TokenRefusal } {
  return { refusal: { status, error, code, text } };
}
