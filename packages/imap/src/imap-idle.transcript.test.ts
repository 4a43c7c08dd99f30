import { syncError, type MailSession } from "@mailfleet/core";
import { eachMessage, type ScriptStep } from "@mailfleet/testkit";
import { describe, expect, test, vi } from "vitest";
import { ask, collect, converse, examine, failureOf, literal, login, loginTelling, stall } from "./transcript-harness.ts";

const never = new AbortController().signal;
/** Longer than any test: only what the server says may end it. */
const longMs = 60_000;
const idle: readonly ScriptStep[] = [{ expect: /^(\w+) IDLE$/ }];
const accepted: ScriptStep = { send: "+ IDLE accepted, awaiting DONE command.\r\n" };
/** The tag was in the line before DONE, so the script has to know it: the ninth command is 8, and so on. */
const done = (tag: string): readonly ScriptStep[] => [{ expect: /^DONE$/ }, { send: `${tag} OK IDLE completed.\r\n` }];
/** Tags of the first and second command behind login and EXAMINE. */
const first = "6";
const second = "7";

async function idling(session: MailSession, maxMs = longMs, signal = never): Promise<"moved" | "quiet"> {
  await session.open("INBOX");
  return await session.idle(maxMs, signal);
}

describe("IDLE", () => {
  test.each([
    ["new mail", "* 4 EXISTS\r\n"],
    ["a removal", "* 1 EXPUNGE\r\n"],
    ["a flag", "* 1 FETCH (FLAGS (\\Seen \\Flagged))\r\n"],
    ["a removal by UID", "* VANISHED 12\r\n"],
    ["a burst", "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 9 EXISTS\r\n* 0 RECENT\r\n"],
  ])("%s ends it with DONE, and the session can be used on", async (_name, news) => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...idle,
      accepted,
      { send: news },
      ...done(first),
      ...ask(/^(\w+) STATUS/, "* STATUS INBOX (MESSAGES 4 UIDNEXT 14 UIDVALIDITY 170535)\r\n$1 OK\r\n"),
      ...idle,
      accepted,
      { send: "* 5 EXISTS\r\n* 7 EXISTS\r\n" },
      ...done("8"),
      stall,
    ]);
    const session = await talk.open();
    expect(session.features).toEqual({ hasFlags: true, hasCondStore: false, hasIdle: true });
    expect(await idling(session)).toBe("moved");
    expect((await session.status("INBOX")).messages).toBe(4);
    expect(await session.idle(longMs, never)).toBe("moved");
  });

  test("signs of life are no news: OK, RECENT, and EXISTS with the number that is known", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...idle,
      accepted,
      { send: "* OK Still here\r\n* 3 EXISTS\r\n* 0 RECENT\r\n" },
      ...done(first),
      stall,
    ]);
    expect(await idling(await talk.open(), 150)).toBe("quiet");
  });

  test("quiet after the time that was given, and again, however short the limit for commands is", async () => {
    await using talk = await converse(
      [...login, ...examine, ...idle, accepted, ...done(first), ...idle, accepted, ...done(second), stall],
      { commandSilenceMs: 1_000 },
    );
    const session = await talk.open();
    const from = performance.now();
    expect(await idling(session, 1_500)).toBe("quiet");
    expect(performance.now() - from).toBeGreaterThan(1_490);
    expect(await session.idle(1, never)).toBe("quiet");
  });

  test("an abort ends it politely; one that came before sends nothing", async () => {
    const controller = new AbortController();
    await using talk = await converse([...login, ...examine, ...idle, accepted, ...done(first), stall]);
    const session = await talk.open();
    const waiting = idling(session, longMs, controller.signal);
    await vi.waitFor(() => expect(talk.server.received.at(-1)).toMatch(/ IDLE$/), 5_000);
    controller.abort(new Error("the worker drains"));
    expect(await waiting).toBe("quiet");
    expect(await session.idle(longMs, controller.signal)).toBe("quiet");
    expect(talk.server.received.filter((line) => line.endsWith(" IDLE"))).toHaveLength(1);
  });

  test("news before the server's plus waits for it: DONE must not come first", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...idle,
      { send: "* 4 EXISTS\r\n" },
      { silentMs: 60 },
      accepted,
      accepted,
      ...done(first),
      stall,
    ]);
    expect(await idling(await talk.open())).toBe("moved");
    expect(talk.server.received.at(-1)).toBe("DONE");
  });

  test("what was told beside other answers since the folder was opened is not told again, so it ends the next IDLE at once", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(/^(\w+) UID FETCH 10 /, `* 4 EXISTS\r\n${literal(10, "ten")}$1 OK\r\n`),
      ...idle,
      accepted,
      ...done(second),
      ...ask(/^(\w+) STATUS/, "* 1 EXPUNGE\r\n* STATUS INBOX (MESSAGES 3 UIDNEXT 14 UIDVALIDITY 170535)\r\n$1 OK\r\n"),
      ...examine,
      ...idle,
      accepted,
      ...done("A"),
      stall,
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    await collect(eachMessage(session.fetch([10])));
    expect(await session.idle(longMs, never)).toBe("moved");
    expect(talk.server.received.some((line) => line.endsWith(" IDLE"))).toBe(false);
    // Told once; and a folder that is opened anew starts from there.
    expect(await session.idle(1, never)).toBe("quiet");
    await session.status("INBOX");
    await session.open("INBOX");
    expect(await session.idle(1, never)).toBe("quiet");
  });

  test.each([
    ["an expired token", { send: "* BYE Session invalidated - AccessTokenExpired\r\n" }, "SESSION_EXPIRED"],
    ["a revoked session", { send: "* BYE Session invalidated - AccountDisabled\r\n" }, "TOKEN_REJECTED"],
    ["the server's own limit", { send: "* BYE Connection is closed. 13\r\n" }, "SESSION_CLOSED"],
    ["a reset", { cut: "reset" }, "SESSION_CLOSED"],
    ["an end without a word", { cut: "end" }, "SESSION_CLOSED"],
  ] as const)("%s inside it is named", async (_name, step, code) => {
    await using talk = await converse([...login, ...examine, ...idle, accepted, step, stall]);
    const session = await talk.open();
    expect(await failureOf(idling(session))).toMatchObject({ code, facts: { folder: "INBOX" } });
    expect((await failureOf(session.idle(longMs, never))).code).toBe(code);
  });

  test.each([
    ["no plus", [{ send: "* OK working\r\n" }], longMs],
    ["no answer to DONE", [accepted], 1],
    ["only chatter after DONE", [accepted, { expect: /^DONE$/ }, ...Array.from({ length: 20 }, () => ({ send: "* 9 EXISTS\r\n" }))], 1],
  ] as const)("%s is a silent peer", async (_name, steps, maxMs) => {
    await using talk = await converse([...login, ...examine, ...idle, ...steps, stall], { commandSilenceMs: 1_000 });
    const session = await talk.open();
    expect(await failureOf(idling(session, maxMs))).toMatchObject({ code: "SESSION_CLOSED", facts: { code: "Silent" } });
  });

  test.each([
    ["NO", "$1 NO not now\r\n", "COMMAND_REFUSED"],
    ["BAD", "$1 BAD Command Error. 12\r\n", "COMMAND_REFUSED"],
    ["a throttle", "$1 BAD Request is throttled. Suggested Backoff Time: 299910 milliseconds\r\n", "SERVER_THROTTLED"],
    ["an OK that nobody asked for", "+ idling\r\n$1 OK IDLE completed.\r\n", "PROTOCOL_VIOLATION"],
  ])("%s in place of waiting is never quiet", async (_name, answer, code) => {
    await using talk = await converse([...login, ...examine, ...ask(/^(\w+) IDLE$/, answer), stall]);
    expect((await failureOf(idling(await talk.open()))).code).toBe(code);
  });

  test("a lost lease ends session and IDLE with its own reason", async () => {
    const controller = new AbortController();
    await using talk = await converse([...login, ...examine, ...idle, accepted, { expect: /./ }]);
    const session = await talk.open(controller.signal);
    const waiting = idling(session);
    await session.open("Sent").catch(() => {});
    controller.abort(syncError("LEASE_LOST", "Somebody else works on the mailbox", { layer: "engine" }));
    expect((await failureOf(waiting)).code).toBe("LEASE_LOST");
  });

  test("without a folder, without the server's offer, or beside another command it is our own fault", async () => {
    await using talk = await converse([...loginTelling("UIDPLUS"), ...examine, { expect: /STATUS/ }, stall]);
    const session = await talk.open();
    expect(session.features.hasIdle).toBe(false);
    expect((await failureOf(session.idle(longMs, never))).code).toBe("INVARIANT");
    expect((await failureOf(idling(session))).code).toBe("INVARIANT");
  });
});
