import { actionVerbs, type ConsoleError } from "@mailfleet/core/console";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ticketVerbs } from "./http/action-routes.ts";
import { password, startTestConsole, type TestConsole } from "./console.fixture.ts";

/** What changes nothing of the fleet. */
const forEverybody = ["/api/login", "/api/logout"];

describe("a viewer", () => {
  let it: TestConsole;
  let headers: Record<string, string>;
  beforeAll(async () => {
    it = await startTestConsole({ console: "  auth: { passwordFile: ./password, viewerPasswordFile: ./viewer-password }\n" });
    headers = await signInAs("vera", `viewer ${password}`);
  });
  afterAll(() => it.end());

  /** @returns the headers of requests that change something */
  const signInAs = async (name: string, word: string): Promise<Record<string, string>> => {
    const token = /"token":"([\w-]+)/.exec(await (await it.get("/")).text())?.[1] ?? "";
    const signedIn = await it.post("/api/login", { name, password: word }, { "x-mailfleet-token": token });
    const cookie = signedIn.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
    const page = (await (await it.get("/api/page?path=/", { cookie })).json()) as { frame: { token: string } };
    return { cookie, "x-mailfleet-token": page.frame.token };
  };

  test("is refused every route that is for operators, and every change is one (check 28)", async () => {
    const changes = it.routes.filter(({ method }) => method === "POST");
    expect(changes.filter(({ role }) => role !== "operator").map(({ path }) => path)).toEqual(forEverybody);
    const forOperators = it.routes.filter(({ role }) => role === "operator");
    expect(forOperators.length).toBeGreaterThanOrEqual(3);
    for (const { method, path } of forOperators) {
      const answer = method === "GET" ? await it.get(path.replace("*", ""), headers) : await it.post(path, {}, headers);
      expect([method, path, answer.status, ((await answer.json()) as ConsoleError).error.code]).toEqual([method, path, 403, "FORBIDDEN"]);
    }
  });

  test("is refused each action and each ticket by its verb, whatever it aims at", async () => {
    const refused = async (path: string, body: object): Promise<void> => {
      const answer = await it.post(path, body, headers);
      expect([path, body, answer.status]).toEqual([path, body, 403]);
    };
    for (const verb of actionVerbs) {
      for (const target of [{ mailbox: "contoso/a@contoso.example" }, { letter: "x" }])
        await refused("/api/actions", { verb, target, reason: "curiosity", typed: "1" });
    }
    for (const verb of ticketVerbs) await refused("/api/tickets", { verb, select: { query: "" } });
    await expect
      .poll(
        async () => (await it.parts.activity.read({ who: "people", count: 50 })).entries.filter(({ outcome }) => outcome === "refused"),
        {
          timeout: 30_000,
        },
      )
      .not.toEqual([]);
  });

  test("holds ten live pages at most, and others get theirs", async () => {
    const operator = await signInAs("anna", password);
    const streams: Response[] = [];
    const open = async (as: Record<string, string>): Promise<number> => {
      const stream = await it.get("/api/stream", as);
      streams.push(stream);
      return stream.status;
    };
    try {
      for (let i = 0; i < 10; i++) expect(await open(headers)).toBe(200);
      expect(await open(headers)).toBe(429);
      expect(await open(operator)).toBe(200);
    } finally {
      for (const stream of streams) await stream.body?.cancel();
    }
  });

  test("who signs in under an operator's name takes none of that one's turns, and sees no result of theirs", async () => {
    const operator = await signInAs("vera", password);
    const act = (as: Record<string, string>): Promise<Response> =>
      it.post("/api/actions", { verb: "try", target: { mailbox: "contoso/a@contoso.example" } }, as);
    let last = 0;
    for (let i = 0; i < 70 && last !== 429; i++) last = (await act(headers)).status;
    expect(last).toBe(429);
    expect((await act(operator)).status).toBe(200);
  });
});
