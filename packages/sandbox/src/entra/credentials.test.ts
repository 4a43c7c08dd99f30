import {
  ConfidentialClientApplication,
  type Configuration,
  type INetworkModule,
  ManagedIdentityApplication,
  type NetworkResponse,
} from "@azure/msal-node";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type JWTHeaderParameters, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { TestBench } from "../sandbox.fixture.ts";
import { type AppCertificate, makeAppCertificate } from "./app-certificate.fixture.ts";

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const hour = 3_600_000;
let bench: TestBench;
let own: AppCertificate;
let stale: AppCertificate;

beforeAll(async () => {
  [own, stale] = await Promise.all([makeAppCertificate(), makeAppCertificate(new Date(Date.now() - hour))]);
});

beforeEach(async () => {
  bench = await TestBench.start();
});

afterEach(async () => {
  await bench.close();
});

/** MSAL's own network does not know the sandbox's authority. */
class BenchNetwork implements INetworkModule {
  sendGetRequestAsync<T>(url: string): Promise<NetworkResponse<T>> {
    return this.sendPostRequestAsync(url);
  }

  async sendPostRequestAsync<T>(url: string, options?: { readonly body?: string }): Promise<NetworkResponse<T>> {
    const form = options?.body === undefined ? undefined : Object.fromEntries(new URLSearchParams(options.body));
    const { status, body } = await bench.call(url, form);
    return { headers: {}, status, body: body as T };
  }
}

async function codeOf(form: Readonly<Record<string, string>>): Promise<unknown> {
  const { status, body } = await bench.askToken("contoso", form);
  return status === 200 ? "token" : (body["error_codes"] as number[])[0];
}

function uses(credential: string): number {
  return bench.sandbox.counters.credentialUses.get(`contoso ${credential}`) ?? 0;
}

describe("secrets", () => {
  test("two are good at once until one ends, and the counters tell which was used", async () => {
    const old = bench.sandbox.secretOf("contoso");
    const { id, secret } = bench.sandbox.addSecret("contoso", { inFile: true });
    expect(readFileSync(join(bench.dataDir, "secret-contoso"), "utf8")).toBe(`${secret}\n`);
    expect(await codeOf({ client_secret: old })).toBe("token");
    expect(await codeOf({ client_secret: secret })).toBe("token");
    bench.sandbox.endSecret("contoso", new Date(0), "secret-1");
    expect(await codeOf({ client_secret: old })).toBe(7000222);
    expect(await codeOf({ client_secret: secret })).toBe("token");
    expect([uses("secret-1"), uses(id)]).toEqual([2, 2]);
    bench.sandbox.removeCredential("contoso", "secret-1");
    expect(await codeOf({ client_secret: old })).toBe(7000215);
    expect(uses("none")).toBe(1);
  });

  test("one that has not spread yet is refused like a wrong one", async () => {
    const { secret } = bench.sandbox.addSecret("contoso", { startsAt: new Date(Date.now() + hour) });
    expect(await codeOf({ client_secret: secret })).toBe(7000215);
  });
});

