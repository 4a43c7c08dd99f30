import { gzipSync } from "node:zlib";
import { createScrubber, Secret } from "@mailfleet/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EntraTenant } from "./entra-tenant.ts";
import { type Answer, grant, json, type LoginService, refuse, startLoginService, tokenFor } from "./login-service.fixture.ts";
import { requestToken, type TokenRequestDeps, type TokenRequestResult } from "./request-token.ts";

const canary = "CaNaRy~8Q!x/+ y&=%é_s3cret";
let service: LoginService;
let elsewhere: LoginService;
const deps: TokenRequestDeps = {
  clock: { now: () => Date.now() },
  chance: { uuid: () => crypto.randomUUID() },
  scrub: createScrubber([]),
};

beforeAll(async () => {
  service = await startLoginService(json(500, {}));
  elsewhere = await startLoginService(json(200, {}));
});
afterAll(async () => {
  await Promise.all([service.stop(), elsewhere.stop()]);
});

function tenant(changes: Partial<EntraTenant> = {}): EntraTenant {
  return {
    alias: "contoso",
    tenantId: "11111111-1111-1111-1111-111111111111",
    clientId: "22222222-2222-2222-2222-222222222222",
    credential: { kind: "secret", secret: new Secret(canary) },
    authority: service.authority,
    isCustomAuthority: false,
    scope: "https://outlook.office365.com/.default",
    caPem: service.caPem,
    protocols: ["imap"],
    ...changes,
  };
}

async function ask(answer: Answer, changes: Partial<EntraTenant> = {}, requestMs = 2_000): Promise<TokenRequestResult> {
  service.answer = answer;
  return requestToken(tenant(changes), tenant(changes).credential, { ...deps, requestMs });
}

describe("a token request", () => {
  test("is one POST of the client credentials grant, without any discovery", async () => {
    let form = new URLSearchParams();
    const before = service.requests.length;
    const result = await ask((response, posted, request) => {
      form = posted;
      grant(tenant())(response, posted, request);
    });
    expect(result).toMatchObject({ ok: true, answer: { lifetimeMs: 3_599_000 }, missingRoles: [] });
    expect(service.requests.slice(before)).toEqual(["POST /11111111-1111-1111-1111-111111111111/oauth2/v2.0/token"]);
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: "client_credentials",
      client_id: "22222222-2222-2222-2222-222222222222",
      client_secret: canary,
      scope: "https://outlook.office365.com/.default",
    });
  });

  test("goes out again each time, though MSAL would remember tokens and failures", async () => {
    const again = (): Promise<TokenRequestResult> => requestToken(tenant(), tenant().credential, deps);
    const before = service.requests.length;
    service.answer = json(429, { error: "temporarily_unavailable" }, { "retry-after": "120" });
    expect(await again()).toMatchObject({ ok: false, code: "ENTRA_THROTTLED", facts: { hintMs: 120_000 } });
    service.answer = grant(tenant());
    expect((await again()).ok).toBe(true);
    expect((await again()).ok).toBe(true);
    expect(service.requests.length - before).toBe(3);
  });

  test.each([301, 302, 303, 307, 308])("does not follow a %i, which could carry the secret elsewhere", async (status) => {
    const before = elsewhere.requests.length;
    const result = await ask((response) => void response.writeHead(status, { location: `${elsewhere.authority}/x` }).end());
    expect(result).toEqual({ ok: false, code: "ENTRA_UNAVAILABLE", facts: { layer: "network", code: "REDIRECT" } });
    expect(elsewhere.requests.length).toBe(before);
  });

  test("is not sent to a service whose certificate is not of the tenant's authority", async () => {
    const before = service.requests.length;
    expect(await ask(grant(tenant()), { caPem: elsewhere.caPem })).toMatchObject({ code: "ENTRA_UNAVAILABLE", facts: { layer: "tls" } });
    const { caPem: _, ...withoutCa } = tenant();
    expect(await requestToken(withoutCa, withoutCa.credential, deps)).toMatchObject({ code: "ENTRA_UNAVAILABLE", facts: { layer: "tls" } });
    expect(service.requests.length).toBe(before);
  });

  test("is not sent in the clear", async () => {
    expect(await ask(grant(tenant()), { authority: service.authority.replace("https", "http") })).toMatchObject({
      ok: false,
      code: "UNCLASSIFIED",
      facts: { code: "authority_uri_insecure" },
    });
  });

  test("ends when nobody listens", async () => {
    const gone = await startLoginService(json(200, {}));
    await gone.stop();
    expect(await ask(grant(tenant()), { authority: gone.authority })).toEqual({
      ok: false,
      code: "ENTRA_UNAVAILABLE",
      facts: { layer: "network", code: "ECONNREFUSED" },
    });
  });

  test("ends when the service accepts and stays silent", async () => {
    expect(await ask(() => undefined, {}, 150)).toMatchObject({ code: "ENTRA_UNAVAILABLE", facts: { code: "TIMEOUT" } });
  });

  test("ends when the answer drips", async () => {
    let timer: NodeJS.Timeout | undefined;
    const result = await ask(
      (response) => {
        response.writeHead(200, { "content-type": "application/json" }).write("{");
        timer = setInterval(() => response.write(" "), 10);
      },
      {},
      150,
    );
    clearInterval(timer);
    expect(result).toMatchObject({ code: "ENTRA_UNAVAILABLE", facts: { code: "TIMEOUT" } });
  });

  test("ends at once when it is closed", async () => {
    const stop = new AbortController();
    service.answer = () => stop.abort();
    expect(await requestToken(tenant(), tenant().credential, deps, stop.signal)).toMatchObject({ ok: false, facts: { code: "CLOSED" } });
  });
});

