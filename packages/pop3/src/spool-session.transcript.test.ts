import { syncError, type FetchedMessage, type MailSession, type SpoolKnown } from "@mailfleet/core";
import { eachMessage } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { ask, canary, stall } from "./client/transcript-harness.ts";
import { collect, converse, failureOf, joinedPieces, list, loggedIn, loggedInPipelining, opened, retrieved } from "./spool-harness.ts";

const allUids = 0xffff_ffff;
describe("a poll without news", () => {
  const known: SpoolKnown = { uidls: undefined, newest: 203, messages: 100_000 };

  test("is two UIDL after STAT, whatever the size of the mailbox, and ends with QUIT", async () => {
    await using talk = await converse([
      ...loggedIn(100_000),
      ...ask(/^UIDL 100000$/, "+OK 100000 203\r\n"),
      ...ask(/^UIDL 1$/, "+OK 1 1\r\n"),
      ...ask(/^QUIT$/, "+OK\r\n"),
    ]);
    const session = await talk.open(known);
    expect(await session.status("INBOX")).toEqual({ messages: 100_000, uidNext: 204, uidValidity: "uidl" });
    expect(await session.status("INBOX")).toMatchObject({ uidNext: 204 });
    await session.close();
    await talk.server.finished();
  });

  test("is the same where the list begins with the newest", async () => {
    await using talk = await converse([...loggedIn(3), ...ask(/^UIDL 3$/, "+OK 3 201\r\n"), ...ask(/^UIDL 1$/, "+OK 1 203\r\n"), stall]);
    const session = await talk.open({ ...known, messages: 3 });
    expect(await session.status("INBOX")).toEqual({ messages: 3, uidNext: 204, uidValidity: "uidl" });
  });

  test.each([
    ["the count differs", 4, known, [], ["201", "202", "203", "204"], 205],
    ["another one is the last", 3, known, ask(/^UIDL 3$/, "+OK 3 204\r\n"), ["202", "203", "204"], 205],
    ["the last one cannot be asked for", 3, known, ask(/^UIDL 3$/, "-ERR no such message\r\n"), ["201", "202", "203"], 204],
    [
      "all that stood behind the newest is gone, and as many are new before it",
      3,
      known,
      [...ask(/^UIDL 3$/, "+OK 3 203\r\n"), ...ask(/^UIDL 1$/, "+OK 1 205\r\n")],
      ["205", "204", "203"],
      206,
    ],
    [
      "neither end is the newest",
      3,
      known,
      [...ask(/^UIDL 3$/, "+OK 3 202\r\n"), ...ask(/^UIDL 1$/, "+OK 1 200\r\n")],
      ["200", "201", "202"],
      203,
    ],
    ["the last is no number", 3, known, ask(/^UIDL 3$/, "+OK 3 AAAx\r\n"), ["201", "202", "AAAx"], 4],
    ["nothing is known", 3, undefined, [], ["201", "202", "203"], 204],
  ])("is none where %s: the whole list is asked for", async (_when, count, base, questions, uidls, uidNext) => {
    await using talk = await converse([...loggedIn(count), ...questions, ...list(uidls), stall]);
    const session = await talk.open(base && { ...base, messages: 3 });
    expect(await session.status("INBOX")).toMatchObject({ messages: count, uidNext });
  });

  test("asks for the UIDL that the newest number was dealt to", async () => {
    await using talk = await converse([
      ...loggedIn(2),
      ...ask(/^UIDL 2$/, "+OK 2 0000000758f1a2b3\r\n"),
      ...ask(/^UIDL 1$/, "+OK 1 0000000658f1a2b3\r\n"),
      stall,
    ]);
    const uidls = { uidls: ["0000000658f1a2b3", "0000000758f1a2b3"] };
    const session = await talk.open({ uidls, newest: 2, messages: 2 });
    expect(await session.status("INBOX")).toEqual({ messages: 2, uidNext: 3, uidValidity: "dealt", uidls });
  });
});

