import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineReader } from "./line-reader.ts";

function readAll(chunks: readonly Buffer[]): string[] {
  const reader = new LineReader();
  const found: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let line = reader.take(); line !== undefined; line = reader.take()) found.push(line.kind === "line" ? line.text : "too long");
  }
  return found;
}

describe("the lines of a client", () => {
  test("are the same wherever the bytes are cut", () => {
    const lines = fc.array(fc.stringMatching(/^[ -~]{0,40}$/), { maxLength: 6 });
    fc.assert(
      fc.property(lines, fc.array(fc.nat(200)), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\r\n`).join(""));
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        expect(readAll(at.slice(1).map((to, i) => bytes.subarray(at[i], to)))).toEqual(texts);
      }),
    );
  });

  test("may have 512 bytes with their end, an answer to AUTH more; nothing is understood behind a longer one", () => {
    expect(readAll([Buffer.from(`${"a".repeat(510)}\r\n`)])).toEqual(["a".repeat(510)]);
    expect(readAll([Buffer.from(`${"a".repeat(511)}\r\nNOOP\r\n`)])).toEqual(["too long"]);
    expect(readAll([Buffer.from("a".repeat(513)), Buffer.from("\r\nNOOP\r\n")])).toEqual(["too long"]);
    const reader = new LineReader();
    reader.expectSasl(true);
    reader.push(Buffer.from(`${"a".repeat(3_000)}\r\nNOOP\r\n`));
    expect(reader.take()).toEqual({ kind: "line", text: "a".repeat(3_000) });
    reader.expectSasl(false);
    expect(reader.take()).toEqual({ kind: "line", text: "NOOP" });
  });
});
