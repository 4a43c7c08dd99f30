import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createScrubber, Secret } from "@mailfleet/core";
import { makeAppCertificate } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { type Answer, grant, json, type LoginService, refuse, startLoginService, tokenFor } from "./login-service.fixture.ts";
import { readCredential } from "./read-credential.ts";
import { requestToken, type TokenRequestResult } from "./request-token.ts";

let service: LoginService;
let app: Awaited<ReturnType<typeof makeAppCertificate>>;
let form = new URLSearchParams();

beforeAll(async () => {
  [service, app] = await Promise.all([startLoginService(json(500, {})), makeAppCertificate()]);
});
afterAll(() => service.stop());

function tenantWith(credential: EntraCredential): EntraTenant {
  return {
    alias: "contoso",
    tenantId: "11111111-1111-1111-1111-111111111111",
    clientId: "22222222-2222-2222-2222-222222222222",
    credential,
    authority: service.authority,
    isCustomAuthority: false,
    scope: "https://outlook.office365.com/.default",
    caPem: service.caPem,
    protocols: ["imap"],
  };
}

function ask(credential: EntraCredential, answer?: Answer): Promise<TokenRequestResult> {
  const tenant = tenantWith(credential);
  service.answer = (response, posted, request) => {
    form = posted;
    (answer ?? grant(tenant))(response, posted, request);
  };
  const chance = { uuid: () => crypto.randomUUID() };
  return requestToken(tenant, credential, { clock: { now: () => Date.now() }, chance, scrub: createScrubber([]) });
}

function read(settings: Parameters<typeof readCredential>[0], texts: Record<string, string>): EntraCredential {
  const result = readCredential(settings, (file) => texts[file], {});
  if ("problem" in result) throw new Error(result.problem);
  return result.credential;
}

describe("a certificate", () => {
  const credential = (): EntraCredential =>
    read({ kind: "certificate", keyFile: "key", certFile: "cert" }, { key: app.key, cert: app.cert });

  test("signs an assertion that Entra can check: PS256, SHA-256 thumbprint, ten minutes, for this token endpoint", async () => {
    expect((await ask(credential())).ok).toBe(true);
    expect(form.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    expect(form.has("client_secret")).toBe(false);
    const [head = "", body = "", signature = ""] = (form.get("client_assertion") ?? "").split(".");
    const [header, claims] = [head, body].map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>);
    const certificate = new X509Certificate(app.cert);
    const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
    expect(header).toMatchObject({ alg: "PS256", "x5t#S256": thumbprint });
    const tenant = tenantWith(credential());
    expect(claims).toMatchObject({
      aud: `${service.authority}/${tenant.tenantId}/oauth2/v2.0/token`,
      iss: tenant.clientId,
      sub: tenant.clientId,
    });
    expect(Number(claims?.["exp"]) - Number(claims?.["nbf"])).toBe(600);
    const key = { key: createPublicKey(certificate.publicKey.export({ type: "spki", format: "pem" })), padding: 6, saltLength: 32 };
    expect(verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))).toBe(true);
  });

  test("that the app does not know is refused as such, and a wrong clock as a wrong clock with how much", async () => {
    expect(await ask(credential(), refuse(401, "invalid_client", 700027))).toMatchObject({ code: "ENTRA_CREDENTIAL_INVALID" });
    const result = await ask(credential(), (response, posted, request) => {
      response.setHeader("date", new Date(Date.now() - 600_000).toUTCString());
      refuse(401, "invalid_client", 700024)(response, posted, request);
    });
    expect(result).toMatchObject({ ok: false, code: "ENTRA_CLOCK_WRONG", facts: { number: 700024 } });
    expect(!result.ok && result.facts.skewMs).toBeGreaterThan(598_000);
    expect(!result.ok && result.facts.skewMs).toBeLessThan(602_000);
  });
});

