import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningDovecot, startDovecot } from "./dovecot-server.ts";
import { tryLogin } from "./imap-login-probe.ts";
import { type RunningTokenEndpoint, startTokenEndpoint } from "./token-endpoint.ts";

const tenant = { tenantId: "11111111-1111-1111-1111-111111111111", domain: "six.example", clientId: "app", secret: "s3cret" };
let dovecot: RunningDovecot;
let endpoint: RunningTokenEndpoint;

beforeAll(async () => {
  dovecot = await startDovecot({ shared: false });
  endpoint = await startTokenEndpoint({ dovecot, tenants: [tenant] });
});

afterAll(async () => {
  await endpoint.stop();
  await dovecot.stop();
});

test("a token it gives opens a mailbox of its tenant", async () => {
  await dovecot.addMailbox("ann@six.example");
  const { status, body } = await post(`/${tenant.tenantId}/oauth2/v2.0/token`, { client_id: "app", client_secret: "s3cret" });
  expect(status).toBe(200);
  const token = String(body["access_token"]);
  expect(await tryLogin({ ...dovecot.imap, caFile: endpoint.caFile, user: "ann@six.example", token })).toBe("ok");
});

test("a wrong secret, application or tenant is refused with Entra's code", async () => {
  const path = `/${tenant.tenantId}/oauth2/v2.0/token`;
  expect((await post(path, { client_id: "app", client_secret: "wrong" })).body["error_codes"]).toEqual([7_000_215]);
  expect((await post(path, { client_id: "other", client_secret: "s3cret" })).body["error_codes"]).toEqual([700_016]);
  expect((await post("/22222222-2222-2222-2222-222222222222/oauth2/v2.0/token", {})).body["error_codes"]).toEqual([90_002]);
});

test("a planted fault is answered once and counted", async () => {
  const before = endpoint.requests;
  endpoint.failNext({ status: 429, headers: { "retry-after": "7" } });
  const form = { client_id: "app", client_secret: "s3cret" };
  expect((await post(`/${tenant.tenantId}/oauth2/v2.0/token`, form)).status).toBe(429);
  expect((await post(`/${tenant.tenantId}/oauth2/v2.0/token`, form)).status).toBe(200);
  expect(endpoint.requests).toBe(before + 2);
});

async function post(path: string, form: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
  const ca = await readFile(endpoint.caFile);
  return new Promise((resolve, reject) => {
    const sent = request(`${endpoint.authority}${path}`, { method: "POST", ca, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }));
    });
    sent.on("error", reject);
    sent.end(new URLSearchParams({ grant_type: "client_credentials", ...form }).toString());
  });
}
