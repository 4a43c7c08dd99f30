import { createHash } from "node:crypto";
import { request } from "node:http";
import type { ConsoleError } from "@mailfleet/core/console";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { box, password, startTestConsole, type TestConsole } from "./console.fixture.ts";

/** As it goes over the wire: fetch mends paths, and sets Host itself. */
function raw(port: number, path: string, headers: Record<string, string>): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, headers }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (body += part));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("a console on loopback without a login", () => {
  let it: TestConsole;
  const hostile = { tenant: "contoso", address: `"><img src=x onerror=alert(1)>@x.example`, protocol: "imap" } as const;
  beforeAll(async () => {
    it = await startTestConsole({ mailboxes: [box("contoso", "a"), hostile] });
  });
  afterAll(() => it.end());

  test("a name that is not its own is refused on page, API, stream and file (T49)", async () => {
    for (const path of ["/", "/mailboxes", "/api/page?path=/", "/api/stream", "/m/x", "/favicon.svg", "/healthz", "/nothing"]) {
      for (const host of ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", "localhost.evil.example", "a@127.0.0.1"]) {
        const answer = await raw(it.port, path, { host });
        expect([path, host, [400, 421].includes(answer.status)]).toEqual([path, host, true]);
        expect(answer.body).not.toContain("contoso");
      }
    }
    expect((await raw(it.port, "/", { host: `localhost:${it.port}` })).status).toBe(200);
    expect((await raw(it.port, "/", { host: `[::1]:${it.port}` })).status).toBe(200);
  });

  test("a person's browser is refused in a page of the same words", async () => {
    const page = await it.get("/nothing", { accept: "text/html,*/*;q=0.8" });
    const data = await it.get("/nothing", { accept: "*/*" });
    expect([page.status, page.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
    expect([data.status, data.headers.get("content-type")]).toEqual([404, "application/json; charset=utf-8"]);
    const { error } = (await data.json()) as ConsoleError;
    expect(await page.text()).toContain(`<h1>${error.what}</h1>`);
  });

  test("a forwarded name is not believed", async () => {
    const answer = await raw(it.port, "/", {
      host: "evil.example",
      "x-forwarded-host": `127.0.0.1:${it.port}`,
      forwarded: "host=127.0.0.1",
    });
    expect(answer.status).toBe(421);
  });

  test("a change without origin, of another origin, without token, or as a form is refused (T50)", async () => {
    const token = await it.token();
    const good = { "x-mailfleet-token": token };
    const send = async (headers: Record<string, string>, body = "{}"): Promise<number> => {
      const answer = await fetch(`${it.url}/api/logout`, { method: "POST", headers, body });
      return answer.status;
    };
    const json = { "content-type": "application/json" };
    expect(await send({ ...json, origin: it.url, ...good })).toBe(200);
    expect(await send({ ...json, ...good })).toBe(403);
    expect(await send({ ...json, origin: "null", ...good })).toBe(403);
    expect(await send({ ...json, origin: "http://evil.example", ...good })).toBe(403);
    expect(await send({ ...json, origin: `http://127.0.0.1:${it.port + 1}`, ...good })).toBe(403);
    expect(await send({ ...json, origin: it.url })).toBe(403);
    expect(await send({ ...json, origin: it.url, "x-mailfleet-token": `${token.slice(0, -1)}!` })).toBe(403);
    expect(await send({ "content-type": "text/plain", origin: it.url, ...good })).toBe(403);
    expect(await send({ "content-type": "application/x-www-form-urlencoded", origin: it.url, ...good }, "a=1")).toBe(403);
    expect(await send({ ...json, origin: it.url, ...good, "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await send({ ...json, origin: it.url, ...good, "x-http-method-override": "DELETE" })).toBe(403);
  });

  test("another site may open a page by a link, and may not read its data", async () => {
    const from = { "sec-fetch-site": "cross-site" };
    expect((await raw(it.port, "/", { ...from, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" })).status).toBe(200);
    expect((await raw(it.port, "/api/page?path=/", { ...from, "sec-fetch-mode": "no-cors" })).status).toBe(403);
    expect((await raw(it.port, "/", { ...from, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" })).status).toBe(403);
  });

  test("names of mailboxes are text, in pages and in data, however they read (T51)", async () => {
    const page = await (await it.get("/mailboxes")).text();
    expect(page).toContain("onerror=alert(1)");
    expect(page).not.toContain("<img");
    const own = await it.get(`/mailboxes/contoso/${encodeURIComponent(hostile.address)}`);
    expect(own.status).toBe(200);
    expect(await own.text()).not.toContain("<img");
    const data = await it.get("/api/page?path=/mailboxes");
    expect(data.headers.get("content-type")).toMatch(/^application\/json/);
    expect(data.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("every answer has the policy, errors too, and none says what runs here", async () => {
    const map = /<script type="importmap">(.*?)<\/script>/.exec(await (await it.get("/")).text())?.[1] ?? "";
    const hash = createHash("sha256").update(map).digest("base64");
    for (const path of ["/", "/api/page?path=/", "/m/none", "/nothing", "/api/rows?rows=x", "/healthz"]) {
      const answer = await it.get(path);
      expect(answer.headers.get("content-security-policy")).toBe(
        `default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html`,
      );
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
      expect(answer.headers.get("server")).toBeNull();
      expect(answer.headers.get("x-powered-by")).toBeNull();
      await answer.body?.cancel();
    }
  });

  test("a page loads what its policy allows, from this host, compressed and for ever", async () => {
    const page = await (await it.get("/")).text();
    const files = [...page.matchAll(/(?:src|href)="(\/m\/[^"]+)"/g)].map(([, file = ""]) => file);
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const answer = await it.get(file, { "accept-encoding": "br" });
      expect([file, answer.status, answer.headers.get("cache-control")]).toEqual([file, 200, "public, max-age=31536000, immutable"]);
      await answer.body?.cancel();
    }
    expect(page).not.toMatch(
      /https?:\/\/(?!www\.w3\.org)|<script(?! type="(importmap|module|application\/json)")|<style| style="| on[a-z]+="/,
    );
  });

  test("no path leads out of what is served", async () => {
    for (const path of [
      "/m/../../../etc/passwd",
      "/m/%2e%2e/%2e%2e/etc/passwd",
      "/m/..%2f..%2fetc%2fpasswd",
      "/m//etc/passwd",
      "/m/core/../../x.ts",
      "/m/%00",
    ]) {
      const answer = await raw(it.port, path, {});
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  test("a body that is too large, or broken, is refused before anything reads it", async () => {
    const headers = { "x-mailfleet-token": await it.token() };
    expect((await it.post("/api/logout", `{"a":"${"x".repeat(1_100_000)}"}`, headers)).status).toBe(413);
    const broken = await it.post("/api/logout", "{", headers);
    expect([broken.status, await broken.json()]).toEqual([400, { error: { code: "BAD_REQUEST", what: "The request cannot be read." } }]);
    expect((await it.post("/api/logout", '{"__proto__":{"a":1}}', headers)).status).toBe(400);
  });

  test("looking changes nothing in Redis", async () => {
    // Their own writers come between: the history once in ten seconds, the strips with each hour.
    const everything = async (): Promise<ReadonlyMap<string, string>> => {
      const names = (await it.redis.keys(`{${it.config.name}}*`))
        .filter((key) => !/:(history|scribe|strip)/.test(key))
        .sort((a, b) => a.localeCompare(b));
      return new Map(await Promise.all(names.map(async (key) => [key, String(await it.redis.dumpBuffer(key))] as const)));
    };
    const before = await everything();
    for (const path of [
      "/",
      "/mailboxes",
      "/mailboxes/contoso/a@contoso.example",
      "/tenants/contoso",
      "/dead-letters",
      "/activity",
      "/about",
      "/causes/abcd",
    ])
      await (await it.get(path)).text();
    for (const path of ["/api/page?path=/", "/api/rows?rows=0", "/api/find?q=a", "/api/history?span=1h"]) await (await it.get(path)).text();
    expect(before.size).toBeGreaterThan(3);
    expect(await everything()).toEqual(before);
  });
});

describe("a console with a password", () => {
  let it: TestConsole;
  beforeAll(async () => {
    it = await startTestConsole({ console: "  auth: { passwordFile: ./password }\n" });
  });
  afterAll(() => it.end());

  const loginToken = async (): Promise<string> => /"token":"([\w-]+)/.exec(await (await it.get("/")).text())?.[1] ?? "";
  const signIn = async (given: string): Promise<Response> =>
    it.post("/api/login", { name: " anna\u202e ", password: given }, { "x-mailfleet-token": await loginToken() });

  test("whoever is not signed in sees a login and nothing of the fleet, on every route (T48, T55)", async () => {
    const routes = [
      "/",
      "/mailboxes",
      "/mailboxes/contoso/a@contoso.example",
      "/tenants/contoso",
      "/causes/abcd",
      "/dead-letters",
      "/activity",
      "/about",
    ];
    const api = ["/api/page?path=/", "/api/rows?rows=0", "/api/find?q=a", "/api/history?span=1h", "/api/stream"];
    for (const path of [...routes, ...api]) {
      const answer = await it.get(path);
      const text = await answer.text();
      expect([path, answer.status]).toEqual([path, 401]);
      expect(text).not.toMatch(/contoso|fabrikam|mailboxes are|0\.1\.0/);
    }
    expect((await it.get("/healthz")).status).toBe(200);
  });

  test("a session's cookie is bound and hidden, and dead after signing out (T47)", async () => {
    const answer = await signIn(password);
    expect(await answer.json()).toEqual({ name: "anna", role: "operator" });
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^mailfleet=[\w-]{22}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const headers = { cookie: cookie.split(";", 1)[0] ?? "" };
    const page = (await (await it.get("/api/page?path=/", headers)).json()) as { frame: { token: string; you: object } };
    expect(page.frame.you).toEqual({ name: "anna", role: "operator", canSignOut: true });
    expect((await it.post("/api/logout", {}, { ...headers, "x-mailfleet-token": await loginToken() })).status).toBe(403);
    expect((await it.post("/api/logout", {}, { ...headers, "x-mailfleet-token": page.frame.token })).status).toBe(200);
    expect((await it.get("/api/page?path=/", headers)).status).toBe(401);
  });

  test("who signed in is written down, and the password is nowhere", async () => {
    await signIn(password);
    await expect
      .poll(async () => (await it.parts.activity.read({ who: "people", count: 1 })).entries[0], { timeout: 30_000 })
      .toMatchObject({ who: "anna", verb: "sign in" });
    expect(JSON.stringify(it.log.records)).not.toContain(password);
  });

  test("ten wrong passwords in five minutes are enough, and the right one waits as well (T54)", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push((await signIn(`guess ${i}`)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    const late = await signIn(password);
    expect(late.status).toBe(429);
    expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(200);
  });
});
