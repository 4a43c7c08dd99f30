import { messageKey } from "@mailfleet/core";
import type { ActionRun, DeadLettersPage, Ticket } from "@mailfleet/core/console";
import { afterAll, beforeAll, expect, test } from "vitest";
import { box, startTestConsole, type TestConsole } from "./console.fixture.ts";

let it: TestConsole;
let headers: Record<string, string>;
beforeAll(async () => {
  it = await startTestConsole({ mailboxes: [box("contoso", "a")] });
  headers = { "x-mailfleet-token": await it.token() };
});
afterAll(() => it.end());

const queue = (name: string): string => `${it.keys.bullPrefix}:messages:${name}`;
const keyOf = (uid: number): string =>
  messageKey({ tenant: "contoso", address: "a@contoso.example", folder: "INBOX", generation: 1, uidValidity: "7", uid });

/** As BullMQ leaves a job whose attempts are used up. */
async function fail(uid: number, reason: string, failedAt: number): Promise<string> {
  const id = keyOf(uid);
  const event = {
    schema: "mailfleet.event/1",
    type: "message.added",
    key: id,
    tenant: "contoso",
    mailbox: "a@contoso.example",
    folder: { path: "INBOX", role: "inbox" },
    uid,
    internalDate: "2026-11-23T14:03:00.000Z",
    raw: { ref: "x", sha256: "0".repeat(64), size: 1234 },
    message: {
      subject: "canary subject, confidential",
      from: [{ name: "Canary Sender", address: "canary-sender@example.org" }],
      text: "canary-body\nsecond line\u001b]52;c;x\u0007",
      attachments: [{ filename: "canary-file.pdf" }],
    },
  };
  const job = {
    name: "message.added",
    data: JSON.stringify(event),
    failedReason: reason,
    finishedOn: failedAt,
    atm: 8,
    pb: "crm",
    opts: "{}",
    timestamp: failedAt,
    delay: 0,
    priority: 0,
  };
  await it.redis.hset(queue(id), job);
  await it.redis.zadd(queue("failed"), failedAt, id);
  return id;
}

const post = async <T>(path: string, body: unknown): Promise<T> => {
  const answer = await it.post(path, body, headers);
  const value = (await answer.json()) as T;
  if (!answer.ok) throw new Error(JSON.stringify(value));
  return value;
};
const ended = async (run: ActionRun): Promise<ActionRun> => {
  const find = async (): Promise<ActionRun> => (await (await it.get(`/api/actions/${run.id}`)).json()) as ActionRun;
  await expect.poll(async () => ["done", "failed", "undone"].includes((await find()).state), { timeout: 30_000 }).toBe(true);
  return find();
};
/** The page's data, once the list of before is not believed any more. */
const letters = async (query = ""): Promise<DeadLettersPage> => {
  await it.parts.sources.letters.list(true);
  const answer = (await (await it.get(`/api/page?path=${encodeURIComponent(`/dead-letters${query}`)}`)).json()) as {
    page: { data: DeadLettersPage };
  };
  return answer.page.data;
};

test("letters are shown by cause without anything that a sender wrote, and replayed exactly as counted", async () => {
  const now = it.parts.live.now();
  for (let uid = 1; uid <= 3; uid++) await fail(uid, "HTTP 503 from crm.internal", now - 3_600_000 + uid);
  await fail(4, "TypeError: 'email'", now - 60_000);
  const page = await letters();
  expect(page.sentence).toBe("4 dead letters from 2 causes");
  expect(page.causes.map(({ letters: count, text, isStillFailing }) => [count, text, isStillFailing])).toEqual([
    [3, "HTTP 503 from crm.internal", false],
    [1, "TypeError: 'email'", true],
  ]);
  const [cause] = page.causes;
  const opened = (await letters(`?cause=${cause?.id}`)).opened;
  expect(opened?.letters[0]).toEqual({
    id: keyOf(1),
    kind: "job",
    type: "message.added",
    tenant: "contoso",
    mailbox: "a@contoso.example",
    folder: "INBOX",
    uid: 1,
    bytes: 1234,
    receivedAt: Date.UTC(2026, 10, 23, 14, 3),
    failedAt: now - 3_600_000 + 1,
    tries: 8,
    lastError: "HTTP 503 from crm.internal",
  });

  const ticket = await post<Ticket>("/api/tickets", { verb: "replay", select: { letterCause: cause?.id } });
  expect(ticket).toMatchObject({
    count: 3,
    button: "Replay 3",
    command: `npx mailfleet dead-letters replay --cause ${cause?.id} --as-of ${new Date(ticket.at).toISOString()}`,
  });
  // One of the same cause that came later, and one that failed another time since.
  await fail(5, "HTTP 503 from crm.internal", now);
  await fail(3, "HTTP 503 from crm.internal", now);
  const waiting = await post<ActionRun>("/api/actions", { verb: "replay", target: { ticket: ticket.ticket } });
  expect([waiting.state, waiting.startsAt > now + 9_000]).toEqual(["waiting", true]);
  expect(await it.redis.llen(queue("wait"))).toBe(0);
  const run = await ended(waiting);
  expect(run.words).toBe("3 dead letters of cause ".concat(cause?.id ?? "", ": 2 tried again, 1 had moved on and were left alone."));
  expect((await it.redis.lrange(queue("wait"), 0, -1)).sort()).toEqual([keyOf(1), keyOf(2)]);
}, 60_000);

