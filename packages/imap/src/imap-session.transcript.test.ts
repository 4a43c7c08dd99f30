import { describe, expect, test } from "vitest";
import { ask, converse, examine, failureOf, login, stall } from "./transcript-harness.ts";

/** Tens of ms on an idle machine; without the hook imapflow waits as long as the server says, up to half of its patience. */
const atOnceMs = 4_000;
const patient = { openMs: 60_000, commandSilenceMs: 60_000 };
const throttle = "Request is throttled. Suggested Backoff Time: 299910 milliseconds";

describe("listing folders", () => {
  test("names are read quoted, bare, encoded, with spaces left unquoted, as literals and in the server's own hierarchy", async () => {
    await using talk = await converse([
      ...login,
      ...ask(
        /^(\w+) LIST "" "\*"$/,
        [
          '* LIST (\\Marked \\HasNoChildren) "/" INBOX',
          '* LIST (\\HasNoChildren) "/" Calendar',
          '* LIST (\\HasNoChildren \\Trash) "/" "Deleted Items"',
          '* LIST (\\HasChildren) "/" Sent Items',
          '* LIST (\\HasNoChildren) "/" "&AMk-l&AOk-ments envoy&AOk-s"',
          '* LIST (\\HasNoChildren) "/" "Tom &- Jerry/2024"',
          '* LIST (\\HasNoChildren) "/" 2024',
          '* LIST (\\Noselect \\HasChildren) "/" Shared',
          '* LIST (\\HasNoChildren) "/" {8}\r\na "name"',
          "$1 OK LIST completed.",
          "",
        ].join("\r\n"),
      ),
      stall,
    ]);
    const session = await talk.open();
    const folders = await session.listFolders();
    expect(folders.map(({ path, role, selectable }) => [path, role, selectable])).toEqual([
      ["INBOX", "inbox", true],
      ["Calendar", undefined, true],
      ["Deleted Items", "trash", true],
      ["Sent Items", "sent", true],
      ["Éléments envoyés", "sent", true],
      ["Tom & Jerry/2024", undefined, true],
      ["2024", undefined, true],
      ["Shared", undefined, false],
      ['a "name"', undefined, true],
    ]);
    expect(folders[2]?.attributes).toEqual(["hasnochildren", "trash"]);
  });

  test("another delimiter becomes a slash and comes back, and a slash in a name stays apart from it", async () => {
    await using talk = await converse([
      ...login,
      ...ask(/^(\w+) LIST "" "\*"$/, '* LIST () "." INBOX\r\n* LIST () "." INBOX.Work.a/b\r\n$1 OK\r\n'),
      ...ask(/^(\w+) STATUS "INBOX.Work.a\/b" /, '* STATUS "INBOX.Work.a/b" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)\r\n$1 OK\r\n'),
      stall,
    ]);
    const session = await talk.open();
    expect((await session.listFolders()).map((folder) => folder.path)).toEqual(["INBOX", "INBOX/Work/a.b"]);
    expect((await session.status("INBOX/Work/a.b")).messages).toBe(0);
  });

  test("a folder with control characters in its name is left out, said so, and never asked for", async () => {
    await using talk = await converse([
      ...login,
      ...ask(
        /^(\w+) LIST "" "\*"$/,
        '* LIST () "/" INBOX\r\n* LIST () "/" tab\there\r\n* LIST () "/" {11}\r\nx\r\nA1 NOOP\r\n* LIST () "/" "&AAc-bell"\r\n$1 OK\r\n',
      ),
      stall,
    ]);
    const session = await talk.open();
    expect((await session.listFolders()).map((folder) => folder.path)).toEqual(["INBOX"]);
    expect(talk.log.messages("warn").length).toBeGreaterThanOrEqual(3);
    expect((await failureOf(session.status("x\r\nA1 NOOP"))).code).toBe("FOLDER_GONE");
    expect(talk.server.received.filter((line) => line.includes("NOOP"))).toEqual([]);
  });

  test("OK without any folder is no empty mailbox", async () => {
    await using talk = await converse([...login, ...ask(/^(\w+) LIST/, "$1 OK\r\n"), stall]);
    const session = await talk.open();
    expect((await failureOf(session.listFolders())).code).toBe("PROTOCOL_VIOLATION");
  });
});

