import type { CredentialVerdict } from "./app-credentials.ts";
import { type DirectoryTenant, findTenant } from "./directory.ts";
import { refusalOf, type RefusalWords, type TokenRefusal } from "./token-refusal.ts";

/** `credential` names what proved the app, or failed to; absent where it did not come to that. */
export type TokenVerdict =
  | {
      readonly ok: { readonly tenant: DirectoryTenant; readonly audience: string; readonly kind: "secret" | "certificate" };
      readonly credential: string;
    }
  | { readonly refusal: TokenRefusal; readonly credential?: string };

/** Where and when a request is judged. */
export interface TokenPlace {
  /** Of the directory's tenants. */
  readonly tenants: readonly DirectoryTenant[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** `https://host:port`, as the client called this endpoint. */
  readonly origin: string;
}

export interface TokenForm {
  readonly get: (name: string) => string | undefined;
  /** From HTTP Basic, which Entra takes in place of the form's two fields. */
  readonly basic?: { readonly clientId: string; readonly secret: string } | undefined;
}

/** Resources that exist in every directory here; a token for Graph is a good token that opens no mailbox. */
export const resources: readonly string[] = [
  "https://outlook.office365.com",
  "https://outlook.office.com",
  "https://ps.outlook.com",
  "https://graph.microsoft.com",
];

/** Judges a token request. Pure. Unknown fields are ignored, as Entra does. */
export function judgeTokenRequest(tenantInPath: string, form: TokenForm, place: TokenPlace): TokenVerdict {
  const wanted = tenantInPath.toLowerCase();
  if (wanted === "common" || wanted === "organizations" || wanted === "consumers") return refuse(9001023, { value: wanted });
  const tenant = findTenant(wanted, place.tenants);
  if (!tenant) return refuse(90002, { tenant: tenantInPath });
  const grantType = form.get("grant_type");
  if (!grantType) return refuse(900144, { value: "grant_type" });
  if (grantType !== "client_credentials") return refuse(70003, { value: grantType });
  const clientId = form.get("client_id") ?? form.basic?.clientId;
  if (!clientId) return refuse(900144, { value: "client_id" });
  const scope = judgeScope(form.get("scope"), tenant);
  if ("refusal" in scope) return scope;
  if (clientId.toLowerCase() !== tenant.clientId) return refuse(700016, { app: clientId, tenant: tenant.alias });
  const verdict = judgeCredential(form, tenant, tenantInPath, place);
  if (!verdict) return refuse(7000216);
  if ("refusal" in verdict) return verdict;
  return { ok: { tenant, audience: scope.audience, kind: verdict.ok.kind }, credential: verdict.ok.credential };
}

/** Undefined where none was sent. */
function judgeCredential(
  form: TokenForm,
  { tenantId, clientId, credentials }: DirectoryTenant,
  tenantInPath: string,
  { now, origin }: TokenPlace,
): CredentialVerdict | undefined {
  const assertion = form.get("client_assertion");
  if (assertion !== undefined) {
    const names = [tenantId, tenantInPath].flatMap((name) => [`${origin}/${name}/oauth2/v2.0/token`, `${origin}/${name}/v2.0`]);
    return credentials.judgeAssertion(assertion, clientId, names, now);
  }
  const secret = form.get("client_secret") ?? form.basic?.secret;
  return secret ? credentials.judgeSecret(secret, clientId, now) : undefined;
}

function judgeScope(
  scope: string | undefined,
  tenant: DirectoryTenant,
): { readonly audience: string } | { readonly refusal: TokenRefusal } {
  if (!scope) return refuse(900144, { value: "scope" });
  const parts = scope.split(" ").filter((part) => part !== "");
  const [only = ""] = parts;
  if (parts.length !== 1 || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/]+|^[0-9a-f-]{36}\//i.test(only)) return refuse(70011, { scope });
  if (!only.endsWith("/.default")) return refuse(1002012, { scope });
  const resource = only.slice(0, -"/.default".length).replace(/\/$/, "").toLowerCase();
  return resources.includes(resource) ? { audience: resource } : refuse(500011, { resource, tenant: tenant.alias });
}

function refuse(code: number, words: RefusalWords = {}): { readonly refusal: TokenRefusal } {
  return { refusal: refusalOf(code, words) };
}
