import type { JsonWebKey } from "node:crypto";
import { makeSecret } from "../entra/directory.ts";
import type { Sandbox } from "../start-sandbox.ts";

/**
 * What an administrator does to a tenant's app registration. Each has `tenant`, an alias, and is answered with `{id}` or `{}`:
 * `{type:"add", startsInSeconds?, endsInSeconds?, inFile?}` (`inFile` also writes it where the configuration names it; the answer has the new
 * `secret`), `{type:"rotate"}` (all old ones fail at once, the file has the new one), `{type:"end", id?, endsInSeconds?}`,
 * `{type:"certificate", pem}`, `{type:"federation", issuer, subject, audience?, keys}`, `{type:"remove", id}`.
 * @throws RangeError, TypeError
 */
export function changeCredential(sandbox: Sandbox, request: Readonly<Record<string, unknown>>): object {
  const tenant = text(request, "tenant");
  switch (request["type"]) {
    case "add": {
      const startsAt = inSeconds(request["startsInSeconds"]);
      const endsAt = inSeconds(request["endsInSeconds"]);
      return sandbox.addSecret(tenant, { ...(startsAt && { startsAt }), ...(endsAt && { endsAt }), inFile: request["inFile"] === true });
    }
    case "rotate":
      sandbox.rotateSecret(tenant, makeSecret());
      return {};
    case "end":
      sandbox.endSecret(tenant, inSeconds(request["endsInSeconds"]) ?? new Date(), optionalText(request, "id"));
      return {};
    case "certificate":
      return { id: sandbox.addCertificate(tenant, text(request, "pem")) };
    case "federation": {
      const audience = optionalText(request, "audience");
      const trust = { issuer: text(request, "issuer"), subject: text(request, "subject"), keys: keysOf(request["keys"]) };
      return { id: sandbox.trustFederation(tenant, { ...trust, ...(audience !== undefined && { audience }) }) };
    }
    case "remove":
      sandbox.removeCredential(tenant, text(request, "id"));
      return {};
    default:
      throw new TypeError("type is add, rotate, end, certificate, federation or remove");
  }
}

function inSeconds(value: unknown): Date | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError("a time is a number of seconds from now");
  return new Date(Date.now() + value * 1_000);
}

function keysOf(value: unknown): string | { readonly keys: readonly JsonWebKey[] } {
  if (typeof value === "string") return value;
  const keys: unknown = typeof value === "object" && value !== null && "keys" in value ? value.keys : undefined;
  if (!Array.isArray(keys)) throw new TypeError("keys is a JWKS, or one public key in PEM");
  return { keys: keys as readonly JsonWebKey[] };
}

function text(request: Readonly<Record<string, unknown>>, name: string): string {
  const value = optionalText(request, name);
  if (value === undefined) throw new TypeError(`${name} is missing`);
  return value;
}

function optionalText(request: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = request[name];
  if (value === undefined || typeof value === "string") return value;
  throw new TypeError(`${name} is a text`);
}
