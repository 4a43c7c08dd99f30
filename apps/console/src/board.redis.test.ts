import { appRoutes } from "@bull-board/api/dist/routes.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestConsole, type TestConsole } from "./console.fixture.ts";

const failedAt = 1_790_000_000_000;
let it: TestConsole;
let headers: Record<string, string>;
beforeAll(async () => {
  it = await startTestConsole();
  headers = { "x-mailfleet-token": await it.token() };
  const queue = (name: string): string => `${it.keys.bullPrefix}:messages:${name}`;
  // As BullMQ leaves a job whose attempts are used up, with everything that somebody may have said.
  await it.redis.hset(queue("job-1"), {
    name: "message.added",
    data: JSON.stringify({ message: { subject: "canary subject", text: "canary body" }, mailbox: "canary@contoso.example" }),
    failedReason: "canary reason",
    stacktrace: JSON.stringify(["canary trace"]),
    returnvalue: JSON.stringify("canary value"),
    progress: JSON.stringify("canary progress"),
    finishedOn: failedAt,
    atm: 8,
    pb: "canary worker",
    opts: JSON.stringify({ de: { id: "canary option" } }),
    timestamp: failedAt,
    delay: 0,
    priority: 0,
  });
  await it.redis.zadd(queue("failed"), failedAt, "job-1");
  await it.redis.rpush(queue("job-1:logs"), "canary log");
});
afterAll(() => it.end());

test("the board shows its page and files, by a policy of its own that lets nothing in from elsewhere", async () => {
  const page = await it.get("/board");
  const text = await page.text();
  expect([page.status, page.headers.get("content-security-policy")]).toEqual([
    200,
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'self'; frame-ancestors 'none'",
  ]);
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(text).not.toMatch(/href="https?:|src="https?:|<style| style="/);
  const [, script = ""] = /src="(static\/js\/main[^"]+)"/.exec(text) ?? [];
  const file = await it.get(`/board/${script}`);
  expect([file.status, file.headers.get("content-type")]).toEqual([200, "application/javascript; charset=utf-8"]);
  await file.body?.cancel();
  expect((await it.get("/")).headers.get("content-security-policy")).toContain("trusted-types");
});

test("queues and jobs are there, and nothing that anybody said (T53)", async () => {
  const list = await (await it.get("/board/api/queues?activeQueue=messages&status=failed&page=1&jobsPerPage=10")).text();
  const { queues } = JSON.parse(list) as { queues: { name: string; readOnlyMode: boolean; counts: { failed: number }; jobs: object[] }[] };
  expect(queues.map(({ name }) => name)).toEqual(["sync-fresh", "sync-backfill", "messages"]);
  expect(queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
  expect(queues[2]?.counts.failed).toBe(1);
  expect(queues[2]?.jobs).toEqual([expect.objectContaining({ id: "job-1", name: "message.added", finishedOn: failedAt, isFailed: true })]);
  const one = await (await it.get("/board/api/queues/messages/job-1")).text();
  expect(JSON.parse(one)).toMatchObject({ job: { id: "job-1", attempts: 8 }, status: "failed" });
  for (const text of [list, one]) expect(text).not.toContain("canary");
});

test("of what bull-board could do, three questions are left, and everything else is not there", async () => {
  const paths = (route: string | readonly string[]): readonly string[] => [route].flat();
  const answered: string[] = [];
  for (const { method: declared, route } of appRoutes.api) {
    for (const [path, method] of paths(route).map((one) => [one, String(declared)] as const)) {
      const address = `/board${path.replace(":queueName", "messages").replace(":jobId", "job-1").replaceAll(/:\w+/g, "failed")}`;
      const answer = await fetch(`${it.url}${address}`, {
        method: method.toUpperCase(),
        headers: { ...headers, origin: it.url, "content-type": "application/json" },
        ...(method !== "get" && { body: "{}" }),
      });
      const text = await answer.text();
      expect(text, address).not.toContain("canary");
      if (answer.status !== 404) answered.push(`${method} ${path} ${answer.status}`);
    }
  }
  expect(answered.sort()).toEqual(["get /api/queues 200", "get /api/queues/:queueName/:jobId 200", "get /api/redis/stats 200"]);
});

test("no path leads out of its files", async () => {
  for (const path of ["/board/static/../index.ejs", "/board/static/%2e%2e/%2e%2e/package.json", "/board/static/..%2f..%2fpackage.json"]) {
    const answer = await it.get(path);
    expect([path, (await answer.text()).includes("bull-board/ui")]).toEqual([path, false]);
  }
});

test("looking at it changes nothing in Redis", async () => {
  const everything = async (): Promise<ReadonlyMap<string, string>> => {
    const names = (await it.redis.keys(`{${it.config.name}}*`)).filter((key) => !/:(history|scribe|strip)/.test(key)).sort();
    return new Map(await Promise.all(names.map(async (key) => [key, String(await it.redis.dumpBuffer(key))] as const)));
  };
  const before = await everything();
  for (const path of ["/board", "/board/api/queues", "/board/api/redis/stats", "/board/api/queues/messages/job-1"])
    await (await it.get(path)).text();
  expect(await everything()).toEqual(before);
});
