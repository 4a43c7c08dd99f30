import { describe, expect, test } from "vitest";
import { ask, converse, examine, failureOf, login, loginTelling, stall } from "./transcript-harness.ts";

const condStore = loginTelling("IDLE CONDSTORE");
const fetchFlags = /^(\w+) UID FETCH 1:20 \(UID FLAGS\)$/;
const fetchHeaders =
  /^(\w+) UID FETCH 10:12 \(UID FLAGS INTERNALDATE RFC822\.SIZE BODY\.PEEK\[HEADER\.FIELDS \(MESSAGE-ID DATE FROM SUBJECT\)\]\)$/;

function header(uid: number, text: string, size = 100): string {
  return `* ${uid} FETCH (UID ${uid} FLAGS (\\Seen) INTERNALDATE "17-Jul-2026 02:44:25 +0000" RFC822.SIZE ${size} BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)] {${Buffer.byteLength(text)}}\r\n${text})\r\n`;
}

describe("flags", () => {
  test.each([
    [
      "in any order, keywords too",
      "* 2 FETCH (FLAGS (\\Seen $x) UID 12)\r\n* 1 FETCH (UID 10 FLAGS ())\r\n$1 OK\r\n",
      { 10: [], 12: ["\\Seen", "$x"] },
    ],
    ["\\Recent tells about the session and is left out", "* 1 FETCH (UID 10 FLAGS (\\Recent \\Seen))\r\n$1 OK\r\n", { 10: ["\\Seen"] }],
    [
      "an unasked line without a UID says nothing",
      "* 1 FETCH (FLAGS (\\Deleted))\r\n* 1 FETCH (UID 10 FLAGS (\\Seen))\r\n$1 OK\r\n",
      { 10: ["\\Seen"] },
    ],
    ["a line without FLAGS says nothing", "* 1 FETCH (UID 10 MODSEQ (12))\r\n* 2 FETCH (UID 12 RFC822.SIZE 3)\r\n$1 OK\r\n", {}],
    [
      "a later line is the newer",
      "* 1 FETCH (UID 10 FLAGS ())\r\n* 1 FETCH (UID 10 FLAGS (\\Flagged))\r\n$1 OK\r\n",
      { 10: ["\\Flagged"] },
    ],
    ["UIDs outside of the range are dropped", "* 9 FETCH (UID 21 FLAGS (\\Seen))\r\n* 1 FETCH (UID 10 FLAGS ())\r\n$1 OK\r\n", { 10: [] }],
    ["partly, then NO", "* 1 FETCH (UID 10 FLAGS ())\r\n$1 NO Some of the requested messages no longer exist.\r\n", { 10: [] }],
    ["OK without data", "$1 OK FETCH completed.\r\n", {}],
    ["NIL in place of flags says nothing", "* 1 FETCH (UID 10 FLAGS NIL)\r\n$1 OK\r\n", {}],
  ])("%s", async (_name, answer, expected) => {
    await using talk = await converse([...login, ...examine, ...ask(fetchFlags, answer), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    const rows = await session.fetchFlags(1, 20);
    expect(Object.fromEntries(rows.map((row) => [row.uid, row.flags]))).toEqual(expected);
    expect(rows).toHaveLength(Object.keys(expected).length);
  });

  test.each([
    ["NO", "* 1 FETCH (UID 10 FLAGS ())\r\n$1 NO Server Unavailable. 15\r\n", "SERVER_UNAVAILABLE"],
    ["a cut", "* 1 FETCH (UID 10 FLAGS ())\r\n* BYE Connection closed.\r\n", "SESSION_CLOSED"],
    ["UID 0", "* 1 FETCH (UID 0 FLAGS ())\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
  ])("%s is no half list", async (_name, answer, code) => {
    await using talk = await converse([...login, ...examine, ...ask(fetchFlags, answer), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    expect((await failureOf(session.fetchFlags(1, 20))).code).toBe(code);
  });

  test("equal flags of many messages are one list", async () => {
    const lines = Array.from({ length: 20 }, (_, at) => `* ${at + 1} FETCH (UID ${at + 1} FLAGS (\\Seen \\Answered))\r\n`).join("");
    await using talk = await converse([...login, ...examine, ...ask(fetchFlags, `${lines}$1 OK\r\n`), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    expect(new Set((await session.fetchFlags(1, 20)).map((row) => row.flags)).size).toBe(1);
  });
});

describe("CONDSTORE", () => {
  test("is taken from what the server tells with its OK to the login, and never switched on by ENABLE", async () => {
    await using talk = await converse([
      ...condStore,
      ...ask(
        /^(\w+) STATUS "INBOX" \(MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ\)$/,
        "* STATUS INBOX (MESSAGES 3 UIDNEXT 13 UIDVALIDITY 1 UNSEEN 2 HIGHESTMODSEQ 9223372036854775807)\r\n$1 OK\r\n",
      ),
      ...examine,
      ...ask(
        /^(\w+) UID FETCH 1:20 \(UID FLAGS\) \(CHANGEDSINCE 9223372036854775806\)$/,
        "* 2 FETCH (UID 12 FLAGS (\\Seen) MODSEQ (9223372036854775807))\r\n$1 OK\r\n",
      ),
      stall,
    ]);
    const session = await talk.open();
    expect(session.features).toEqual({ hasFlags: true, hasCondStore: true, hasIdle: true });
    expect(await session.status("INBOX")).toMatchObject({ unseen: 2, highestModSeq: "9223372036854775807" });
    await session.open("INBOX");
    expect(await session.fetchFlags(1, 20, "9223372036854775806")).toEqual([{ uid: 12, flags: ["\\Seen"] }]);
  });

  test("a folder that keeps no mod-sequences has none", async () => {
    await using talk = await converse([
      ...condStore,
      ...ask(/^(\w+) STATUS/, "* STATUS INBOX (MESSAGES 3 UIDNEXT 13 UIDVALIDITY 1 UNSEEN 2 HIGHESTMODSEQ 0)\r\n$1 OK\r\n"),
      stall,
    ]);
    expect(await (await talk.open()).status("INBOX")).toEqual({ messages: 3, uidNext: 13, uidValidity: "1", unseen: 2 });
  });

  test("is not asked of a server that does not offer it: imapflow itself would fetch everything in silence", async () => {
    await using talk = await converse([...login, ...examine, stall]);
    const session = await talk.open();
    await session.open("INBOX");
    expect((await failureOf(session.fetchFlags(1, 20, "5"))).code).toBe("INVARIANT");
  });
});

describe("fingerprint headers", () => {
  const ten = "Message-ID: <ten@x>\r\nSubject: ten\r\n\r\n";
  const eleven = "Message-ID: <eleven@x>\r\n\r\n";

  test.each([
    ["whole", `${header(10, ten)}${header(11, eleven)}$1 OK\r\n`, [10, 11]],
    ["OK without data", "$1 OK FETCH completed.\r\n", []],
    ["fewer, then NO", `${header(10, ten)}$1 NO Some of the requested messages no longer exist.\r\n`, [10]],
    ["a UID twice, with other bytes", `${header(10, ten)}${header(10, eleven)}$1 OK\r\n`, [10]],
    ["a UID nobody asked for", `${header(99, eleven)}${header(10, ten)}$1 OK\r\n`, [10]],
    [
      "unasked flags before and after",
      `* 1 FETCH (UID 10 FLAGS ())\r\n${header(10, ten)}* 1 FETCH (UID 10 FLAGS (\\Deleted))\r\n$1 OK\r\n`,
      [10],
    ],
    ["cut inside a line", `${header(10, ten.slice(0, 12))}${header(11, eleven)}$1 OK\r\n`, [11]],
    [
      "without the flags that were asked for",
      `* 1 FETCH (UID 10 BODY[HEADER.FIELDS (SUBJECT)] {2}\r\n\r\n)\r\n${header(11, eleven)}$1 OK\r\n`,
      [11],
    ],
    ["a part of the header", `* 1 FETCH (UID 10 FLAGS () BODY[HEADER.FIELDS (SUBJECT)]<0> {2}\r\n\r\n)\r\n$1 OK\r\n`, []],
    ["another section", `* 1 FETCH (UID 10 FLAGS () BODY[HEADER] {2}\r\n\r\n)\r\n${header(11, eleven)}$1 OK\r\n`, [11]],
    ["NIL in place of a header", `* 1 FETCH (UID 10 FLAGS () BODY[HEADER.FIELDS (SUBJECT)] NIL)\r\n$1 OK\r\n`, []],
    ["a message without any of the fields", `${header(10, "\r\n")}${header(11, eleven)}$1 OK\r\n`, [10, 11]],
  ])("only honest rows come through: %s", async (_name, answer, uids) => {
    await using talk = await converse([...login, ...examine, ...ask(fetchHeaders, answer), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    const rows = await session.fetchHeaders([12, 10, 11]);
    expect(rows.map((row) => row.uid)).toEqual(uids);
    for (const row of rows) {
      const text = Buffer.from(row.header).toString();
      expect(["\r\n", row.uid === 10 ? ten : eleven]).toContain(text);
      expect(row).toMatchObject({ flags: ["\\Seen"], internalDate: Date.UTC(2026, 6, 17, 2, 44, 25), size: 100 });
    }
  });

  test("a cut in the middle fails, however many rows there were", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(fetchHeaders, `${header(10, ten)}* 2 FETCH (UID 11 FLAGS () BODY[HEADER.FIELDS (SUBJECT)] {900}\r\nSubject: ha`),
      { cut: "end" },
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    expect((await failureOf(session.fetchHeaders([10, 11, 12]))).code).toBe("SESSION_CLOSED");
  });
});
