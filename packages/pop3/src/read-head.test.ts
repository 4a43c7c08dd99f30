import { expect, test } from "vitest";
import { readHead } from "./read-head.ts";

async function* cut(text: string, at: readonly number[]): AsyncGenerator<Uint8Array, void, void> {
  let from = 0;
  for (const to of [...at, text.length]) {
    if (to > from) yield Buffer.from(text.slice(from, to));
    from = to;
  }
}

test("a header is found wherever the pieces are cut, with the empty line behind it", async () => {
  const header = "Subject: a\r\nTo: b\r\n\r\n";
  const text = `${header}body\r\n\r\nmore`;
  for (let first = 1; first < text.length; first++) {
    for (let second = first; second < text.length; second++) {
      const { bytes, isCut } = await readHead(cut(text, [first, second]), 1_000);
      expect([Buffer.from(bytes).toString(), isCut]).toEqual([header, false]);
    }
  }
});

test.each([
  ["\r\nbody\r\n\r\n", 100, "\r\n", false],
  ["Subject: a\r\n", 100, "Subject: a\r\n", false],
  ["", 100, "", false],
  ["Subject: abc\r\n\r\nbody", 8, "Subject:", true],
  ["Subject: abc\r\n", 8, "Subject:", true],
  ["Subject: abc\r\n\r\nbody", 16, "Subject: abc\r\n\r\n", false],
])("of %j with %d bytes at most %j is taken; cut: %s", async (text, most, head, isCut) => {
  const result = await readHead(cut(text, []), most);
  expect([Buffer.from(result.bytes).toString(), result.isCut]).toEqual([head, isCut]);
});
