import { syncError } from "@mailfleet/core";
import { eachMessage } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { ask, collect, converse, examine, failureOf, literal, login, stall } from "./transcript-harness.ts";

/** Tens of ms on an idle machine; without the hook imapflow waits as long as the server says, up to half of its patience. */
const atOnceMs = 4_000;
const patient = { openMs: 60_000, commandSilenceMs: 60_000 };
const throttle = "Request is throttled. Suggested Backoff Time: 299910 milliseconds";
const fetchWhole = /^(\w+) UID FETCH (\S+) \(UID FLAGS INTERNALDATE BODY\.PEEK\[\]\)$/;

describe("FETCH", () => {
  test("whole messages by BODY.PEEK, byte for byte, in the server's order, by chunks of the set", async () => {
    const body = Buffer.from([0xff, 0x00, 0x0d, 0x0a, 0x29, 0x0d, 0x0a, 0x80]);
    await using talk = await converse([
      ...login,
      ...examine,
      { expect: /^(\w+) UID FETCH (10,12,14) \(UID FLAGS INTERNALDATE BODY\.PEEK\[\]\)$/ },
      { send: `* 3 FETCH (BODY[] {8}\r\n` },
      { send: body },
      { send: ` UID 12 FLAGS (\\Seen $x) INTERNALDATE " 1-Jan-2026 10:00:00 +0100")\r\n${literal(10, "ten")}4 OK\r\n` },
      stall,
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    void talk;
    const rows = eachMessage(session.fetch([10, 12, 14]));
    const iterator = rows[Symbol.asyncIterator]();
    const first = await iterator.next();
    expect(first.value).toEqual({ uid: 12, flags: ["\\Seen", "$x"], internalDate: Date.UTC(2026, 0, 1, 9), bytes: body });
    const second = await iterator.next();
    expect(second.value?.uid).toBe(10);
  });

  test("a long set is asked for in lines below the limit", async () => {
    const uids = Array.from({ length: 300 }, (_, index) => 1_000_001 + 2 * index);
    await using talk = await converse(
      [
        ...login,
        ...examine,
        ...Array.from({ length: 4 }, () => ask(/^(\w+) UID FETCH (\S+) \(UID RFC822\.SIZE INTERNALDATE\)$/, "$1 OK\r\n")).flat(),
        stall,
      ],
      { commandLineBytes: 1_000 },
    );
    const session = await talk.open();
    await session.open("INBOX");
    expect(await session.describe(uids)).toEqual([]);
    const lines = talk.server.received.filter((line) => line.includes("FETCH"));
    expect(lines).toHaveLength(3);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1_000);
    expect(lines.flatMap((line) => line.split(" ")[3]?.split(",").map(Number))).toEqual(uids);
  });

  test("sizes come for what exists and was asked for", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(
        /^(\w+) UID FETCH 10:12 \(UID RFC822\.SIZE INTERNALDATE\)$/,
        "* 2 FETCH (RFC822.SIZE 45274 UID 12)\r\n* 1 FETCH (UID 10 RFC822.SIZE 7)\r\n* 9 FETCH (UID 99 RFC822.SIZE 1)\r\n$1 OK\r\n",
      ),
      stall,
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    expect(await session.describe([12, 11, 10])).toEqual([
      { uid: 10, size: 7 },
      { uid: 12, size: 45274 },
    ]);
  });

  test("a head is asked for by a partial and cut to it", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(
        /^(\w+) UID FETCH 12 \(UID FLAGS INTERNALDATE BODY\.PEEK\[\]<0\.4>\)$/,
        "* 2 FETCH (UID 12 FLAGS () BODY[]<0> {6}\r\nabcdef)\r\n$1 OK\r\n",
      ),
      ...ask(/^(\w+) UID FETCH 13 /, "$1 OK\r\n"),
      stall,
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    expect(Buffer.from((await session.fetchHead(12, 4))?.bytes ?? []).toString()).toBe("abcd");
    expect(await session.fetchHead(13, 4)).toBeUndefined();
  });

  const piece = (offset: number) => new RegExp(`^(\\w+) UID FETCH 12 \\(UID FLAGS INTERNALDATE BODY\\.PEEK\\[\\]<${offset}\\.4>\\)$`);
  const one = (offset: number) => new RegExp(`^(\\w+) UID FETCH 12 \\(UID FLAGS INTERNALDATE BODY\\.PEEK\\[\\]<${offset}\\.1>\\)$`);
  const pieceAnswer = (offset: number, body: string) =>
    `* 2 FETCH (UID 12 FLAGS (\\Seen) BODY[]<${offset}> {${body.length}}\r\n${body})\r\n$1 OK\r\n`;

  test("a message comes in pieces, until an empty one says that it ends", async () => {
    await using talk = await converse(
      [
        ...login,
        ...examine,
        ...ask(piece(0), pieceAnswer(0, "abcd")),
        // short, and not the end
        ...ask(piece(4), pieceAnswer(4, "ef")),
        ...ask(piece(6), pieceAnswer(6, "ghijkl")),
        ...ask(piece(10), pieceAnswer(10, "")),
        ...ask(one(9), pieceAnswer(9, "j")),
        ...ask(/^(\w+) UID FETCH 12 \(UID FLAGS INTERNALDATE BODY\.PEEK\[\]<10\.1>\)$/, pieceAnswer(10, "")),
        ...ask(/^(\w+) UID FETCH 12 \(UID FLAGS INTERNALDATE BODY\.PEEK\[\]<9\.1>\)$/, pieceAnswer(9, "j")),
        stall,
      ],
      { pieceBytes: 4 },
    );
    const session = await talk.open();
    await session.open("INBOX");
    const message = await session.fetchStream(12);
    expect(message).toMatchObject({ uid: 12, flags: ["\\Seen"] });
    expect((await collect(message?.pieces ?? [])).map(String)).toEqual(["abcd", "ef", "ghij"]);
    expect(message?.isWhole()).toBe(true);
    expect(await session.isLongerThan(12, 10)).toBe(false);
    expect(await session.isLongerThan(12, 9)).toBe(true);
  });

  test.each([
    ["is answered without data", "$1 OK\r\n", undefined, false],
    ["answers from elsewhere", "* 2 FETCH (UID 12 BODY[]<0> {4}\r\nabcd)\r\n$1 OK\r\n", undefined, false],
    ["is another message's", "* 2 FETCH (UID 13 BODY[]<4> {4}\r\nabcd)\r\n$1 OK\r\n", undefined, false],
    ["is NIL, behind a message that is there", "* 2 FETCH (UID 12 BODY[]<4> NIL)\r\n$1 OK\r\n", pieceAnswer(3, "d"), true],
    ["is NIL, because it was removed", "* 2 FETCH (UID 12 BODY[]<4> NIL)\r\n* 2 EXPUNGE\r\n$1 OK [EXPUNGEISSUED]\r\n", "$1 OK\r\n", false],
    ["is empty, because it was removed", pieceAnswer(4, ""), "* 2 FETCH (UID 12 BODY[]<3> NIL)\r\n$1 OK\r\n", false],
    ["is empty, and it is another now", pieceAnswer(4, ""), pieceAnswer(3, "x"), false],
  ])("a message whose second piece %s ends there", async (_name, second, last, isWhole) => {
    await using talk = await converse(
      [
        ...login,
        ...examine,
        ...ask(piece(0), pieceAnswer(0, "abcd")),
        ...ask(piece(4), second),
        ...(last === undefined ? [] : ask(one(3), last)),
        stall,
      ],
      { pieceBytes: 4 },
    );
    const session = await talk.open();
    await session.open("INBOX");
    const message = await session.fetchStream(12);
    expect((await collect(message?.pieces ?? [])).map(String)).toEqual(["abcd"]);
    expect(message?.isWhole()).toBe(isWhole);
  });

  test("a server that knows no partials gives all at once, up to the limit of a literal", async () => {
    await using talk = await converse(
      [
        ...login,
        ...examine,
        ...ask(piece(0), literal(12, "abcdefgh") + "$1 OK\r\n"),
        { expect: piece(0) },
        { send: "* 2 FETCH (UID 12 BODY[] {21}\r\n" },
        stall,
      ],
      { pieceBytes: 4, literalBytes: 20 },
    );
    const session = await talk.open();
    await session.open("INBOX");
    const message = await session.fetchStream(12);
    expect((await collect(message?.pieces ?? [])).map(String)).toEqual(["abcdefgh"]);
    expect(message?.isWhole()).toBe(true);
    expect(await failureOf(session.fetchStream(12))).toMatchObject({ code: "MESSAGE_TOO_LARGE", facts: { uid: 12 } });
  });

  test("a stream that is left early leaves the session usable", async () => {
    await using talk = await converse(
      [
        ...login,
        ...examine,
        ...ask(piece(0), pieceAnswer(0, "abcd")),
        ...ask(/^(\w+) UID SEARCH UID 1:9$/, "* SEARCH 3\r\n$1 OK\r\n"),
        stall,
      ],
      { pieceBytes: 4 },
    );
    const session = await talk.open();
    await session.open("INBOX");
    for await (const bytes of (await session.fetchStream(12))?.pieces ?? []) {
      expect(bytes).toHaveLength(4);
      break;
    }
    expect(await session.listUids(1, 9)).toEqual([3]);
  });

  test.each([
    ["OK without data", "$2", "$1 OK FETCH completed.\r\n", []],
    ["fewer, then NO", "$2", `${literal(10, "ten")}$1 NO Some of the requested messages no longer exist.\r\n`, [10]],
    [
      "unsolicited flags in between",
      "$2",
      `* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (UID 10 FLAGS (\\Seen))\r\n${literal(10, "ten")}$1 OK\r\n`,
      [10],
    ],
    ["a UID nobody asked for", "$2", `${literal(99, "hostile")}${literal(10, "ten")}$1 OK\r\n`, [10]],
    ["a UID twice, with other bytes", "$2", `${literal(10, "ten")}${literal(10, "other")}${literal(11, "eleven")}$1 OK\r\n`, [10, 11]],
    ["a body without a UID", "$2", `* 1 FETCH (BODY[] {3}\r\nabc)\r\n${literal(10, "ten")}$1 OK\r\n`, [10]],
    [
      "a part instead of the whole",
      "$2",
      `* 1 FETCH (UID 10 BODY[]<0> {3}\r\nabc)\r\n* 1 FETCH (UID 11 BODY[TEXT] {3}\r\nabc)\r\n$1 OK\r\n`,
      [],
    ],
    ["NIL in place of a body", "$2", `* 1 FETCH (UID 10 BODY[] NIL)\r\n${literal(11, "eleven")}$1 OK\r\n`, [11]],
    ["noise of other kinds", "$2", `* 4 EXISTS\r\n* 1 EXPUNGE\r\n* OK hello\r\n* FLAGS ()\r\n${literal(10, "ten")}$1 OK\r\n`, [10]],
  ])("only honest rows come through: %s", async (_name, _set, answer, uids) => {
    await using talk = await converse([...login, ...examine, ...ask(fetchWhole, answer), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    const rows = await collect(eachMessage(session.fetch([10, 11])));
    expect(rows.map((row) => row.uid)).toEqual(uids);
    for (const row of rows) expect(Buffer.from(row.bytes).toString()).toBe(row.uid === 10 ? "ten" : "eleven");
  });

  test.each([["0"], ["4294967296"], ["9007199254740993"], ["x"]])("UID %s ends the session", async (uid) => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(fetchWhole, `${literal(10, "ten")}* 1 FETCH (UID ${uid} BODY[] {3}\r\nabc)\r\n${literal(11, "eleven")}$1 OK\r\n`),
      { expect: /./ },
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    const seen: number[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const row of eachMessage(session.fetch([10, 11]))) seen.push(row.uid);
      })(),
    );
    expect(failure.code).toBe("PROTOCOL_VIOLATION");
    expect(seen).toEqual([10]);
    await expect(talk.server.finished()).rejects.toThrow("closed the connection");
  });

  test("a literal of 96 MB and a byte is refused before its bytes come, and names the message if only one was asked for", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(fetchWhole, "* 1 FETCH (UID 10 BODY[] {100663297}\r\n"),
      { expect: /./ },
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    expect(await failureOf(collect(eachMessage(session.fetch([10]))))).toMatchObject({
      code: "MESSAGE_TOO_LARGE",
      scope: "message",
      facts: { uid: 10 },
    });
    await expect(talk.server.finished()).rejects.toThrow("closed the connection");
  });

  test.each([
    ["a literal of twenty digits", "* 1 FETCH (UID 10 BODY[] {18446744073709551617}\r\n", 200_000, "MESSAGE_TOO_LARGE", "LiteralTooLarge"],
    ["a line without an end", `* 1 FETCH (FLAGS (${"a".repeat(100_000)}`, 50_000, "PROTOCOL_VIOLATION", "LineTooLarge"],
    ["50,000 lists", `* 1 FETCH (${"()".repeat(50_000)})\r\n`, 200_000, "PROTOCOL_VIOLATION", "TooManyTokens"],
  ])("%s ends the session", async (_name, answer, lineBytes, code, cause) => {
    await using talk = await converse([...login, ...examine, ...ask(fetchWhole, answer), stall], { lineBytes });
    const session = await talk.open();
    await session.open("INBOX");
    expect(await failureOf(collect(eachMessage(session.fetch([10, 11]))))).toMatchObject({ code, facts: { code: cause } });
  });

  test.each([
    ["reset", { cut: "reset" }],
    ["end", { cut: "end" }],
  ] as const)("a cut inside a literal (%s) yields what was whole and then fails", async (_name, cut) => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(fetchWhole, `${literal(10, "ten")}* 2 FETCH (UID 11 FLAGS () BODY[] {1000}\r\nhalf of it`),
      cut,
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    const seen: number[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const row of eachMessage(session.fetch([10, 11]))) seen.push(row.uid);
      })(),
    );
    expect(failure).toMatchObject({ code: "SESSION_CLOSED", facts: { phase: "fetch", folder: "INBOX" } });
    expect(seen.length).toBeLessThanOrEqual(1);
  });

  test("silence inside a literal ends the session after the limit", async () => {
    await using talk = await converse([...login, ...examine, ...ask(fetchWhole, "* 2 FETCH (UID 11 BODY[] {1000}\r\nhalf"), stall], {
      commandSilenceMs: 1_000,
    });
    const session = await talk.open();
    await session.open("INBOX");
    expect((await failureOf(collect(eachMessage(session.fetch([11]))))).code).toBe("SESSION_CLOSED");
  });

  test("lines that answer nothing are silence, however many", async () => {
    const drip = { untilClosed: "* OK still thinking\r\n" };
    await using talk = await converse([...login, ...examine, { expect: fetchWhole }, drip], { commandSilenceMs: 1_000 });
    const session = await talk.open();
    await session.open("INBOX");
    expect(await failureOf(collect(eachMessage(session.fetch([11]))))).toMatchObject({ code: "SESSION_CLOSED", facts: { code: "Silent" } });
    // A session that they keep alive is in this test until its time is up.
  }, 10_000);

  test("a consumer may take longer than the server may be silent", async () => {
    const big = "x".repeat(400_000);
    // Two fill the buffer: the reader is held while the consumer works on the ones before.
    const uids = [10, 11, 12, 13];
    await using talk = await converse(
      [...login, ...examine, ...ask(fetchWhole, `${uids.map((uid) => literal(uid, big)).join("")}$1 OK\r\n`), stall],
      { commandSilenceMs: 500 },
    );
    const session = await talk.open();
    await session.open("INBOX");
    const seen: number[] = [];
    for await (const row of eachMessage(session.fetch(uids))) {
      seen.push(row.uid);
      const until = performance.now() + 600;
      while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen).toEqual(uids);
  });

  test("a throttled FETCH frees the socket at once, keeps the hint, and is not tried again inside", async () => {
    await using talk = await converse(
      [...login, ...examine, ...ask(fetchWhole, `${literal(10, "ten")}$1 NO ${throttle}\r\n`), { expect: /./ }],
      patient,
    );
    const session = await talk.open();
    await session.open("INBOX");
    const asked = performance.now();
    const failure = await failureOf(collect(eachMessage(session.fetch([10, 11]))));
    expect(failure).toMatchObject({ code: "SERVER_THROTTLED", facts: { hintMs: 299_910, phase: "fetch" } });
    await talk.server.finished().catch(() => {});
    expect(performance.now() - asked).toBeLessThan(atOnceMs);
    expect(talk.server.received.filter((line) => line.includes("FETCH"))).toHaveLength(1);
  });

  test("a consumer that leaves early ends the session without a deadlock", async () => {
    const many = Array.from({ length: 100 }, (_, index) => literal(index + 1, "x".repeat(20_000))).join("");
    await using talk = await converse([...login, ...examine, ...ask(fetchWhole, `${many}$1 OK\r\n`), { expect: /./ }]);
    const session = await talk.open();
    await session.open("INBOX");
    for await (const row of eachMessage(session.fetch(Array.from({ length: 100 }, (_, index) => index + 1)))) {
      expect(row.uid).toBe(1);
      break;
    }
    expect((await failureOf(session.status("INBOX"))).code).toBe("SESSION_CLOSED");
    await session.close();
  });

  test("an abort in the middle rejects with its reason and closes the socket", async () => {
    const controller = new AbortController();
    await using talk = await converse([...login, ...examine, ...ask(fetchWhole, literal(10, "ten")), { expect: /./ }]);
    const session = await talk.open(controller.signal);
    await session.open("INBOX");
    const lost = syncError("LEASE_LOST", "Somebody else works on the mailbox", { layer: "engine" });
    const failure = await failureOf(
      (async () => {
        for await (const row of eachMessage(session.fetch([10, 11]))) if (row.uid === 10) controller.abort(lost);
      })(),
    );
    expect(failure.code).toBe("LEASE_LOST");
    await expect(talk.server.finished()).rejects.toThrow("closed the connection");
  });
});
