import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteQueue } from "./byte-queue.ts";

function queueOf(...chunks: readonly string[]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.push(Buffer.from(chunk, "latin1"));
  return queue;
}

function linesOf(queue: ByteQueue, maxBytes = 100): string[] {
  const lines: string[] = [];
  for (;;) {
    const line = queue.takeLine(maxBytes);
    if (line === undefined) return lines;
    if (line === "too-long") return [...lines, "too-long"];
    lines.push(line.toString("latin1"));
  }
}

describe("lines", () => {
  test("end with CR LF only, wherever chunks are cut", () => {
    expect(linesOf(queueOf("a\nb\rc\r", "\nd\r\n\r\n", "\r", "\ne"))).toEqual(["a\nb\rc", "d", "", ""]);
  });

  test("any bytes in any chunks are the same lines as in one", () => {
    const bytes = fc.array(fc.constantFrom("\r", "\n", "a", ".", "\0", "\xff", "\r\n"), { maxLength: 40 });
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 6 }), (parts, places) => {
        const wire = parts.join("");
        const cuts = [0, ...places.map((place) => place % (wire.length + 1)).sort((a, b) => a - b), wire.length];
        const chunks = cuts.slice(1).map((cut, index) => wire.slice(cuts[index], cut));
        const queue = queueOf(...chunks);
        expect(linesOf(queue)).toEqual(wire.split("\r\n").slice(0, -1));
        expect(queue.isEmpty).toBe(wire.endsWith("\r\n") || wire === "");
      }),
    );
  });

  test.each([
    ["as long as allowed", ["12345\r\n"], ["12345"]],
    ["as long as allowed, in pieces", ["123", "45", "\r", "\n"], ["12345"]],
    ["one byte longer", ["123456\r\n"], ["too-long"]],
    ["one byte longer, in pieces", ["123", "456", "\r\n"], ["too-long"]],
    ["without an end", ["1234567"], ["too-long"]],
    ["without an end, byte by byte", "1234567".split(""), ["too-long"]],
    ["with an end far away", [`${"x".repeat(1_000)}\r\n`], ["too-long"]],
    ["of bare line feeds", ["\n".repeat(1_000)], ["too-long"]],
  ])("a line %s", (_name, chunks, lines) => {
    expect(linesOf(queueOf(...chunks), 5)).toEqual(lines);
  });
});

test("the size counts what a chunk costs, and is nothing once all is used", () => {
  const queue = queueOf(..."a\r\n".repeat(2_000).split(""));
  expect(queue.size).toBeGreaterThan(6_000 * 100);
  expect(linesOf(queue)).toHaveLength(2_000);
  expect(queue.size).toBe(0);
  expect(queue.isEmpty).toBe(true);
});