describe("STATUS and EXAMINE", () => {
  test("EXAMINE, never SELECT, and a name with a quote stays one argument", async () => {
    await using talk = await converse([
      ...login,
      ...ask(
        /^(\w+) EXAMINE "say \\"hi\\" \\\\ &AOk-"$/,
        "* 3 EXISTS\r\n* OK [UIDVALIDITY 4294967295] x\r\n* OK [UIDNEXT 13] x\r\n$1 OK [READ-ONLY]\r\n",
      ),
      stall,
    ]);
    const session = await talk.open();
    expect(await session.open('say "hi" \\ é')).toEqual({ messages: 3, uidNext: 13, uidValidity: "4294967295" });
  });

  test.each([
    ["STATUS without data", "$1 OK STATUS completed.\r\n", "PROTOCOL_VIOLATION"],
    ["STATUS without UIDNEXT", "* STATUS INBOX (MESSAGES 3 UIDVALIDITY 1)\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
    ["a negative UIDNEXT", "* STATUS INBOX (MESSAGES 3 UIDNEXT -1 UIDVALIDITY 1)\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
    ["a folder that is gone, by code", "$1 NO [NONEXISTENT] Mailbox doesn't exist: INBOX\r\n", "FOLDER_GONE"],
    ["an inbox that another folder hides", "$1 NO INBOX doesn't exist.\r\n", "FOLDER_UNSELECTABLE"],
    ["a back end that is away", "$1 NO Server Unavailable. 15\r\n", "SERVER_UNAVAILABLE"],
    ["a bare line in place of the answer", "Server Unavailable. 15\r\n", "SERVER_UNAVAILABLE"],
    ["our own bad command", "$1 BAD Command Argument Error. 12\r\n", "COMMAND_REFUSED"],
    ["a refusal with a cause of its own", "$1 NO [NOPERM] not for you\r\n", "COMMAND_REFUSED"],
    ["an expired token", "* BYE Session invalidated - AccessTokenExpired\r\n", "SESSION_EXPIRED"],
    ["a revoked session", "* BYE Session invalidated - AccountDisabled\r\n", "TOKEN_REJECTED"],
    ["the third strike", "$1 BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n", "MAILBOX_ACCESS_DENIED"],
    ["a failover", "* BYE Connection closed.\r\n", "SESSION_CLOSED"],
    ["a folder named like a throttle", "$1 NO [NONEXISTENT] No folder Request is throttled. Backoff Time: 9\r\n", "FOLDER_GONE"],
  ])("%s is named", async (_name, answer, code) => {
    await using talk = await converse([...login, ...ask(/^(\w+) STATUS "INBOX" \(MESSAGES UIDNEXT UIDVALIDITY UNSEEN\)$/, answer), stall]);
    const session = await talk.open();
    const failure = await failureOf(session.status("INBOX"));
    expect(failure.code).toBe(code);
    expect(JSON.stringify(failure)).not.toContain('STATUS \\"INBOX');
  });

  test("a refused folder leaves the session usable", async () => {
    await using talk = await converse([
      ...login,
      ...ask(/^(\w+) STATUS "Gone"/, "$1 NO Gone doesn't exist.\r\n"),
      ...ask(/^(\w+) STATUS "INBOX"/, "* STATUS INBOX (UIDVALIDITY 2 MESSAGES 3 UIDNEXT 4)\r\n$1 OK\r\n"),
      stall,
    ]);
    const session = await talk.open();
    expect(await failureOf(session.status("Gone"))).toMatchObject({ code: "FOLDER_GONE", facts: { folder: "Gone" } });
    expect(await session.status("INBOX")).toEqual({ messages: 3, uidNext: 4, uidValidity: "2" });
  });

  test.each([
    ["imapflow's own pattern", throttle, 299_910],
    ["another wording", "Request is throttled. Backoff Time=5000", 5_000],
    ["no hint at all", "Request is throttled.", undefined],
    ["a hint of a million years", "Request is throttled. Suggested Backoff Time: 99999999999999999 milliseconds", 7_200_000],
    ["a hint below zero", "Request is throttled. Suggested Backoff Time: -5 milliseconds", 1_000],
    ["a hint of zero", "Request is throttled. Suggested Backoff Time: 0 milliseconds", 1_000],
  ])("a throttled STATUS frees the socket at once: %s", async (_name, text, hintMs) => {
    await using talk = await converse(
      [...login, ...ask(/^(\w+) STATUS/, `$1 BAD ${text}\r\n* BYE Connection closed. 14\r\n`), { expect: /./ }],
      patient,
    );
    const session = await talk.open();
    const asked = performance.now();
    const failure = await failureOf(session.status("INBOX"));
    expect(failure.code).toBe("SERVER_THROTTLED");
    expect(failure.facts.hintMs).toBe(hintMs);
    await talk.server.finished().catch(() => {});
    expect(performance.now() - asked).toBeLessThan(atOnceMs);
    // The session is over and says why.
    expect((await failureOf(session.status("INBOX"))).code).toBe("SERVER_THROTTLED");
  });
});

describe("SEARCH", () => {
  const search = /^(\w+) UID SEARCH UID 1:4294967295$/;

  test.each([
    ["one line", "* SEARCH 5 3 4\r\n$1 OK\r\n", [3, 4, 5]],
    ["several lines and doubles", "* SEARCH 5 3\r\n* SEARCH 4 5\r\n$1 OK\r\n", [3, 4, 5]],
    ["an empty folder", "* SEARCH\r\n$1 OK\r\n", []],
    ["a trailing space and a MODSEQ", "* SEARCH 3 4 (MODSEQ 917162500)\r\n$1 OK\r\n", [3, 4]],
  ])("a list is read: %s", async (_name, answer, uids) => {
    await using talk = await converse([...login, ...examine, ...ask(search, answer), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    expect(await session.listUids(1, 0xffff_ffff)).toEqual(uids);
  });

  test("UIDs outside of the range, as servers add them for a star, are dropped", async () => {
    await using talk = await converse([
      ...login,
      ...examine,
      ...ask(/^(\w+) UID SEARCH UID 10:12$/, "* SEARCH 9 10 13\r\n$1 OK\r\n"),
      stall,
    ]);
    const session = await talk.open();
    await session.open("INBOX");
    expect(await session.listUids(10, 12)).toEqual([10]);
  });

  test.each([
    ["OK without a list", "$1 OK SEARCH completed.\r\n", "PROTOCOL_VIOLATION"],
    ["NO", "$1 NO Server busy\r\n", "COMMAND_REFUSED"],
    ["UID 0", "* SEARCH 0 1\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
    ["a UID above 32 bits", "* SEARCH 4294967296\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
    ["a UID above 53 bits", "* SEARCH 3 99999999999999999999\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
    ["words", "* SEARCH three\r\n$1 OK\r\n", "PROTOCOL_VIOLATION"],
    ["one readable and one broken line", '* SEARCH 3\r\n* SEARCH 4 "\r\n$1 OK\r\n', "PROTOCOL_VIOLATION"],
  ])("%s is never an empty folder", async (_name, answer, code) => {
    await using talk = await converse([...login, ...examine, ...ask(search, answer), stall]);
    const session = await talk.open();
    await session.open("INBOX");
    expect((await failureOf(session.listUids(1, 0xffff_ffff))).code).toBe(code);
  });
});

test("two things at once, or a message before a folder, are our own fault and said so", async () => {
  await using talk = await converse([...login, ...examine, { expect: /STATUS/ }, stall]);
  const session = await talk.open();
  expect((await failureOf(session.listUids(1, 2))).code).toBe("INVARIANT");
  await session.open("INBOX");
  const first = session.status("INBOX");
  expect((await failureOf(session.status("Sent"))).code).toBe("INVARIANT");
  await session.close();
  expect((await failureOf(first)).code).toBe("SESSION_CLOSED");
});
