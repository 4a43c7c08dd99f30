import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { createGunzip } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { smallWorld, support, TestBench } from "../sandbox.fixture.ts";
import { tokenErrors } from "./token-errors.ts";

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.start();
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Ends with the error's code where the connection does. */
function post(alias = "contoso", signal?: AbortSignal): Promise<RawAnswer> {
  const { tenantId, clientId } = bench.tenant(alias);
  const form = {
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: bench.sandbox.secretOf(alias),
    scope: "https://outlook.office365.com/.default",
  };
  return new Promise((resolve, reject) => {
    const ca = readFileSync(bench.sandbox.caFile);
    const url = `${bench.sandbox.authority}/${tenantId}/oauth2/v2.0/token`;
    const sent = request(url, { method: "POST", ca, agent: false, ...(signal && { signal }) }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    sent.on("error", reject);
    sent.end(new URLSearchParams(form).toString());
  });
}

async function body(alias?: string): Promise<Record<string, unknown>> {
  return JSON.parse((await post(alias)).text) as Record<string, unknown>;
}

async function claims(alias?: string): Promise<Record<string, unknown>> {
  const token = String((await body(alias))["access_token"]);
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}

describe("refusals", () => {
  test.each(tokenErrors)("AADSTS$code comes with $status $error", async ({ code, status, error }) => {
    bench.sandbox.faults.add({ name: "token-error", params: { code }, tenant: "contoso", times: 1 });
    const answer = await post();
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({
      error,
      error_codes: [code],
      error_description: expect.stringMatching(new RegExp(`^AADSTS${String(code)}: .{10}`)) as string,
    });
    expect((await post()).status).toBe(200);
  });

  test("Conditional Access names its policies", async () => {
    bench.sandbox.faults.add({ name: "token-error", params: { code: 53003 } });
    expect(await body()).toMatchObject({ suberror: "message_only", claims: expect.stringContaining("capolids") as string });
  });

  test.each([
    ["lines", /\.\r\nTrace ID: .*\r\nCorrelation ID: .*\r\nTimestamp: /],
    ["spaces", /\. Trace ID: \S+ Correlation ID: \S+ Timestamp: /],
  ])("are spaced with %s", async (spacing, pattern) => {
    bench.sandbox.faults.add({ name: "token-error", params: { code: 90033, spacing } });
    expect((await body())["error_description"]).toMatch(pattern);
  });

  test("of a number that nobody knows, and with a newer word, can be had too", async () => {
    bench.sandbox.faults.add({ name: "token-error", params: { code: 123456789 }, tenant: "contoso" });
    bench.sandbox.faults.add({ name: "token-error", params: { code: 90002, error: "invalid_tenant", status: 404 }, tenant: "fabrikam" });
    expect(await body("contoso")).toMatchObject({ error: "invalid_request", error_codes: [123456789] });
    const answer = await post("fabrikam");
    expect([answer.status, (JSON.parse(answer.text) as { error: string }).error]).toEqual([404, "invalid_tenant"]);
  });

  test("echo the secret in every form that a proxy might", async () => {
    const secret = bench.sandbox.secretOf("contoso");
    bench.sandbox.faults.add({ name: "token-echo", times: 1 });
    expect((await body())["error_description"]).toContain(secret);
    bench.sandbox.faults.add({ name: "token-echo", params: { as: "html" } });
    const answer = await post();
    expect([answer.status, answer.text.includes(secret)]).toEqual([502, true]);
  });
});

describe("throttling and outages", () => {
  test("429 has its wait as seconds, as a date or not at all, and a body or none", async () => {
    bench.sandbox.faults.add({ name: "token-429", params: { seconds: 17 }, times: 1 });
    let answer = await post();
    expect([answer.status, answer.headers["retry-after"], JSON.parse(answer.text)]).toMatchObject([429, "17", { error_codes: [90055] }]);
    bench.sandbox.faults.add({ name: "token-429", params: { retryAfter: "date", seconds: 60 }, times: 1 });
    answer = await post();
    const waitMs = Date.parse(String(answer.headers["retry-after"])) - Date.parse(String(answer.headers.date));
    expect(Math.abs(waitMs - 60_000)).toBeLessThanOrEqual(1_000);
    bench.sandbox.faults.add({ name: "token-429", params: { retryAfter: "none", body: "empty" } });
    answer = await post();
    expect([answer.status, answer.headers["retry-after"], answer.text]).toEqual([429, undefined, ""]);
  });

  test.each([
    [{ status: 503, body: "json", seconds: 9 }, "application/json; charset=utf-8", "9", /90033/],
    [{ status: 502, body: "html" }, "text/html; charset=utf-8", undefined, /<html>/],
    [{ status: 500, body: "empty" }, undefined, undefined, /^$/],
  ])("an outage comes as %j", async (params, type, retryAfter, text) => {
    bench.sandbox.faults.add({ name: "token-5xx", params });
    const answer = await post();
    expect([answer.status, answer.headers["content-type"], answer.headers["retry-after"]]).toEqual([params.status, type, retryAfter]);
    expect(answer.text).toMatch(text);
  });

  test("a page with 200, an empty object and a redirect are answers too", async () => {
    bench.sandbox.faults.add({ name: "token-html", times: 1 });
    expect(await post()).toMatchObject({ status: 200, text: expect.stringContaining("<html>") as string });
    bench.sandbox.faults.add({ name: "token-empty", times: 1 });
    expect(await post()).toMatchObject({ status: 200, text: "{}" });
    bench.sandbox.faults.add({ name: "token-redirect", params: { status: 308, to: "http://127.0.0.1:9/x" }, times: 1 });
    expect(await post()).toMatchObject({ status: 308, headers: { location: "http://127.0.0.1:9/x" } });
  });

  test("a stalled POST and a dripping answer last until the client has enough", async () => {
    bench.sandbox.faults.add({ name: "token-stall", times: 1 });
    expect(await post("contoso", AbortSignal.timeout(150)).catch(codeOf)).toBe("ABORT_ERR");
    bench.sandbox.faults.add({ name: "token-drip", params: { everyMs: 5 } });
    expect(await post("contoso", AbortSignal.timeout(150)).catch(codeOf)).toBe("ABORT_ERR");
  });

  test.each(["request", "answer"])("the connection is reset at the %s", async (at) => {
    bench.sandbox.faults.add({ name: "token-reset", params: { at } });
    expect(await post().catch(codeOf)).toBe("ECONNRESET");
  });

  test("a gzip bomb is small on the wire and large inside", async () => {
    bench.sandbox.faults.add({ name: "token-large", params: { bytes: 5_000_000 } });
    const { headers, wire, inside } = await bomb();
    expect(headers["content-encoding"]).toBe("gzip");
    expect(wire).toBeLessThan(20_000);
    expect(inside).toBeGreaterThan(5_000_000);
  });
});

test("with the same seed and orders, chance strikes at the same requests; with another seed it does not", async () => {
  const pattern = async (seed: number): Promise<string> => {
    await bench.restart({ ...smallWorld, seed });
    bench.sandbox.faults.add({ name: "token-5xx", chance: 0.5 });
    let struck = "";
    for (let i = 0; i < 24; i++) struck += (await post()).status === 503 ? "x" : ".";
    return struck;
  };
  const first = await pattern(7);
  expect(await pattern(7)).toBe(first);
  expect(await pattern(8)).not.toBe(first);
  expect(first).toMatch(/x.*\./);
});

describe("tokens that are wrong", () => {
  test.each([
    ["token-without-roles", {}, { roles: undefined }],
    ["token-role", { protocol: "pop" }, { roles: ["POP.AccessAsApp"] }],
    ["token-role", { protocol: "imap" }, { roles: ["IMAP.AccessAsApp"] }],
    ["token-audience", {}, { aud: "https://graph.microsoft.com", roles: undefined }],
    ["token-without-oid", {}, { oid: undefined }],
    ["token-delegated", {}, { scp: expect.stringContaining("IMAP.AccessAsUser.All") as string, roles: undefined, idtyp: "user" }],
  ])("%s %j", async (name, params, expected) => {
    bench.sandbox.faults.add({ name, params });
    expect({ roles: undefined, oid: undefined, ...(await claims()) }).toMatchObject(expected);
    const token = await bench.token("contoso");
    const raw = bench.raw();
    await raw.line();
    const login = Buffer.from(`user=${support}\x01auth=Bearer ${token}\x01\x01`).toString("base64");
    const isGood = JSON.stringify(params).includes("imap");
    expect(await raw.ask(`A AUTHENTICATE XOAUTH2 ${login}`)).toEqual([
      isGood ? "A OK AUTHENTICATE completed." : "A NO AUTHENTICATE failed.",
    ]);
  });

  test("another tenant's token is that of the next, or of the one that was named", async () => {
    const { tenantId, clientId } = bench.tenant("fabrikam");
    bench.sandbox.faults.add({ name: "token-of-other-tenant", tenant: "contoso" });
    expect(await claims("contoso")).toMatchObject({ tid: tenantId, appid: clientId });
    bench.sandbox.faults.add({ name: "token-of-other-tenant", tenant: "fabrikam", params: { other: "contoso" } });
    expect(await claims("fabrikam")).toMatchObject({ tid: bench.tenant("contoso").tenantId });
  });

  test("lifetime, texts for numbers and refresh_in may be had together", async () => {
    bench.sandbox.faults.add({ name: "token-lifetime", params: { seconds: 86_400 } });
    bench.sandbox.faults.add({ name: "token-numbers-as-strings" });
    bench.sandbox.faults.add({ name: "token-refresh-in" });
    expect(await body()).toMatchObject({ expires_in: "86399", ext_expires_in: "86399", refresh_in: "43200" });
    const { iat, exp } = await claims();
    expect(Number(exp) - Number(iat)).toBe(86_400);
  });

  test("with a clock that is ahead, Date, iat and exp are, and the mail server has the same clock", async () => {
    bench.sandbox.faults.add({ name: "clock-skew", tenant: "contoso", params: { ms: 3_600_000 } });
    const { headers } = await post();
    const ahead = (ms: number): number => Math.abs(Math.round((ms - Date.now()) / 60_000));
    expect([ahead(Date.parse(String(headers.date))), ahead(Number((await claims())["iat"]) * 1000)]).toEqual([60, 60]);
    expect(ahead(Date.parse(String((await post("fabrikam")).headers.date)))).toBe(0);
    const raw = await bench.loggedIn();
    expect(await raw.ask("B NOOP")).toEqual(["B OK NOOP completed."]);
  });
});

describe("certificates of the servers", () => {
  test.each([
    ["expired", "CERT_HAS_EXPIRED"],
    ["wrong-name", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ])("%s ends the handshake with %s", async (certificate, code) => {
    bench.sandbox.faults.add({ name: "token-certificate", params: { certificate } });
    bench.sandbox.faults.add({ name: "imap-certificate", params: { certificate } });
    expect(await post().catch(codeOf)).toBe(code);
    expect(await bench.client(support, "x").connect().catch(codeOf)).toBe(code);
    bench.sandbox.faults.clear();
    expect((await post()).status).toBe(200);
  });
});

function bomb(): Promise<{ headers: IncomingHttpHeaders; wire: number; inside: number }> {
  const { tenantId } = bench.tenant("contoso");
  const options = { method: "POST", ca: readFileSync(bench.sandbox.caFile), agent: false };
  return new Promise((resolve, reject) => {
    const sent = request(`${bench.sandbox.authority}/${tenantId}/oauth2/v2.0/token`, options, (answer) => {
      let wire = 0;
      let inside = 0;
      answer.on("data", (chunk: Buffer) => (wire += chunk.length));
      answer
        .pipe(createGunzip())
        .on("data", (chunk: Buffer) => (inside += chunk.length))
        .on("end", () => resolve({ headers: answer.headers, wire, inside }));
    });
    sent.on("error", reject).end();
  });
}
