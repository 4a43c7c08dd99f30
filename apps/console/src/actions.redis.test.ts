import { mailboxId, type MailboxRef } from "@mailfleet/core";
import type { ActionRun, ActivityEntry, Ticket } from "@mailfleet/core/console";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { box, password, startTestConsole, type TestConsole } from "./console.fixture.ts";

const a = box("contoso", "a");
const idOf = mailboxId(a);
/** The console looks each second. */
const patience = { timeout: 30_000 };

interface Asker {
  readonly post: (path: string, body: unknown) => Promise<Response>;
  readonly run: (body: unknown) => Promise<ActionRun>;
  readonly ticket: (body: unknown) => Promise<Ticket>;
  readonly ended: (run: ActionRun) => Promise<ActionRun>;
}

function askerOf(it: TestConsole, headers: Record<string, string>): Asker {
  const post = (path: string, body: unknown): Promise<Response> => it.post(path, body, headers);
  const read = async <T>(path: string, body: unknown): Promise<T> => {
    const answer = await post(path, body);
    const value = (await answer.json()) as T;
    if (!answer.ok) throw new Error(JSON.stringify(value));
    return value;
  };
  return {
    post,
    run: (body) => read<ActionRun>("/api/actions", body),
    ticket: (body) => read<Ticket>("/api/tickets", body),
    async ended(run) {
      const find = async (): Promise<ActionRun> => (await (await it.get(`/api/actions/${run.id}`, headers)).json()) as ActionRun;
      await expect.poll(async () => ["done", "failed", "undone"].includes((await find()).state), patience).toBe(true);
      return find();
    },
  };
}

const lastOf = async (it: TestConsole): Promise<ActivityEntry | undefined> =>
  (await it.parts.activity.read({ who: "people", count: 1 })).entries[0];

