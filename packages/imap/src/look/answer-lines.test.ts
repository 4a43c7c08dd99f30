import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnswerLines, type AnswerLine } from "./answer-lines.ts";
import { isSameName, readStatusLine } from "./status-line.ts";

function linesOf(chunks: readonly string[], mostBytes = 200): (AnswerLine | "too-long")[] {
  const lines = new AnswerLines(mostBytes);
  const found: (AnswerLine | "too-long")[] = [];
  for (const chunk of chunks) {
    lines.push(Buffer.from(chunk, "latin1"));
    for (let line = lines.take(); line !== undefined; line = lines.take()) {
      found.push(line);
      if (line === "too-long") return found;
    }
  }
  return found;
}

/** The text cut in two at every place, and into single bytes. */
function everyCut(text: string): string[][] {
  const bytes = text.split("");
  const cuts = bytes.map((_, at) => [text.slice(0, at), text.slice(at)]);
  return [...cuts, bytes];
}

describe("lines", () => {
  test("are the same wherever chunks begin, also inside a literal and its length", () => {
    const text = '* STATUS {6}\r\nA"\r\n(B (MESSAGES 1)\r\n* STATUS {0}\r\n (X 1)\r\nS0 OK done {5}\r\n* OK [ALERT] {3}\r\n* BYE\n';
    const wanted = [
      { text: "* STATUS {6} (MESSAGES 1)", literals: ['A"\r\n(B'] },
      { text: "* STATUS {0} (X 1)", literals: [""] },
      { text: "S0 OK done {5}", literals: [] },
      { text: "* OK [ALERT] {3}", literals: [] },
      { text: "* BYE", literals: [] },
    ];
    for (const chunks of everyCut(text)) expect(linesOf(chunks)).toEqual(wanted);
  });

  test.each([
    ["without an end", "* STATUS " + "x".repeat(200)],
    ["with a literal that is announced", "* STATUS {999999999}\r\n"],
    ["with many literals", "* STATUS {60}\r\n".repeat(4).replaceAll("\r\n", `\r\n${"y".repeat(60)}`)],
    ["with an end", `* STATUS ${"x".repeat(300)}\r\n`],
  ])("of too many bytes are refused: one %s", (_, text) => {
    for (const chunks of everyCut(text)) expect(linesOf(chunks).at(-1)).toBe("too-long");
  });

  test("keep no more than a line, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 60 })), (chunks) => {
        for (const line of linesOf(chunks, 50)) {
          if (line !== "too-long") expect(line.text.length + line.literals.join("").length).toBeLessThanOrEqual(50);
        }
      }),
    );
  });
});

describe("a STATUS line", () => {
  const items = "(UIDVALIDITY 14 MESSAGES 3 UIDNEXT 9 UNSEEN 1)";
  const status = { messages: 3, uidNext: 9, uidValidity: "14", unseen: 1 };

  test.each([
    ["an atom", "INBOX", [], "INBOX"],
    ["quoted", '"Sent Items"', [], "Sent Items"],
    ["quoted, with quotes and backslashes in it", String.raw`"a \"b\" \\ (c)"`, [], String.raw`a "b" \ (c)`],
    ["a literal", "{8}", ['x ("y\r\n'], 'x ("y\r\n'],
    ["spaces without quotes, as Exchange sends now and then", "Sent Items (old)", [], "Sent Items (old)"],
  ])("with a name that is %s", (_, name, literals, wireName) => {
    expect(readStatusLine({ text: `* STATUS ${name} ${items}`, literals })).toEqual({ wireName, status });
  });

  test("with HIGHESTMODSEQ, and with blanks at its end", () => {
    const text = '* status "INBOX" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 14 HIGHESTMODSEQ 99999999999) ';
    expect(readStatusLine({ text, literals: [] })?.status).toEqual({
      messages: 3,
      uidNext: 9,
      uidValidity: "14",
      highestModSeq: "99999999999",
    });
  });

  test.each([
    ["without one of the numbers", "* STATUS INBOX (MESSAGES 3 UIDNEXT 9)"],
    ["with a number that is none", "* STATUS INBOX (MESSAGES -3 UIDNEXT 9 UIDVALIDITY 1)"],
    ["with numbers that are nested", "* STATUS INBOX ((MESSAGES 3) UIDNEXT 9 UIDVALIDITY 1)"],
    ["with a quote that does not end", '* STATUS "INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1)'],
    ["with a name in two parts", '* STATUS "A" "B" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1)'],
    ["of another command", "* LIST () NIL (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1)"],
  ])("%s says nothing", (_, text) => {
    expect(readStatusLine({ text, literals: [] })).toBeUndefined();
  });

  test("is of INBOX in any letters, and of any other folder in its own", () => {
    expect(isSameName("inbox", "INBOX")).toBe(true);
    expect(isSameName("Inbox/A", "INBOX/A")).toBe(false);
    expect(isSameName("Box", "box")).toBe(false);
  });
});