describe("an answer", () => {
  test("of 200 MB in 200 kB of gzip is given up early", async () => {
    // Members of a gzip file may stand one after the other (RFC 1952 2.2); made so, the test itself needs little memory.
    const bomb = Buffer.concat(Array<Buffer>(200).fill(gzipSync(Buffer.alloc(1024 * 1024, " "))));
    const before = process.memoryUsage.rss();
    const result = await ask(
      (response) => void response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb),
    );
    expect(result).toMatchObject({ code: "ENTRA_UNAVAILABLE", facts: { code: "ANSWER_TOO_LARGE" } });
    expect(process.memoryUsage.rss() - before).toBeLessThan(80 * 1024 * 1024);
  });

  test("in gzip is read like any other", async () => {
    const body = gzipSync(JSON.stringify({ token_type: "Bearer", expires_in: 3599, access_token: tokenFor(tenant()) }));
    const result = await ask((response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(body));
    expect(result.ok).toBe(true);
  });

  const html: Answer = (response) => void response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad gateway</html>");
  const rows: readonly [string, Answer, string, object][] = [
    ["200 {}", json(200, {}), "ENTRA_UNAVAILABLE", { httpStatus: 200, code: "ANSWER_WITHOUT_TOKEN" }],
    ["200 null", json(200, null), "ENTRA_UNAVAILABLE", { code: "ANSWER_NOT_JSON" }],
    ["200 HTML", (response) => void response.end("<html>"), "ENTRA_UNAVAILABLE", { code: "ANSWER_NOT_JSON" }],
    ["204", (response) => void response.writeHead(204).end(), "ENTRA_UNAVAILABLE", { httpStatus: 204 }],
    ["502 HTML", html, "ENTRA_UNAVAILABLE", { httpStatus: 502 }],
    ["200 with an error inside", json(200, { error: "invalid_client", error_codes: [7000222] }), "ENTRA_CREDENTIAL_EXPIRED", {}],
    ["wrong secret", refuse(401, "invalid_client", 7000215), "ENTRA_CREDENTIAL_INVALID", { number: 7000215, code: "invalid_client" }],
    ["Conditional Access", refuse(400, "invalid_grant", 53003), "ENTRA_ACCESS_BLOCKED", { httpStatus: 400 }],
    ["429 with a date", json(429, {}, { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }), "ENTRA_THROTTLED", { hintMs: 1_000 }],
    ["503 with an absurd wait", json(503, {}, { "retry-after": "999999999" }), "ENTRA_UNAVAILABLE", { hintMs: 7_200_000 }],
  ];
  test.each(rows)("%s has its code", async (_, answer, code, facts) => {
    expect(await ask(answer)).toMatchObject({ ok: false, code, facts });
  });

  test("cut off in the middle is no answer", async () => {
    const result = await ask((response) => {
      response.writeHead(200, { "content-length": "1000" }).write('{"access_token":"');
      setImmediate(() => response.destroy());
    });
    expect(result).toMatchObject({ ok: false, code: "ENTRA_UNAVAILABLE", facts: { layer: "network" } });
  });

  test("with another tenant's token is refused, and both ids are named", async () => {
    const other = "33333333-3333-3333-3333-333333333333";
    const result = await ask(grant(tenant(), { claims: { tid: other } }));
    expect(result).toMatchObject({ ok: false, code: "ENTRA_TOKEN_MISMATCH" });
    expect(JSON.stringify(result)).toContain(other);
    expect(JSON.stringify(result)).toContain(tenant().tenantId);
  });

  test("of a custom service may hold an opaque token and no lifetime", async () => {
    const result = await ask(json(200, { token_type: "bearer", access_token: "opaque+token/=" }), { isCustomAuthority: true });
    expect(result).toMatchObject({ ok: true, answer: { accessToken: "opaque+token/=", lifetimeMs: 300_000 } });
  });

  test("that echoes the credential in any spelling brings none of it along", async () => {
    const bytes = Buffer.from(canary);
    const spellings = [
      canary,
      encodeURIComponent(canary),
      new URLSearchParams({ client_secret: canary }).toString(),
      bytes.toString("hex"),
      ...[0, 1, 2].map((offset) => Buffer.concat([Buffer.alloc(offset, "x"), bytes, Buffer.from("yy")]).toString("base64")),
    ];
    for (const spelling of spellings) {
      for (const padding of [0, 270, 295]) {
        const text = `${"x ".repeat(padding / 2)}You sent ${spelling} to us`;
        for (const answer of [refuse(401, "invalid_client", 7000215, text), json(401, { error: spelling, error_description: text })]) {
          const shown = JSON.stringify(await ask(answer));
          for (const leak of [canary.slice(0, 10), "CaNaRy", bytes.toString("hex").slice(0, 16), "Q2FOYVJ5"]) {
            expect(shown).not.toContain(leak);
          }
        }
      }
    }
  });
});
