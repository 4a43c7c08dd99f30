import { expect, test } from "vitest";
import { AppCredentials } from "./app-credentials.ts";
import type { DirectoryTenant } from "./directory.ts";
import { judgeTokenRequest } from "./token-request.ts";

const tenant: DirectoryTenant = {
  alias: "contoso",
  tenantId: "11111111-2222-4333-8444-555555555555",
  clientId: "66666666-7777-4888-9999-000000000000",
  objectId: "o",
  credentials: new AppCredentials(),
};
tenant.credentials.addSecret("right");
const place = { tenants: [tenant], now: 0, origin: "https://localhost:1" };
const good = {
  grant_type: "client_credentials",
  client_id: tenant.clientId,
  client_secret: "right",
  scope: "https://outlook.office365.com/.default",
};

function judge(change: Readonly<Record<string, string | undefined>>, path = tenant.tenantId): unknown {
  const form: Readonly<Record<string, string | undefined>> = { ...good, ...change };
  const verdict = judgeTokenRequest(path, { get: (name) => form[name] }, place);
  return "ok" in verdict ? verdict.ok.audience : [verdict.refusal.status, verdict.refusal.error, verdict.refusal.code];
}

test.each([
  [{}, tenant.tenantId],
  [{}, "contoso.example"],
  [{ "x-client-SKU": "msal.js.node", claims: "{}" }, tenant.tenantId],
])("a good request %j for %s gets a token for Exchange", (change, path) => {
  expect(judge(change, path)).toBe("https://outlook.office365.com");
});

test("the audience is the resource that was asked for", () => {
  expect(judge({ scope: "https://graph.microsoft.com/.default" })).toBe("https://graph.microsoft.com");
});

test("HTTP Basic serves as well as the two fields", () => {
  const form: Readonly<Record<string, string>> = { grant_type: good.grant_type, scope: good.scope };
  const verdict = judgeTokenRequest(
    tenant.tenantId,
    { get: (name) => form[name], basic: { clientId: tenant.clientId, secret: "right" } },
    place,
  );
  expect(verdict).toHaveProperty("ok");
});

test.each([
  [{ client_secret: "wrong" }, undefined, [401, "invalid_client", 7000215]],
  [{ client_secret: undefined }, undefined, [401, "invalid_client", 7000216]],
  [{ client_secret: undefined, client_assertion: "x" }, undefined, [401, "invalid_client", 50027]],
  [{ client_id: "00000000-0000-4000-8000-000000000000" }, undefined, [400, "unauthorized_client", 700016]],
  [{ client_id: undefined }, undefined, [400, "invalid_request", 900144]],
  [{}, "22222222-0000-4000-8000-000000000000", [400, "invalid_request", 90002]],
  [{}, "common", [400, "invalid_request", 9001023]],
  [{ scope: "https://outlook.office365.com/IMAP.AccessAsApp" }, undefined, [400, "invalid_scope", 1002012]],
  [{ scope: "openid" }, undefined, [400, "invalid_scope", 70011]],
  [{ scope: `${good.scope} https://graph.microsoft.com/.default` }, undefined, [400, "invalid_scope", 70011]],
  [{ scope: "https://outlook.office365.us/.default" }, undefined, [400, "invalid_resource", 500011]],
  [{ scope: undefined }, undefined, [400, "invalid_request", 900144]],
  [{ grant_type: "password" }, undefined, [400, "unsupported_grant_type", 70003]],
  [{ grant_type: undefined }, undefined, [400, "invalid_request", 900144]],
])("%j at %s is refused with %j", (change, path, expected) => {
  expect(judge(change, path)).toEqual(expected);
});