describe("messages", () => {
  test("are asked for by this session's numbers, whatever the order of the list, each once", async () => {
    await using talk = await converse([
      ...loggedIn(3),
      ...list(["30", "20", "10"]),
      ...ask(/^RETR 3$/, retrieved("ten")),
      ...ask(/^RETR 1$/, retrieved("thirty")),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(await session.listUids(1, allUids)).toEqual([10, 20, 30]);
    expect(await collect(session.fetch([10, 11, 30, 10]))).toEqual([
      [10, "ten\r\n"],
      [30, "thirty\r\n"],
    ]);
  });

  test("are pipelined where the server offers it", async () => {
    await using talk = await converse([
      ...loggedInPipelining(2),
      ...list(["1", "2"]),
      { expect: /^RETR 1$/ },
      { expect: /^RETR 2$/ },
      { send: retrieved("a") + retrieved("b") },
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(await collect(session.fetch([1, 2]))).toHaveLength(2);
  });

  test.each(["Message corrupted", "Message 1 expunged.", "There is no such message", "[SYS/PERM] message not found"])(
    "that the server withholds with %j are absent, and the session goes on",
    async (words) => {
      await using talk = await converse([
        ...loggedIn(2),
        ...list(["1", "2"]),
        ...ask(/^RETR 1$/, `-ERR ${words}\r\n`),
        ...ask(/^RETR 1$/, `-ERR ${words}\r\n`),
        ...ask(/^RETR 2$/, retrieved("b")),
        stall,
      ]);
      const session = await opened(await talk.open());
      expect(await collect(session.fetch([1]))).toEqual([]);
      expect(await session.fetchStream(1)).toBeUndefined();
      expect(await collect(session.fetch([2]))).toEqual([[2, "b\r\n"]]);
      expect(talk.log.records.filter(({ level }) => level === "warn")).toHaveLength(2);
    },
  );

  test("that are refused in words nobody knows are absent if the server gives another one after that", async () => {
    await using talk = await converse([
      ...loggedIn(3),
      ...list(["1", "2", "3"]),
      // Alone in a session, so that any other is asked for.
      ...ask(/^RETR 3$/, "-ERR not today\r\n"),
      ...ask(/^RETR 1$/, retrieved("a")),
      ...ask(/^RETR 1$/, "-ERR not today\r\n"),
      ...ask(/^RETR 2$/, retrieved("b")),
      ...ask(/^RETR 3$/, "-ERR not today\r\n"),
      ...ask(/^RETR 2$/, retrieved("b")),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(await session.fetchStream(3)).toBeUndefined();
    expect(await collect(session.fetch([1, 2, 3]))).toEqual([[2, "b\r\n"]]);
  });

  test("that are refused in such words: the one that is asked for again is the last that the server gave", async () => {
    await using talk = await converse([
      ...loggedIn(3),
      ...list(["1", "2", "3"]),
      ...ask(/^RETR 2$/, retrieved("b")),
      ...ask(/^RETR 3$/, "-ERR not today\r\n"),
      ...ask(/^RETR 2$/, retrieved("b")),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(await collect(session.fetch([2, 3]))).toEqual([[2, "b\r\n"]]);
  });

  test("are a failure if the server gives none after it refused some in such words: none is given up for that", async () => {
    const refusal = "-ERR not today\r\n";
    await using talk = await converse([
      ...loggedIn(3),
      ...list(["1", "2", "3"]),
      ...ask(/^RETR 1$/, retrieved("a")),
      ...ask(/^RETR 2$/, refusal),
      ...ask(/^RETR 3$/, refusal),
      ...ask(/^RETR 1$/, refusal),
      ...ask(/^RETR 3$/, refusal),
      ...ask(/^RETR 1$/, refusal),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(await failureOf(collect(session.fetch([1, 2, 3])))).toMatchObject({
      code: "COMMAND_REFUSED",
      facts: { layer: "pop3", phase: "fetch", folder: "INBOX", uid: 2, text: "not today" },
    });
    expect(await failureOf(session.fetchStream(3))).toMatchObject({ code: "COMMAND_REFUSED", facts: { uid: 3 } });
  });

  test("are a failure if it is the only one, and refused in such words", async () => {
    await using talk = await converse([...loggedIn(1), ...list(["1"]), ...ask(/^RETR 1$/, "-ERR not today\r\n"), stall]);
    expect(await failureOf((await opened(await talk.open())).fetchStream(1))).toMatchObject({ code: "COMMAND_REFUSED" });
  });

  test.each([
    ["-ERR Server Unavailable. 21\r\n", "SERVER_UNAVAILABLE"],
    ["-ERR Request is throttled. Suggested Backoff Time: 299910 milliseconds\r\n", "SERVER_THROTTLED"],
    ["-ERR [SYS/TEMP] try later\r\n", "SERVER_UNAVAILABLE"],
    ["-ERR Session invalidated - AccessTokenExpired\r\n", "SESSION_EXPIRED"],
  ])("that are refused with %j end the session", async (line, code) => {
    await using talk = await converse([...loggedIn(2), ...list(["1", "2"]), ...ask(/^RETR 1$/, line), stall]);
    const session = await opened(await talk.open());
    expect(await failureOf(collect(session.fetch([1, 2])))).toMatchObject({ code, facts: { uid: 1, phase: "fetch" } });
    expect((await failureOf(session.listUids(1, 9))).code).toMatch(new RegExp(`^(${code}|SESSION_CLOSED)$`));
  });

  test("that came before a refusal that ends the session are given, those behind it are not", async () => {
    await using talk = await converse([
      ...loggedInPipelining(3),
      ...list(["1", "2", "3"]),
      { expect: /^RETR 1$/ },
      { expect: /^RETR 2$/ },
      { expect: /^RETR 3$/ },
      { send: `${retrieved("a")}-ERR Server Unavailable. 21\r\n${retrieved("c")}` },
      stall,
    ]);
    const session = await opened(await talk.open());
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for await (const { uid } of eachMessage(session.fetch([1, 2, 3]))) seen.push(uid);
    };
    expect(await failureOf(work())).toMatchObject({ code: "SERVER_UNAVAILABLE", facts: { uid: 2, phase: "fetch" } });
    expect(seen).toEqual([1]);
    expect(await failureOf(session.status("INBOX"))).toMatchObject({ code: "SESSION_CLOSED" });
  });

  test("lie in few buffers, which go once whoever took them let go of all that is in them", async () => {
    const uids = Array.from({ length: 20 }, (_, at) => at + 1);
    await using talk = await converse([
      ...loggedInPipelining(20),
      ...list(uids.map(String)),
      ...uids.map((uid) => ({ expect: new RegExp(`^RETR ${uid}$`) })),
      { send: uids.map((uid) => retrieved("x".repeat(uid * 100))).join("") },
      stall,
    ]);
    const session = await opened(await talk.open());
    const held: FetchedMessage[] = [];
    for await (const message of eachMessage(session.fetch(uids))) {
      expect(message.bytes).toHaveLength(message.uid * 100 + 2);
      held.push(message);
      if (message.uid > 1) message.letGo?.();
    }
    // 16 kB for the first messages, and 32 kB for the others.
    const sizesIn = (buffer: ArrayBufferLike | undefined) =>
      held.filter(({ bytes }) => bytes.buffer === buffer).map(({ bytes }) => bytes.length);
    expect(new Set(held.map(({ bytes }) => bytes.buffer)).size).toBe(2);
    expect(sizesIn(held[0]?.bytes.buffer)[0]).toBe(102);
    expect(new Set(sizesIn(held.at(-1)?.bytes.buffer))).toEqual(new Set([0]));
    held[0]?.letGo?.();
    expect(held.every(({ bytes }) => bytes.length === 0)).toBe(true);
  });

  test("larger than may be held are MESSAGE_TOO_LARGE with their UID, and come in pieces", async () => {
    const script = [...loggedIn(2), ...list(["7", "8"]), ...ask(/^RETR 2$/, retrieved("x".repeat(5_000))), stall];
    await using talk = await converse(script, { limits: { literalBytes: 1_000 } });
    const session = await opened(await talk.open());
    const failure = await failureOf(collect(session.fetch([8])));
    expect(failure).toMatchObject({ code: "MESSAGE_TOO_LARGE", scope: "message", facts: { uid: 8, phase: "fetch" } });
    await using again = await converse(script, { limits: { literalBytes: 1_000 } });
    const message = await (await opened(await again.open())).fetchStream(8);
    expect(await joinedPieces(message)).toHaveLength(5_002);
    expect(message?.isWhole()).toBe(true);
  });

  test("that are cut off are SESSION_CLOSED with their UID, and never whole", async () => {
    await using talk = await converse([
      ...loggedIn(2),
      ...list(["7", "8"]),
      { expect: /^RETR 2$/ },
      { send: "+OK\r\nhalf" },
      { cut: "end" },
    ]);
    const session = await opened(await talk.open());
    const message = await session.fetchStream(8);
    const failure = await failureOf(joinedPieces(message));
    expect(failure).toMatchObject({ code: "SESSION_CLOSED", facts: { uid: 8, phase: "fetch", folder: "INBOX" } });
    expect(message?.isWhole()).toBe(false);
    expect(await failureOf(session.status("INBOX"))).toMatchObject({ code: "SESSION_CLOSED" });
  });

  test("that are left early are read over, and where that is too much the session is over, which is no message's fault", async () => {
    const script = [
      ...loggedIn(2),
      ...list(["7", "8"]),
      ...ask(/^RETR 1$/, retrieved("x".repeat(200_000))),
      ...ask(/^RETR 2$/, retrieved("b")),
      stall,
    ];
    const leave = async (session: MailSession): Promise<MailSession> => {
      for await (const piece of (await session.fetchStream(7))?.pieces ?? []) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      return session;
    };
    await using talk = await converse(script);
    const session = await leave(await opened(await talk.open()));
    expect(await collect(session.fetch([8]))).toEqual([[8, "b\r\n"]]);
    await using small = await converse(script, { limits: { drainBytes: 1_000 } });
    const lost = await leave(await opened(await small.open()));
    expect(await failureOf(collect(lost.fetch([8])))).toMatchObject({ code: "SESSION_CLOSED", facts: { phase: "command" } });
  });

  test("are never said to be longer than anything: announced sizes are estimates", async () => {
    await using talk = await converse([...loggedIn(1), ...list(["7"]), ...ask(/^LIST 1$/, "+OK 1 999999999\r\n"), stall]);
    const session = await opened(await talk.open());
    expect(await session.describe([7])).toEqual([{ uid: 7, size: 999_999_999 }]);
    expect(await session.isLongerThan(7, 0)).toBe(false);
  });
});

describe("a session's end", () => {
  const script = [...loggedIn(1), ...list(["1"]), ...ask(/^RETR 1$/, retrieved("a"))];

  test("is no QUIT once a message was read, for that would mark it as read", async () => {
    await using talk = await converse([...script, stall]);
    const session = await opened(await talk.open());
    await collect(session.fetch([1]));
    await session.close();
    await session.close();
    expect(talk.server.received.at(-1)).toBe("RETR 1");
  });

  test("is QUIT all the same where that is wanted", async () => {
    await using talk = await converse([...script, ...ask(/^QUIT$/, "+OK\r\n")], { quits: true });
    const session = await opened(await talk.open());
    await collect(session.fetch([1]));
    await session.close();
    await talk.server.finished();
  });

  test("does not wait for a server that says nothing to QUIT", async () => {
    await using talk = await converse([...loggedIn(1), { expect: /^QUIT$/ }, stall], { limits: { quitMs: 50 } });
    const session = await talk.open();
    // Would it wait, it would for longer than this test may take.
    await session.close();
    expect(await failureOf(session.status("INBOX"))).toMatchObject({ code: "SESSION_CLOSED" });
  });

  test("drops a connection whose messages nobody takes any more", async () => {
    await using talk = await converse([...loggedIn(2), ...list(["1", "2"]), { expect: /^RETR 1$/ }, { send: retrieved("a") }, stall]);
    const session = await opened(await talk.open());
    for await (const row of eachMessage(session.fetch([1, 2]))) {
      expect(row.uid).toBe(1);
      break;
    }
    expect(await failureOf(session.listUids(1, 9))).toMatchObject({ code: "SESSION_CLOSED" });
  });

  test("is the signal's own reason, where that is a failure; in the middle of a message too", async () => {
    await using talk = await converse([...loggedIn(1), ...list(["1"]), { expect: /^RETR 1$/ }, { send: "+OK\r\nhalf a message" }, stall]);
    const controller = new AbortController();
    const session = await opened(await talk.open(undefined, controller.signal));
    const rows = failureOf(collect(session.fetch([1])));
    await expect.poll(() => talk.server.received.at(-1)).toBe("RETR 1");
    controller.abort(syncError("LEASE_LOST", "taken", { layer: "engine" }));
    expect(await rows).toMatchObject({ code: "LEASE_LOST" });
    expect(await failureOf(session.status("INBOX"))).toMatchObject({ code: "LEASE_LOST" });
  });
});

describe("lists", () => {
  test.each([
    ["holds an id twice", "1 10\r\n2 10\r\n"],
    ["holds a number twice", "1 10\r\n1 11\r\n"],
    ["holds what is no id", `1 10\r\n2 ${"x".repeat(71)}\r\n`],
    ["holds a number that STAT did not count", "1 10\r\n3 11\r\n"],
  ])("that %s are PROTOCOL_VIOLATION", async (_what, lines) => {
    await using talk = await converse([...loggedIn(2), ...ask(/^UIDL$/, `+OK\r\n${lines}.\r\n`), stall]);
    const session = await talk.open();
    expect(await failureOf(session.status("INBOX"))).toMatchObject({
      code: "PROTOCOL_VIOLATION",
      facts: { layer: "pop3", phase: "command", folder: "INBOX" },
    });
    expect(await failureOf(session.open("INBOX"))).toMatchObject({ code: "PROTOCOL_VIOLATION" });
  });

  test("may be shorter than STAT's count: what is hidden is counted, and not among the messages", async () => {
    await using talk = await converse([...loggedIn(2), ...ask(/^UIDL$/, "+OK\r\n1 10\r\n.\r\n"), stall]);
    const session = await talk.open();
    expect(await session.open("INBOX")).toMatchObject({ messages: 2, uidNext: 11 });
    expect(await session.listUids(1, 100)).toEqual([10]);
  });

  test("that are refused are a failure, not an empty mailbox", async () => {
    await using talk = await converse([...loggedIn(2), ...ask(/^UIDL$/, "-ERR not today\r\n"), stall]);
    expect(await failureOf((await talk.open()).status("INBOX"))).toMatchObject({ code: "COMMAND_REFUSED" });
  });

  test("show the token in no failure, when the server echoes it", async () => {
    await using talk = await converse([...loggedIn(2), ...ask(/^UIDL$/, `-ERR you sent ${canary}\r\n`), stall]);
    const failure = await failureOf((await talk.open()).status("INBOX"));
    expect(JSON.stringify(failure)).not.toContain("canary0123");
    expect(failure.facts.text).toContain("[secret]");
  });
});
