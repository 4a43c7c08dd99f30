import { type IdTokenFault, type OidcProvider, startOidcProvider } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startTestConsole, type TestConsole } from "./console.fixture.ts";

const clientSecret = "canary-client-secret-of-the-console";
const redirectUri = "http://127.0.0.1:8025/login/oidc/callback";

/** As a browser keeps them. */
type Cookies = Map<string, string>;

describe("a console with a login service", () => {
  let it: TestConsole;
  let provider: OidcProvider;
  beforeAll(async () => {
    provider = await startOidcProvider({ clientId: "console", clientSecret, redirectUri });
    it = await startTestConsole({
      console: `  auth:
    oidc:
      issuer: ${provider.issuer}
      clientId: console
      clientSecretFile: ./oidc-secret
      redirectUri: ${redirectUri}
      operators: [mail-admins]
      viewers: [support]
`,
      files: { "/etc/oidc-secret": clientSecret },
    });
  });
  afterEach(() => {
    provider.fault = undefined;
    provider.person = {};
  });
  afterAll(async () => {
    await it.end();
    await provider.stop();
  });

  const header = (cookies: Cookies): Record<string, string> => ({
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
  });
  const keep = (cookies: Cookies, answer: Response): void => {
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";", 1)[0] ?? "").split("=");
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
  };
  /** To the login service and back, up to the address that the browser would ask the console for. */
  const goOut = async (cookies: Cookies, to = "/"): Promise<string> => {
    const out = await it.get(`/login/oidc?to=${encodeURIComponent(to)}`);
    expect(out.status).toBe(302);
    keep(cookies, out);
    const back = await provider.authorize(out.headers.get("location") ?? "");
    return `${back.pathname}${back.search}`;
  };
  const comeBack = async (cookies: Cookies, path: string): Promise<Response> => {
    const answer = await it.get(path, header(cookies));
    keep(cookies, answer);
    return answer;
  };
  const signIn = async (person: Readonly<Record<string, unknown>>, cookies: Cookies = new Map(), to = "/"): Promise<Response> => {
    provider.person = person;
    return comeBack(cookies, await goOut(cookies, to));
  };

  test("the page that was asked for offers the way out, and nothing of the fleet", async () => {
    const answer = await it.get("/mailboxes?state=parked");
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('"ways":["oidc"]');
  });

  test("an operator comes back to the page that was asked for, with a strict session, and is written down", async () => {
    const cookies: Cookies = new Map();
    provider.person = { preferred_username: "anna@contoso.example", roles: ["mail-admins", "other"] };
    const path = await goOut(cookies, "/mailboxes?state=parked&q=a");
    const answer = await it.get(path, header(cookies));
    const set = answer.headers.getSetCookie().find((line) => line.startsWith("mailfleet=")) ?? "";
    expect(set).toMatch(/^mailfleet=[\w-]{22}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('content="0; url=/mailboxes?state=parked&amp;q=a"');
    keep(cookies, answer);
    expect([...cookies.keys()]).toEqual(["mailfleet"]);
    const page = (await (await it.get("/api/page?path=/", header(cookies))).json()) as { frame: { you: object; token: string } };
    expect(page.frame.you).toEqual({ name: "anna@contoso.example", role: "operator", canSignOut: true });
    await expect
      .poll(async () => (await it.parts.activity.read({ who: "people", count: 1 })).entries[0], { timeout: 30_000 })
      .toMatchObject({ who: "anna@contoso.example", verb: "sign in" });
    const out = await it.post("/api/logout", {}, { ...header(cookies), "x-mailfleet-token": page.frame.token });
    expect(out.status).toBe(200);
    expect((await it.get("/api/page?path=/", header(cookies))).status).toBe(401);
  });

  test("a role makes a viewer, and none makes nobody", async () => {
    const cookies: Cookies = new Map();
    expect((await signIn({ name: "Bert", roles: "support" }, cookies)).status).toBe(200);
    const page = (await (await it.get("/api/page?path=/", header(cookies))).json()) as { frame: { you: object } };
    expect(page.frame.you).toMatchObject({ name: "Bert", role: "viewer" });
    const nobody: Cookies = new Map();
    const answer = await signIn({ name: "Carl", roles: ["mail-admins-of-another-app"] }, nobody);
    expect([answer.status, nobody.size]).toEqual([403, 0]);
    expect(await answer.text()).toContain("have no role here");
  });

  test("no answer leads away from this console", async () => {
    for (const to of [
      "https://evil.example/",
      "//evil.example",
      "/\\evil.example",
      "/%09//evil.example/..//x",
      "javascript:alert(1)",
      '/"><script>',
    ]) {
      const cookies: Cookies = new Map();
      const page = await (await signIn({ name: "Anna", roles: "support" }, cookies, to)).text();
      const href = /url=([^"]*)"/.exec(page)?.[1] ?? "";
      expect(new URL(href, it.url).origin, to).toBe(it.url);
      expect(page).not.toContain("<script>");
    }
  });

  const forged: readonly (readonly [string, IdTokenFault])[] = [
    ["signed by a stranger's key", { signedBy: "foreign" }],
    ["signed with the client's secret in place of the key", { signedBy: "secret" }],
    ["not signed", { signedBy: "none" }],
    ["for another application", { claims: { aud: "somebody-else" } }],
    ["for two applications, issued to the other", { claims: { aud: ["console", "somebody-else"], azp: "somebody-else" } }],
    ["from another issuer", { claims: { iss: "https://login.evil.example" } }],
    ["that has expired", { claims: { exp: Math.floor(Date.now() / 1_000) - 3_600 } }],
    ["without an end", { claims: { exp: undefined } }],
    ["for a later time", { claims: { nbf: Math.floor(Date.now() / 1_000) + 3_600 } }],
    ["with the nonce of another sign-in", { claims: { nonce: "of-another-sign-in" } }],
    ["without a nonce", { claims: { nonce: undefined } }],
  ];
  test.each(forged)("an ID token %s signs nobody in", async (_what, fault) => {
    const cookies: Cookies = new Map();
    provider.fault = fault;
    const answer = await signIn({ name: "Mallory", roles: "mail-admins" }, cookies);
    expect([answer.status, [...cookies.keys()]]).toEqual([401, []]);
    expect(await answer.text()).not.toContain("Mallory");
  });

  test("an answer is taken once, in the browser that began, and only as it was asked for", async () => {
    provider.person = { name: "Anna", roles: "mail-admins" };
    const [anna, mallory]: [Cookies, Cookies] = [new Map(), new Map()];
    const path = await goOut(anna);
    const others = await goOut(mallory);
    const status = async (cookies: Cookies, address: string): Promise<number> => (await it.get(address, header(cookies))).status;
    // Mallory's answer in Anna's browser (login CSRF), Anna's in Mallory's (a stolen address), and in none.
    expect(await status(anna, others)).toBe(400);
    expect(await status(mallory, path)).toBe(400);
    expect(await status(new Map(), path)).toBe(400);
    // Mallory's code under Anna's state: the verifier does not fit.
    const mixed = new URLSearchParams(path.slice(path.indexOf("?")));
    mixed.set("code", new URLSearchParams(others.slice(others.indexOf("?"))).get("code") ?? "");
    expect(await status(anna, `/login/oidc/callback?${mixed.toString()}`)).toBe(401);
    const again: Cookies = new Map();
    const once = await goOut(again);
    expect(await status(again, once)).toBe(200);
    expect(await status(again, once)).toBe(400);
    expect(await status(again, "/login/oidc/callback?code=x&state=made-up")).toBe(400);
    expect(await status(again, "/login/oidc/callback")).toBe(400);
  });

  test("two tabs of a browser sign in at once, and both get in", async () => {
    provider.person = { name: "Anna", roles: "mail-admins" };
    const cookies: Cookies = new Map();
    const paths: string[] = [];
    for (const to of ["/activity", "/about"]) {
      const out = await it.get(`/login/oidc?to=${to}`, header(cookies));
      keep(cookies, out);
      const back = await provider.authorize(out.headers.get("location") ?? "");
      paths.push(`${back.pathname}${back.search}`);
    }
    for (const path of paths) expect((await comeBack(cookies, path)).status).toBe(200);
    expect([...cookies.keys()]).toEqual(["mailfleet"]);
  });

  test("an answer that nobody asked for ends no sign-in that is on its way", async () => {
    provider.person = { name: "Anna", roles: "mail-admins" };
    const cookies: Cookies = new Map();
    const path = await goOut(cookies);
    expect((await comeBack(cookies, "/login/oidc/callback?code=x&state=of-another-site")).status).toBe(400);
    expect((await comeBack(cookies, path)).status).toBe(200);
  });

  test("whoever comes by another site's link is asked once more by this one's, before anybody says that they are not signed in", async () => {
    const there = "/mailboxes?state=parked&q=%22%3E%3Cscript%3E";
    const first = await it.get(there, { "sec-fetch-site": "same-site" });
    expect([first.status, await first.text()]).toEqual([
      200,
      expect.stringContaining('content="0; url=/mailboxes?state=parked&amp;q=%22%3E%3Cscript%3E"'),
    ]);
    const second = await it.get(there, { "sec-fetch-site": "same-origin" });
    expect(second.status).toBe(401);
  });

  test("what the service refuses is said in its word, and markup in it is not", async () => {
    const cookies: Cookies = new Map();
    const state = new URLSearchParams((await goOut(cookies)).split("?")[1]).get("state") ?? "";
    const denied = await it.get(`/login/oidc/callback?error=access_denied&state=${state}`, header(cookies));
    expect([denied.status, await denied.text()]).toEqual([401, expect.stringContaining("access_denied")]);
    const other = new URLSearchParams((await goOut(cookies)).split("?")[1]).get("state") ?? "";
    const markup = await it.get(`/login/oidc/callback?error=${encodeURIComponent("<b>x")}&state=${other}`, header(cookies));
    expect([markup.status, await markup.text()]).toEqual([401, expect.not.stringContaining("<b>x")]);
  });

  test("the secret is in no page and no log", async () => {
    expect(JSON.stringify(it.log.records)).not.toContain(clientSecret);
  });

  test("sign-ins that are begun without end are slowed", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 61; i++) statuses.push((await it.get("/login/oidc")).status);
    expect(statuses.at(-1)).toBe(429);
  });
});

test("a login service that does not answer is said, and tried again", async () => {
  const provider = await startOidcProvider({ clientId: "console", redirectUri });
  await provider.stop();
  const it = await startTestConsole({
    console: `  auth: { oidc: { issuer: "${provider.issuer}", clientId: console, redirectUri: "${redirectUri}", operators: [a] } }\n`,
  });
  try {
    const answer = await it.get("/login/oidc");
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining("The login service does not answer")]);
    expect((await it.get("/")).status).toBe(401);
  } finally {
    await it.end();
  }
});