describe("certificates", () => {
  let app: AppCertificate;

  beforeEach(() => {
    app = own;
    bench.sandbox.addCertificate("contoso", app.certificate);
  });

  test.each(["thumbprintSha256", "thumbprint"] as const)("MSAL logs in with one, named by %s", async (kind) => {
    const { tenantId, clientId } = bench.tenant("contoso");
    const config: Configuration = {
      auth: {
        clientId,
        authority: `${bench.sandbox.authority}/${tenantId}`,
        knownAuthorities: [new URL(bench.sandbox.authority).host],
        clientCertificate:
          kind === "thumbprint"
            ? { thumbprint: app.thumbprint, privateKey: app.privateKey }
            : { thumbprintSha256: app.thumbprint256, privateKey: app.privateKey },
      },
      system: { networkClient: new BenchNetwork() },
    };
    const result = await new ConfidentialClientApplication(config).acquireTokenByClientCredential({
      scopes: ["https://outlook.office365.com/.default"],
    });
    expect(claimsOf(result?.accessToken)).toMatchObject({ appid: clientId, appidacr: "2" });
    expect(uses("certificate-2")).toBe(1);
  });

  test.each([
    ["a good one", {}, "token"],
    ["of a key that nobody registered", { key: () => createPrivateKey(stale.privateKey) }, 700027],
    ["of a certificate that nobody registered", { header: () => ({ "x5t#S256": b64(stale.thumbprint256) }) }, 700027],
    ["that ended an hour ago", { from: -2 * hour, until: -hour }, 700024],
    ["that begins in an hour, as from a clock that is fast", { from: hour, until: 2 * hour }, 700024],
    ["from a clock that is four minutes fast", { from: 240_000, until: 840_000 }, "token"],
    ["for another endpoint", { audience: "https://login.example/x/oauth2/v2.0/token" }, 700023],
    ["of another app", { subject: "someone" }, 700021],
  ] as const)("an assertion %s gives %j", async (_name, change, expected) => {
    expect(await codeOf(await assertionForm(change))).toBe(expected);
  });

  test("a certificate that ended is refused, and text that is none is not taken", async () => {
    bench.sandbox.addCertificate("contoso", stale.certificate);
    const form = await assertionForm({
      key: () => createPrivateKey(stale.privateKey),
      header: () => ({ "x5t#S256": b64(stale.thumbprint256) }),
    });
    const { body } = await bench.askToken("contoso", form);
    expect(body["error_description"]).toMatch(/^AADSTS700027: .*The key used is expired/);
    expect(() => bench.sandbox.addCertificate("contoso", "no certificate")).toThrow(TypeError);
  });

  async function assertionForm(change: {
    readonly key?: () => KeyObject;
    readonly header?: () => Partial<JWTHeaderParameters>;
    readonly from?: number;
    readonly until?: number;
    readonly audience?: string;
    readonly subject?: string;
  }): Promise<Record<string, string>> {
    const { tenantId, clientId } = bench.tenant("contoso");
    const now = Date.now();
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: "PS256", "x5t#S256": b64(app.thumbprint256), ...change.header?.() })
      .setIssuer(clientId)
      .setSubject(change.subject ?? clientId)
      .setAudience(change.audience ?? `${bench.sandbox.authority}/${tenantId}/oauth2/v2.0/token`)
      .setNotBefore(new Date(now + (change.from ?? 0)))
      .setExpirationTime(new Date(now + (change.until ?? 600_000)))
      .sign(change.key?.() ?? createPrivateKey(app.privateKey));
    return { client_secret: "", client_assertion_type: jwtBearer, client_assertion: assertion };
  }
});

describe("federated identities", () => {
  const provider = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const good = { iss: "https://cluster.example", sub: "system:serviceaccount:mail:worker", aud: "api://AzureADTokenExchange" };

  beforeEach(() => {
    const keys = { keys: [{ ...provider.publicKey.export({ format: "jwk" }), kid: "k1" }] };
    bench.sandbox.trustFederation("contoso", { issuer: good.iss, subject: good.sub, keys });
  });

  async function formOf(claims: object, key: KeyObject = provider.privateKey, kid = "k1"): Promise<Record<string, string>> {
    const assertion = await new SignJWT({ ...good, ...claims })
      .setProtectedHeader({ alg: "RS256", kid })
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + ("ended" in claims ? -3600 : 3600))
      .sign(key);
    return { client_secret: "", client_assertion_type: jwtBearer, client_assertion: assertion };
  }

  test.each([
    ["a good one", {}, "token"],
    ["of another issuer", { iss: "https://other.example" }, 700211],
    ["for another audience", { aud: "api://other" }, 700212],
    ["of another subject", { sub: "system:serviceaccount:mail:other" }, 700213],
    ["that ended", { ended: true }, 700024],
  ])("a token %s gives %j", async (_name, claims, expected) => {
    expect(await codeOf(await formOf(claims))).toBe(expected);
  });

  test("a forged one, one of an unknown key, and one where nothing is trusted are refused", async () => {
    expect(await codeOf(await formOf({}, other.privateKey))).toBe(700027);
    expect(await codeOf(await formOf({}, provider.privateKey, "k2"))).toBe(700027);
    bench.sandbox.removeCredential("contoso", "federation-2");
    expect(await codeOf(await formOf({}))).toBe(70021);
  });

  test("a provider's one key in PEM serves too", async () => {
    const pem = String(other.publicKey.export({ format: "pem", type: "spki" }));
    bench.sandbox.trustFederation("contoso", { issuer: "https://pem.example", subject: good.sub, keys: pem });
    expect(await codeOf(await formOf({ iss: "https://pem.example" }, other.privateKey))).toBe("token");
  });
});

