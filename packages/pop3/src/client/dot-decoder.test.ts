import { describe, expect, test } from "vitest";
import { DotDecoder } from "./dot-decoder.ts";

interface Decoded {
  /** As latin1, so that a mistake can be read. */
  readonly message: string;
  /** What follows the terminator. */
  readonly rest: string;
  readonly isEnded: boolean;
}

/** Gives `wire`, cut at `cuts` (ascending), to one decoder. */
function decode(wire: string, cuts: readonly number[]): Decoded {
  const decoder = new DotDecoder();
  let message = "";
  let rest = "";
  for (let index = 0, from = 0; index <= cuts.length; index++) {
    const to = cuts[index] ?? wire.length;
    const chunk = Buffer.from(wire.slice(from, to), "latin1");
    const used = decoder.push(chunk, 0, (piece, start, end) => (message += piece.toString("latin1", start, end)));
    rest += chunk.toString("latin1", used);
    from = to;
  }
  return { message, rest, isEnded: decoder.isEnded };
}

/** The same by lines of the whole text: slow, and of no state machine. */
function decodeNaively(wire: string): Decoded {
  const lines = wire.split("\r\n");
  const end = lines.indexOf(".");
  if (end === -1 || end === lines.length - 1) return { message: "", rest: "", isEnded: false };
  const message = lines.slice(0, end).map((line) => `${line.startsWith(".") ? line.slice(1) : line}\r\n`);
  return { message: message.join(""), rest: lines.slice(end + 1).join("\r\n"), isEnded: true };
}

function* everyWord(alphabet: string, length: number): Generator<string> {
  if (length === 0) yield "";
  else for (const word of everyWord(alphabet, length - 1)) for (const letter of alphabet) yield word + letter;
}

/** Every set of borders that a text of so many bytes has. */
function* everyPartition(length: number): Generator<number[]> {
  for (let set = 0; set < 1 << (length - 1); set++) {
    yield Array.from({ length: length - 1 }, (_, index) => index + 1).filter((border) => (set >> (border - 1)) & 1);
  }
}

function* everyPair(length: number): Generator<number[]> {
  for (let first = 0; first <= length; first++) for (let second = first; second <= length; second++) yield [first, second];
}

const oneByOne = (length: number): number[] => Array.from({ length: length - 1 }, (_, index) => index + 1);

/** Not `expect` for each of a million. */
function firstDifference(wire: string, partitions: Iterable<number[]>): object | undefined {
  const expected = decodeNaively(wire);
  for (const cuts of partitions) {
    const got = decode(wire, cuts);
    const isSame = got.isEnded === expected.isEnded && (!got.isEnded || (got.message === expected.message && got.rest === expected.rest));
    if (!isSame) return { wire, cuts, got, expected };
  }
  return undefined;
}

const realistic =
  "Subject: dots\r\nX-8bit: \xff\x00\xfe\r\n\r\n" +
  "..\r\n...\r\n.. leading\r\n..\n.\rx\r\n.\n\r\nlone\rcr and lone\nlf\n.\nand\n.\r\r\n" +
  "\r\n..\r\n\r\n" +
  `${"long ".repeat(20)}\r\n....\r\n.\r\n+OK next\r\n`;

describe("dots and the terminator, against a decoder by lines", () => {
  test("every text of up to 5 bytes that matter, cut in every way there is", () => {
    let decoded = 0;
    for (let length = 0; length <= 5; length++) {
      for (const word of everyWord("\r\n.a", length)) {
        const wire = `${word}\r\n.\r\n`;
        expect(firstDifference(wire, everyPartition(wire.length))).toBeUndefined();
        decoded++;
      }
    }
    expect(decoded).toBe(1365);
  });

  test("every text of up to 7 bytes, terminated or not, whole and byte by byte", () => {
    for (let length = 1; length <= 7; length++) {
      for (const word of everyWord("\r\n.a", length)) {
        const difference =
          firstDifference(word, [[], oneByOne(length)]) ?? firstDifference(`${word}\r\n.\r\nx`, [[], oneByOne(length + 6)]);
        if (difference !== undefined) expect(difference).toBeUndefined();
      }
    }
  });

  test("a message with everything in it, cut at every pair of places, and byte by byte", () => {
    expect(decodeNaively(realistic).rest).toBe("+OK next\r\n");
    expect(firstDifference(realistic, everyPair(realistic.length))).toBeUndefined();
    expect(firstDifference(realistic, [oneByOne(realistic.length)])).toBeUndefined();
  });
});

describe("single cases", () => {
  test.each([
    ["an empty message", ".\r\n", ""],
    ["one empty line", "\r\n.\r\n", "\r\n"],
    ["a line that is a dot", "..\r\n.\r\n", ".\r\n"],
    ["a dot after a bare LF is a dot", "a\n.\r\n.\r\n", "a\n.\r\n"],
    ["a dot and a bare LF end nothing", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n"],
    ["a dot and a bare CR end nothing", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n"],
    ["a dot that was not stuffed goes all the same", ".a\r\n.\r\n", "a\r\n"],
    ["NUL and 8-bit pass", "\0\xff\r\n.\r\n", "\0\xff\r\n"],
  ])("%s", (_name, wire, message) => {
    expect(decode(wire, [])).toEqual({ message, rest: "", isEnded: true });
  });

  test("it begins in the middle of a chunk, and leaves alone what lies before and behind", () => {
    const chunk = Buffer.from("+OK\r\n..a\r\n.\r\n+OK\r\n");
    const pieces: string[] = [];
    const used = new DotDecoder().push(chunk, 5, (piece, start, end) => pieces.push(piece.toString("latin1", start, end)));
    expect([pieces, chunk.toString("latin1", 0, 5), chunk.toString("latin1", used)]).toEqual([[".a\r\n"], "+OK\r\n", "+OK\r\n"]);
  });

  test("a chunk full of stuffed lines comes out in one piece", () => {
    const pieces: number[] = [];
    new DotDecoder().push(Buffer.from("..\r\n".repeat(16_384)), 0, (_, start, end) => pieces.push(end - start));
    expect(pieces).toEqual([3 * 16_384]);
  });
});
