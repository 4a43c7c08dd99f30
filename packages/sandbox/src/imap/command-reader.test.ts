import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandReader } from "./command-reader.ts";
import type { ReaderEvent } from "./command-reader.ts";
import { parseCommand, textOf } from "./parse-command.ts";
import type { Command } from "./parse-command.ts";

const small = { lineBytes: 200, literalBytes: 50, appendBytes: 1_000 };

function read(text: string, chunkBytes = 1_000): ReaderEvent[] {
  const reader = new CommandReader(small);
  const bytes = Buffer.from(text, "latin1");
  const events: ReaderEvent[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) events.push(...reader.push(bytes.subarray(at, at + chunkBytes)));
  return events;
}

function commandOf(text: string): Command {
  const event = read(text).at(-1);
  if (event?.kind !== "command") throw new Error("no command");
  const outcome = parseCommand(event.command);
  if (!("command" in outcome)) throw new Error(outcome.refusal.text);
  return outcome.command;
}

function refusalOf(text: string): string {
  const event = read(text).at(-1);
  if (event?.kind !== "command") throw new Error("no command");
  const outcome = parseCommand(event.command);
  return "refusal" in outcome ? `${outcome.refusal.tag} ${outcome.refusal.text}` : "understood";
}

describe("the command reader", () => {
  test("gives the same commands however the bytes are cut", () => {
    const text = "a1 LOGIN {3}\r\nbob {4+}\r\nx\r\ny\r\na2 NOOP\r\n";
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (chunkBytes) => {
        expect(read(text, chunkBytes)).toEqual(read(text));
      }),
    );
  });

  test("asks for a synchronising literal and not for the other kind", () => {
    expect(read("a LOGIN {3}\r\n").map((event) => event.kind)).toEqual(["continue"]);
    expect(read("a LOGIN {3+}\r\n")).toEqual([]);
  });

  test("keeps line ends and zero bytes inside a literal", () => {
    const [event] = read("a APPEND INBOX {6+}\r\na\r\n\0b!\r\n");
    expect(event?.kind === "command" && event.command.literals[0]?.toString("latin1")).toBe("a\r\n\0b!");
  });

  test("takes a literal of no bytes", () => {
    expect(textOf(commandOf("a LIST {0+}\r\n *\r\n").args[0])).toBe("");
  });

  test("gives up on a line that is too long, and stays silent from then on", () => {
    const events = read(`a1 NOOP ${"x".repeat(300)}\r\na2 NOOP\r\n`, 7);
    expect(events).toEqual([{ kind: "too-long", what: "line", tag: "a1" }]);
  });

  test("lets only APPEND bring a long literal", () => {
    expect(read("a LOGIN {51}\r\n")).toEqual([{ kind: "too-long", what: "literal", tag: "a" }]);
    expect(read("a APPEND INBOX {51}\r\n")).toEqual([{ kind: "continue" }]);
    expect(read("a APPEND INBOX {1001}\r\n")).toEqual([{ kind: "too-long", what: "literal", tag: "a" }]);
  });
});

describe("the command parser", () => {
  test("reads tag, verb and arguments of every kind", () => {
    const command = commandOf('A1 uid fetch 1:5,9 (FLAGS BODY.PEEK[HEADER.FIELDS (Subject Date)]<0.10>) "quo\\"ted"\r\n');
    expect(command.verb).toBe("UID FETCH");
    expect(textOf(command.args[0])).toBe("1:5,9");
    expect(command.args[1]).toEqual({
      kind: "list",
      items: [
        { kind: "atom", text: "FLAGS" },
        { kind: "atom", text: "BODY.PEEK[HEADER.FIELDS (Subject Date)]<0.10>" },
      ],
    });
    expect(textOf(command.args[2])).toBe('quo"ted');
  });

  test.each([
    ["A1\r\n", "A1 Command Error. 12"],
    ["A1  NOOP\r\n", "A1 Command Error. 12"],
    ["A1 UID NOOP\r\n", "A1 Command Error. 12"],
    ['A1 LIST "" "B\xfcro"\r\n', "A1 Command Error. 11"],
    ["A1 FETCH 1 (FLAGS\r\n", "A1 Command Argument Error. 11"],
    ['A1 SELECT "INBOX\r\n', "A1 Command Argument Error. 11"],
    [`A1 SEARCH ${"(".repeat(40)}\r\n`, "A1 Command Argument Error. 11"],
  ])("refuses %j in Exchange's words", (text, refusal) => {
    expect(refusalOf(text)).toBe(refusal);
  });

  test("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), (text) => {
        for (const event of read(`${text}\r\n`, 13)) if (event.kind === "command") parseCommand(event.command);
      }),
    );
  });
});