describe("an operator on loopback", () => {
  let it: TestConsole;
  let me: Asker;
  beforeAll(async () => {
    it = await startTestConsole();
    me = askerOf(it, { "x-mailfleet-token": await it.token() });
  });
  afterAll(() => it.end());
  const isParked = async (mailbox: MailboxRef): Promise<boolean> =>
    (await it.redis.hget(it.keys.mailbox(mailboxId(mailbox)), "parkedBy")) !== null;

  test("parks one mailbox, sees it, undoes it, and all of that is written down with its command", async () => {
    const run = await me.ended(await me.run({ verb: "park", target: { mailbox: idOf }, reason: "moves\naway" }));
    expect(run).toMatchObject({ state: "done", words: "a@contoso.example: 1 parked.", undoUntil: expect.any(Number) });
    expect(await isParked(a)).toBe(true);
    expect(await lastOf(it)).toMatchObject({
      who: "anyone on this machine",
      by: "people",
      verb: "park",
      tenant: "contoso",
      mailbox: "a@contoso.example",
      outcome: "done",
      reason: "moves away",
      command: `npx mailfleet mailboxes park a@contoso.example --reason 'moves away'`,
    });
    await expect
      .poll(
        async () => (await (await it.get(`/api/page?path=/mailboxes/contoso/a@contoso.example`)).text()).includes("parked by operator"),
        patience,
      )
      .toBe(true);
    const undone = (await (await me.post(`/api/actions/${run.id}/undo`, {})).json()) as ActionRun;
    expect(undone.state).toBe("undone");
    expect(await isParked(a)).toBe(false);
    expect((await lastOf(it))?.outcome).toBe("undone");
    expect((await me.post(`/api/actions/${run.id}/undo`, {})).status).toBe(409);
  });

  test("what a ticket counted is acted on, though the list is another by then, and only once", async () => {
    const query = "tenant=contoso";
    const ticket = await me.ticket({ verb: "park", select: { query } });
    expect(ticket).toMatchObject({ count: 2, button: "Park 2", first: ["a@contoso.example", "b@contoso.example"] });
    await it.parts.live.attend();
    const late = box("contoso", "late");
    await it.redis.sadd(it.keys.mailboxes, mailboxId(late));
    await it.redis.hset(it.keys.mailbox(mailboxId(late)), { tenant: "contoso", address: late.address, protocol: "imap" });
    await expect.poll(async () => it.parts.live.memory.find(mailboxId(late)) !== undefined, patience).toBe(true);
    const run = await me.ended(await me.run({ verb: "park", target: { ticket: ticket.ticket } }));
    expect([run.count, run.done]).toEqual([2, 2]);
    expect(await isParked(late)).toBe(false);
    const again = await me.post("/api/actions", { verb: "park", target: { ticket: ticket.ticket } });
    expect([again.status, await again.json()]).toMatchObject([410, { error: { code: "TICKET_GONE" } }]);
    const resume = await me.ticket({ verb: "resume", select: { mailboxes: [idOf, "contoso/b@contoso.example"] } });
    expect((await me.post("/api/actions", { verb: "park", target: { ticket: resume.ticket } })).status).toBe(410);
    await me.ended(await me.run({ verb: "resume", target: { ticket: resume.ticket } }));
    expect(await isParked(a)).toBe(false);
  });

  test("try now makes a mailbox due, and a name that is not there is told", async () => {
    await it.redis.zadd(it.keys.due("fresh", "contoso"), 9e12, idOf);
    const run = await me.ended(await me.run({ verb: "try", target: { mailbox: idOf } }));
    expect(run.words).toContain("1 tried at once");
    expect(Number(await it.redis.zscore(it.keys.due("fresh", "contoso"), idOf))).toBeLessThan(9e12);
    const none = await me.post("/api/actions", { verb: "try", target: { mailbox: "contoso/none@contoso.example" } });
    expect(none.status).toBe(404);
  });

  test("what can be undone no more names the command of the reverse action", async () => {
    const run = await me.ended(await me.run({ verb: "park", target: { mailbox: idOf } }));
    const { live } = it.parts;
    const stood = live.now;
    const at = stood.call(live);
    live.now = () => at + 11_000;
    try {
      const late = await me.post(`/api/actions/${run.id}/undo`, {});
      expect([late.status, await late.json()]).toMatchObject([
        409,
        { error: { code: "TOO_LATE", command: "npx mailfleet mailboxes resume a@contoso.example" } },
      ]);
    } finally {
      live.now = stood;
    }
    await me.ended(await me.run({ verb: "resume", target: { mailbox: idOf } }));
  });

  test("requests that are no requests are refused, member by member", async () => {
    for (const body of [
      [],
      1,
      "x",
      {},
      { verb: "drop" },
      { verb: "park" },
      { verb: "park", target: {} },
      { verb: "park", target: { mailbox: 5 } },
    ]) {
      expect([body, (await me.post("/api/actions", body)).status]).toEqual([body, 400]);
    }
    for (const body of [
      { verb: "park", select: { mailboxes: "all" } },
      { verb: "doctor", select: {} },
      { verb: "replay", select: { query: "" } },
    ]) {
      expect([body, (await me.post("/api/tickets", body)).status]).toEqual([body, 400]);
    }
  });

  test("nothing can be done while the fleet cannot be seen", async () => {
    const { live } = it.parts;
    const stood = live.now;
    live.now = () => stood.call(live) + 60_000;
    try {
      const answer = await me.post("/api/actions", { verb: "park", target: { mailbox: idOf } });
      expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: "NOT_LIVE" } }]);
    } finally {
      live.now = stood;
    }
  });
});

describe("a console that is read-only", () => {
  let it: TestConsole;
  beforeAll(async () => {
    it = await startTestConsole({ console: "  readOnly: true\n" });
  });
  afterAll(() => it.end());

  test("says so, shows everything, refuses every change, and writes the try down", async () => {
    const me = askerOf(it, { "x-mailfleet-token": await it.token() });
    const page = (await (await it.get("/api/page?path=/")).json()) as { frame: { you: { readOnly?: string } } };
    expect(page.frame.you.readOnly).toBe("This console is read-only (console.readOnly).");
    for (const [path, body] of [
      ["/api/actions", { verb: "park", target: { mailbox: idOf } }],
      ["/api/tickets", { verb: "park", select: { query: "" } }],
      ["/api/actions/x/undo", {}],
    ] as const) {
      const answer = await me.post(path, body);
      expect([path, answer.status, await answer.json()]).toMatchObject([path, 403, { error: { code: "READ_ONLY" } }]);
    }
    expect(await it.redis.hget(it.keys.mailbox(idOf), "parkedBy")).toBeNull();
    await expect.poll(() => lastOf(it), patience).toMatchObject({ verb: "park", outcome: "refused" });
  });
});