describe("a federated token", () => {
  const payload = Buffer.from(JSON.stringify({ exp: 4_000_000_000 })).toString("base64url");
  const assertion = `eyJhbGciOiJSUzI1NiJ9.${payload}.c2lnbmF0dXJlLWNhbmFyeQ`;

  test("is posted as it stands in its file", async () => {
    const credential = read({ kind: "federated", tokenFile: "token" }, { token: `${assertion}\n` });
    expect((await ask(credential)).ok).toBe(true);
    expect(form.get("client_assertion")).toBe(assertion);
    expect(form.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  });

  test("that is refused does not come back in the refusal", async () => {
    const credential: EntraCredential = { kind: "federated", assertion: new Secret(assertion) };
    const result = await ask(credential, refuse(401, "invalid_client", 700213, `no match for ${assertion}`));
    expect(result).toMatchObject({ ok: false, code: "ENTRA_CREDENTIAL_INVALID" });
    expect(JSON.stringify(result)).not.toContain("c2lnbmF0dXJl");
  });
});

describe("a managed identity", () => {
  let answer: { status: number; body: object } = { status: 500, body: {} };
  let asked: { url: URL; headers: NodeJS.Dict<string | string[]> } | undefined;
  const server = createServer((request, response) => {
    asked = { url: new URL(request.url ?? "/", "http://localhost"), headers: request.headers };
    response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  });
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => void server.close());

  const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const machine = (): EntraCredential => ({
    kind: "managedIdentity",
    endpoint: { kind: "imds", url: `${base()}/metadata/identity/oauth2/token` },
  });
  const granted = (): typeof answer => ({
    status: 200,
    // As the metadata service sends them: numbers as text, no refresh_in.
    body: {
      access_token: tokenFor(tenantWith(machine())),
      expires_in: "86399",
      expires_on: "1806484173",
      resource: "r",
      token_type: "Bearer",
    },
  });

  test("of the machine is asked for by the metadata service's protocol", async () => {
    answer = granted();
    const before = service.requests.length;
    expect(await ask(machine())).toMatchObject({ ok: true, answer: { lifetimeMs: 86_399_000 } });
    expect(asked?.headers["metadata"]).toBe("true");
    expect(Object.fromEntries(asked?.url.searchParams ?? [])).toEqual({
      "api-version": "2018-02-01",
      resource: "https://outlook.office365.com",
    });
    expect(service.requests.length).toBe(before);
  });

  test("of the user's choice is asked for by its client id, in App Service by the header that it gave", async () => {
    answer = granted();
    const endpoint = { kind: "app-service", url: `${base()}/msi/token`, header: new Secret("header-canary") } as const;
    expect((await ask({ kind: "managedIdentity", clientId: "33333333-3333-3333-3333-333333333333", endpoint })).ok).toBe(true);
    expect(asked?.headers["x-identity-header"]).toBe("header-canary");
    expect(asked?.url.searchParams.get("client_id")).toBe("33333333-3333-3333-3333-333333333333");
    expect(asked?.url.searchParams.get("api-version")).toBe("2019-08-01");
  });

  test.each([
    [400, { error: "invalid_request", error_description: "Identity not found" }, "ENTRA_CREDENTIAL_INVALID", "identity_not_found"],
    [410, {}, "ENTRA_UNAVAILABLE", "IDENTITY_ENDPOINT_UPDATING"],
    [429, {}, "ENTRA_THROTTLED", undefined],
    [500, { error: "unknown" }, "ENTRA_UNAVAILABLE", "unknown"],
  ])("that is answered with %i has its code", async (status, body, code, word) => {
    answer = { status, body };
    const result = await ask(machine());
    expect(result).toMatchObject({ ok: false, code });
    expect(!result.ok && result.facts.code).toBe(word);
  });

  test("of a machine without one is an endpoint that does not answer", async () => {
    const endpoint = { kind: "imds", url: "http://127.0.0.1:1/metadata/identity/oauth2/token" } as const;
    expect(await ask({ kind: "managedIdentity", endpoint })).toMatchObject({
      ok: false,
      code: "ENTRA_UNAVAILABLE",
      facts: { layer: "network" },
    });
  });
});

test("Conditional Access names its policies, which stand in claims only", async () => {
  const id = "a1b2c3d4-0000-4000-8000-000000000001";
  const claims = JSON.stringify({ access_token: { capolids: { essential: true, values: [id, "no id"] } } });
  const body = {
    error: "invalid_grant",
    suberror: "message_only",
    error_codes: [53003],
    error_description: "AADSTS53003: Access has been blocked.",
    claims,
  };
  const result = await ask({ kind: "secret", secret: new Secret("s3cret-canary") }, json(400, body));
  expect(result).toMatchObject({
    ok: false,
    code: "ENTRA_ACCESS_BLOCKED",
    facts: { text: `policy ${id}: AADSTS53003: Access has been blocked.` },
  });
});
