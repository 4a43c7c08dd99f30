import { MailParser } from "mailparser";
import { expect, test } from "vitest";
import { LeanMailParser, LimitError } from "./lean-mail-parser.ts";
import { parseMessage, parsePieces } from "./parse-message.ts";

const limits = { parts: 1_000, depth: 3, headerBytes: 1024 * 1024, headerFields: 1_000, addresses: 10, textBytes: 1e6 };

test("mailparser still has the members that this package relies on beyond its types", () => {
  const stock = new MailParser() as unknown as Record<string, unknown>;
  for (const method of ["processHeaders", "getTextContent", "processChunk"]) expect(stock[method]).toBeTypeOf("function");
  expect(stock).toMatchObject({
    tree: false,
    libmime: { decodeWords: expect.any(Function) as unknown },
    splitter: { maxChildNodes: 1_000 },
    decoder: { decodeStream: expect.any(Function) as unknown },
  });
  expect(new LeanMailParser(limits)).toMatchObject({ splitter: { maxChildNodes: 1_000, maxHeadSize: limits.headerBytes } });
  expect(new LimitError("x")).toMatchObject({ name: "LimitError", message: "x" });
});

test("a message that is given up leaves no work behind", async () => {
  const deep = [1, 2, 3, 4, 5].map((level) => `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`).join("");
  const bytes = Buffer.from(`${deep}\r\n${"x\r\n".repeat(5_000_000)}`);
  const result = await parseMessage(bytes, limits);
  expect(result).toEqual({ ok: false, reason: "The message was not parsed: its parts are nested deeper than 3 levels." });
  const before = process.cpuUsage();
  // turns of the event loop in which what is left would go on
  for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(100);
});

test("a message in many pieces leaves no listener for each of them", async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.name);
  process.on("warning", onWarning);
  const pieces = (async function* () {
    yield Buffer.from("Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (let piece = 0; piece < 40; piece++) yield await Promise.resolve(Buffer.alloc(78 * 1_024, `${"A".repeat(76)}\r\n`));
  })();
  let kept = 0;
  const result = await parsePieces(pieces, limits, async (chunks) => {
    for await (const chunk of chunks) kept += chunk.length;
    return new Uint8Array();
  });
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", onWarning);
  expect([result.ok, kept, warnings]).toEqual([true, 40 * 57 * 1_024, []]);
});