describe("the managed identity endpoint", () => {
  function ask(query: string, headers: Readonly<Record<string, string>> = { metadata: "true" }): Promise<Response> {
    return fetch(`${bench.sandbox.managedIdentityUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&${query}`, { headers });
  }

  test("answers like a cloud machine's metadata service, numbers as strings", async () => {
    const { clientId, tenantId } = bench.tenant("fabrikam");
    const answer = (await (await ask(`resource=https://outlook.office365.com&client_id=${clientId}`)).json()) as Record<string, string>;
    expect(answer).toMatchObject({
      client_id: clientId,
      expires_in: "86399",
      expires_on: expect.stringMatching(/^[0-9]{10}$/) as string,
      resource: "https://outlook.office365.com",
      token_type: "Bearer",
    });
    expect(claimsOf(answer["access_token"])).toMatchObject({ tid: tenantId, aud: "https://outlook.office365.com" });
    expect(bench.sandbox.counters.credentialUses.get("fabrikam managed-identity")).toBe(1);
    expect(bench.sandbox.counters.tokenRequests.get("fabrikam")).toBe(1);
  });

  test("serves MSAL, which finds it by the environment", async () => {
    const { clientId } = bench.tenant("fabrikam");
    vi.stubEnv("AZURE_POD_IDENTITY_AUTHORITY_HOST", bench.sandbox.managedIdentityUrl);
    const app = new ManagedIdentityApplication({ managedIdentityIdParams: { userAssignedClientId: clientId } });
    const { accessToken, expiresOn } = await app.acquireToken({ resource: "https://outlook.office365.com/.default" });
    vi.unstubAllEnvs();
    expect(claimsOf(accessToken)).toMatchObject({ appid: clientId, appidacr: "2" });
    expect(Number(expiresOn) - Date.now()).toBeGreaterThan(23 * hour);
  });

  test("misbehaves like the token endpoint, and gives the tokens that it gives", async () => {
    const { clientId } = bench.tenant("fabrikam");
    const query = `resource=https://outlook.office365.com&client_id=${clientId}`;
    bench.sandbox.faults.add({ name: "token-5xx", tenant: "fabrikam", times: 1 });
    bench.sandbox.faults.add({ name: "token-without-roles", tenant: "fabrikam" });
    expect((await ask(query)).status).toBe(503);
    const answer = (await (await ask(query)).json()) as Record<string, string>;
    expect(claimsOf(answer["access_token"])).not.toHaveProperty("roles");
  });

  test("refuses what did not come from the machine itself, and what it does not know", async () => {
    const mail = "resource=https://outlook.office365.com";
    expect((await ask(mail, {})).status).toBe(400);
    expect((await ask(mail, { metadata: "true", "x-forwarded-for": "10.0.0.1" })).status).toBe(400);
    expect((await ask("resource=https://other.example")).status).toBe(400);
    expect(await (await ask(`${mail}&client_id=nobody`)).json()).toMatchObject({ error_description: "Identity not found" });
  });
});

function b64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64url");
}

function claimsOf(token: string | undefined): unknown {
  return JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString());
}
