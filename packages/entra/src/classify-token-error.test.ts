import type { ErrorFacts } from "@mailfleet/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyTokenError, type TokenFailureCode, tokenFailureCodes } from "./classify-token-error.ts";

const entra = (httpStatus: number, code?: string, number?: number): ErrorFacts => ({
  layer: "entra",
  httpStatus,
  ...(code !== undefined && { code }),
  ...(number !== undefined && { number }),
});

const table: readonly [name: string, facts: ErrorFacts, code: TokenFailureCode][] = [
  ["wrong secret", entra(401, "invalid_client", 7000215), "ENTRA_CREDENTIAL_INVALID"],
  ["expired secret", entra(401, "invalid_client", 7000222), "ENTRA_CREDENTIAL_EXPIRED"],
  ["certificate not uploaded", entra(401, "invalid_client", 700027), "ENTRA_CREDENTIAL_INVALID"],
  ["clock off", entra(401, "invalid_client", 700024), "ENTRA_CLOCK_WRONG"],
  ["assertion of a foreign issuer", entra(401, "invalid_client", 700211), "ENTRA_CREDENTIAL_INVALID"],
  ["machine without identity", entra(400, "identity_not_found"), "ENTRA_CREDENTIAL_INVALID"],
  ["unknown app", entra(400, "unauthorized_client", 700016), "ENTRA_APP_UNKNOWN"],
  ["app without service principal", entra(400, "unauthorized_client", 7000229), "ENTRA_PRINCIPAL_MISSING"],
  ["unknown tenant, older words", entra(400, "invalid_request", 90002), "ENTRA_TENANT_UNKNOWN"],
  ["unknown tenant, newer words", entra(400, "invalid_tenant", 90002), "ENTRA_TENANT_UNKNOWN"],
  ["tenant alias common", entra(400, "invalid_request", 9001023), "ENTRA_TENANT_UNKNOWN"],
  ["scope without .default", entra(400, "invalid_scope", 1002012), "ENTRA_SCOPE_INVALID"],
  ["unknown scope", entra(400, "invalid_scope", 70011), "ENTRA_SCOPE_INVALID"],
  ["no Exchange in the tenant", entra(400, "invalid_resource", 500011), "ENTRA_SCOPE_INVALID"],
  ["Conditional Access", entra(400, "invalid_grant", 53003), "ENTRA_ACCESS_BLOCKED"],
  ["consent", entra(400, "invalid_grant", 65001), "ENTRA_CONSENT_MISSING"],
  ["throttled", entra(429, "temporarily_unavailable"), "ENTRA_THROTTLED"],
  ["throttled without body", entra(429), "ENTRA_THROTTLED"],
  ["outage", entra(503, "temporarily_unavailable", 90033), "ENTRA_UNAVAILABLE"],
  ["outage that says invalid_client", entra(500, "invalid_client"), "ENTRA_UNAVAILABLE"],
  ["HTML of a proxy", entra(502), "ENTRA_UNAVAILABLE"],
  ["captive portal", entra(200, "ANSWER_NOT_JSON"), "ENTRA_UNAVAILABLE"],
  ["200 without token", entra(200, "ANSWER_WITHOUT_TOKEN"), "ENTRA_UNAVAILABLE"],
  ["not the endpoint", entra(404), "ENTRA_UNAVAILABLE"],
  ["name service", { layer: "network", code: "ENOTFOUND" }, "ENTRA_UNAVAILABLE"],
  ["certificate of the service", { layer: "tls", code: "CERT_HAS_EXPIRED" }, "ENTRA_UNAVAILABLE"],
  ["redirect", { layer: "network", code: "REDIRECT" }, "ENTRA_UNAVAILABLE"],
  ["custom service, word only", entra(401, "invalid_client"), "ENTRA_CREDENTIAL_INVALID"],
  ["a number nobody listed", entra(400, "invalid_request", 123456), "UNCLASSIFIED"],
  ["a word nobody listed", entra(400, "brand_new_error"), "UNCLASSIFIED"],
  ["MSAL itself", { layer: "entra", code: "authority_uri_insecure" }, "UNCLASSIFIED"],
];

describe("a failed token request", () => {
  test.each(table)("%s", (_, facts, code) => {
    expect(classifyTokenError(facts)).toBe(code);
  });

  test("has a code, whatever the facts are", () => {
    const facts = fc.record(
      {
        layer: fc.constantFrom("entra", "network", "tls", "imap", "redis" as const),
        code: fc.string(),
        number: fc.integer(),
        httpStatus: fc.integer(),
        text: fc.string(),
      },
      { requiredKeys: ["layer"] },
    );
    fc.assert(fc.property(facts, (some) => tokenFailureCodes.includes(classifyTokenError(some as ErrorFacts))));
  });
});