test("a page shows the letters that are there, also where others of the same number were there a moment before", async () => {
  const before = await fail(20, "no such customer", it.parts.live.now());
  const { letters: count } = await letters();
  await expect.poll(() => it.parts.live.memory.summary.deadLetters, { timeout: 30_000 }).toBe(count);
  // Believed for some seconds.
  await letters();
  await it.redis.zrem(queue("failed"), before);
  await it.redis.del(queue(before));
  const after = await fail(21, "no such order", it.parts.live.now());
  const answer = await it.get(`/api/page?path=${encodeURIComponent("/dead-letters")}`);
  const { data } = ((await answer.json()) as { page: { data: DeadLettersPage } }).page;
  expect(data.letters).toBe(count);
  expect(data.causes.map(({ text }) => text)).toContain("no such order");
  await it.redis.zrem(queue("failed"), after);
  await it.redis.del(queue(after));
});

test("a replay that is undone before it begins does nothing", async () => {
  const id = await fail(6, "refused by x", it.parts.live.now());
  const ticket = await post<Ticket>("/api/tickets", { verb: "replay", select: { letters: [id] } });
  const run = await post<ActionRun>("/api/actions", { verb: "replay", target: { ticket: ticket.ticket } });
  expect(await post<ActionRun>(`/api/actions/${run.id}/undo`, {})).toMatchObject({ state: "undone" });
  expect(await it.redis.zscore(queue("failed"), id)).not.toBeNull();
});

test("a discard asks for the number, is remembered, and what can be made again is put back once", async () => {
  const id = await fail(7, "nobody wants this", it.parts.live.now());
  const ticket = await post<Ticket>("/api/tickets", { verb: "discard", select: { letters: [id] } });
  expect(ticket.typed).toBe("1");
  const action = { verb: "discard", target: { ticket: ticket.ticket } };
  expect((await it.post("/api/actions", { ...action, typed: "7" }, headers)).status).toBe(422);
  expect(await it.redis.exists(queue(id))).toBe(1);
  expect((await ended(await post<ActionRun>("/api/actions", { ...action, typed: "1" }))).words).toBe("1 dead letter: 1 discarded.");
  expect(await it.redis.exists(queue(id))).toBe(0);
  const [discarded] = (await letters()).discarded;
  expect(discarded).toMatchObject({ who: "anyone on this machine", letters: 1 });
  const restore = { verb: "restore", target: { discarded: discarded?.id } };
  // Nothing is stored of this one: that is told, not hidden.
  expect(await ended(await post<ActionRun>("/api/actions", restore))).toMatchObject({
    state: "failed",
    command: `npx mailfleet dead-letters restore ${discarded?.id}`,
    words: expect.stringContaining("stored no more"),
  });
  expect((await ended(await post<ActionRun>("/api/actions", restore))).words).toContain("restored before");
});

test("a discard offers to put back what it took, and nothing that was consumed since its dialog counted it", async () => {
  const now = it.parts.live.now();
  const [first, second] = [await fail(30, "nobody wants these", now - 2), await fail(31, "nobody wants these", now - 1)];
  const ticket = await post<Ticket>("/api/tickets", { verb: "discard", select: { letters: [first, second] } });
  await it.redis.zrem(queue("failed"), second);
  await it.redis.del(queue(second));
  const run = await ended(await post<ActionRun>("/api/actions", { verb: "discard", target: { ticket: ticket.ticket }, typed: "2" }));
  expect(run.words).toBe("2 dead letters: 1 discarded, 1 were gone.");
  const [discarded] = (await letters()).discarded;
  expect(discarded).toMatchObject({ letters: 1 });
  expect(await it.redis.lrange(it.keys.discarded(discarded?.id ?? ""), 0, -1)).toEqual([first]);
});

test("content is in no answer, no page and no log until it is revealed with a reason, and each reveal is written down", async () => {
  const id = await fail(8, "could not parse 'canary subject, confidential' of canary-sender@example.org", it.parts.live.now());
  const { causes } = await letters();
  const cause = causes.find(({ text }) => text.startsWith("could not parse"));
  for (const path of [
    "/dead-letters",
    `/dead-letters?cause=${cause?.id}`,
    "/",
    "/activity",
    "/mailboxes/contoso/a@contoso.example",
    "/api/page?path=/dead-letters",
  ]) {
    expect(await (await it.get(path)).text()).not.toMatch(/canary/i);
  }
  expect((await it.post("/api/actions", { verb: "reveal", target: { letter: id } }, headers)).status).toBe(400);
  const run = await post<ActionRun>("/api/actions", { verb: "reveal", target: { letter: id }, reason: "ticket 3312" });
  expect(run.result).toEqual({
    kind: "letter",
    letter: {
      id,
      from: "Canary Sender <canary-sender@example.org>",
      subject: "canary subject, confidential",
      text: "canary-body\nsecond line]52;c;x",
      isCut: false,
      hideAt: expect.any(Number),
    },
  });
  const [entry] = (await it.parts.activity.read({ who: "people", what: "reveal", count: 5 })).entries;
  expect(entry).toMatchObject({ verb: "reveal", tenant: "contoso", mailbox: "a@contoso.example", reason: "ticket 3312", outcome: "done" });
  expect(JSON.stringify(entry)).not.toMatch(/canary/);
  expect(JSON.stringify(it.log.records)).not.toMatch(/canary/);
});