test("whoever is not signed in can do nothing", async () => {
  const it = await startTestConsole({ console: "  auth: { passwordFile: ./password }\n" });
  const token = /"token":"([\w-]+)/.exec(await (await it.get("/")).text())?.[1] ?? "";
  for (const path of ["/api/actions", "/api/tickets", "/api/actions/x/undo"]) {
    expect([path, (await it.post(path, { verb: "park", target: { mailbox: idOf } }, { "x-mailfleet-token": token })).status]).toEqual([
      path,
      401,
    ]);
  }
  expect(JSON.stringify(it.log.records)).not.toContain(password);
  await it.end();
});

test("a viewer sees everything, does nothing, reveals nothing, and the try is written down", async () => {
  const it = await startTestConsole({ console: "  auth: { passwordFile: ./password, viewerPasswordFile: ./viewer-password }\n" });
  const open = /"token":"([\w-]+)/.exec(await (await it.get("/")).text())?.[1] ?? "";
  const signedIn = await it.post("/api/login", { name: "vera", password: `viewer ${password}` }, { "x-mailfleet-token": open });
  expect(await signedIn.json()).toEqual({ name: "vera", role: "viewer" });
  const cookie = (signedIn.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const page = (await (await it.get("/api/page?path=/mailboxes", { cookie })).json()) as {
    readonly frame: { readonly token: string; readonly you: object };
    readonly page: { readonly data: { readonly total: number } };
  };
  expect(page.page.data.total).toBe(3);
  expect(page.frame.you).toMatchObject({ role: "viewer", readOnly: expect.stringContaining("viewer") });
  const headers = { cookie, "x-mailfleet-token": page.frame.token };
  for (const [path, body] of [
    ["/api/actions", { verb: "park", target: { mailbox: idOf } }],
    ["/api/actions", { verb: "reveal", target: { letter: "x" }, reason: "curious" }],
    ["/api/tickets", { verb: "discard", select: { letterCause: "c7f2" } }],
    ["/api/actions/x/undo", {}],
  ] as const) {
    const answer = await it.post(path, body, headers);
    expect([path, answer.status, await answer.json()]).toMatchObject([path, 403, { error: { code: "FORBIDDEN" } }]);
  }
  expect(await it.redis.hget(it.keys.mailbox(idOf), "parkedBy")).toBeNull();
  await expect.poll(() => lastOf(it), patience).toMatchObject({ who: "vera", verb: "park", outcome: "refused" });
  await it.end();
});

test("a proxy's header is believed from its address alone, and names who may act", async () => {
  const proxy = (from: string): string => `  auth: { proxy: { header: X-Forwarded-User, from: [${from}], operators: [anna] } }\n`;
  const it = await startTestConsole({ console: proxy("127.0.0.1") });
  const who = async (name: string): Promise<unknown> => {
    const answer = await it.get("/api/page?path=/", { "x-forwarded-user": name });
    return answer.ok ? ((await answer.json()) as { frame: { you: unknown } }).frame.you : answer.status;
  };
  expect(await who("anna")).toEqual({ name: "anna", role: "operator", canSignOut: false });
  expect(await who("bert")).toMatchObject({ name: "bert", role: "viewer" });
  expect(await who(" ")).toBe(401);
  await it.end();
  const elsewhere = await startTestConsole({ console: proxy("10.9.8.7") });
  expect((await elsewhere.get("/api/page?path=/", { "x-forwarded-user": "anna" })).status).toBe(401);
  await elsewhere.end();
});
