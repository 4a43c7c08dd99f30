import { createHash } from "node:crypto";
import { readMessage, syncError, type BlobPointer, type BlobWriter, type MessageSource } from "@mailfleet/core";
import { afterEach, describe, expect, test } from "vitest";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";
import { createMimeParser, type MimeParserOptions } from "./mime-parser.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const parser of open.splice(0)) await parser.close();
});

function start(options: Partial<MimeParserOptions> = {}): ReturnType<typeof createMimeParser> {
  const parser = createMimeParser({ threads: 1, ...options });
  open.push(parser);
  return parser;
}

/** Small enough that lines, boundaries and encoded bytes are torn everywhere. */
function sourceOf(bytes: Uint8Array, pieceBytes = 1_021): MessageSource & { readonly opened: () => number } {
  let opened = 0;
  return {
    size: bytes.length,
    opened: () => opened,
    async *open() {
      opened++;
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
    },
  };
}

/** Writers that keep everything, and say how they ended. */
function sink() {
  const kept: Buffer[] = [];
  let isOpen = false;
  let givenUp = 0;
  const keep = (): BlobWriter => {
    expect(isOpen).toBe(false);
    isOpen = true;
    const pieces: Uint8Array[] = [];
    return {
      write: async (piece) => void pieces.push(piece),
      async end(): Promise<BlobPointer> {
        isOpen = false;
        const bytes = Buffer.concat(pieces);
        kept.push(bytes);
        return { ref: `kept:${kept.length - 1}`, sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length };
      },
      async giveUp() {
        isOpen = false;
        givenUp++;
      },
    };
  };
  return { keep, kept, givenUp: () => givenUp };
}

const attached = (bytes: Buffer, name: string): string =>
  `--b\r\nContent-Type: application/pdf; name=${name}\r\nContent-Disposition: attachment; filename=${name}\r\nContent-Transfer-Encoding: base64\r\n\r\n` +
  `${bytes.toString("base64").replace(/.{76}/g, "$&\r\n")}\r\n`;

describe("a message in pieces", () => {
  test("is read as the same message in one is, its attachments kept as they come", async () => {
    const files = [Buffer.alloc(300_000, "one"), Buffer.alloc(0), Buffer.from("three")];
    const bytes = Buffer.from(
      `From: Ann <ann@contoso.example>\r\nSubject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n${files
        .map((file, i) => attached(file, `f${i}.pdf`))
        .join("")}--b--\r\n`,
    );
    const { keep, kept } = sink();
    const parser = start();
    const [streamed, whole] = [await parser.parseStream(sourceOf(bytes), keep), await parser.parse(bytes)];
    expect(kept.map((one) => one.toString("base64"))).toEqual(files.map((one) => one.toString("base64")));
    if (!streamed.ok || !whole.ok) throw new Error("not read");
    const { attachments, ...head } = readMessage(streamed.message);
    const { attachments: expected, ...rest } = readMessage(whole.message);
    expect(head).toEqual(rest);
    expect(attachments.map(({ content, ...about }) => [about, (content as BlobPointer).size])).toEqual(
      expected.map(({ content, ...about }) => [about, (content as Uint8Array).byteLength]),
    );
  });

  test("the hostile set ends as it does in one piece", async () => {
    const parser = start();
    for (const { name, bytes, expected } of hostileMails()) {
      const result = await parser.parseStream(sourceOf(bytes, 256 * 1024), sink().keep);
      if (expected === "read") expect([name, result.ok]).toEqual([name, true]);
      else expect(result.ok ? `${name} was read` : result.reason).toMatch(expected);
    }
  }, 60_000);

  test("text over the limit is cut, and the result says so", async () => {
    const bytes = Buffer.from(`Subject: long\r\n\r\n${"lorem ipsum\r\n".repeat(200_000)}`);
    const result = await start({ textBytes: 100_000 }).parseStream(sourceOf(bytes, 64_000), sink().keep);
    if (!result.ok) throw new Error(result.reason);
    expect(result.cut).toMatch(/longer than 100000 bytes/);
    const { subject, text } = readMessage(result.message);
    expect(subject).toBe("long");
    expect(text?.length).toBeGreaterThan(90_000);
    expect(text?.length).toBeLessThan(100_000);
  });

  test("a store that refuses an attachment ends the parse with its own failure", async () => {
    const failure = syncError("BLOB_STORE_FULL", "full", { layer: "blobs" });
    const bytes = Buffer.from(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${attached(Buffer.alloc(200_000, 1), "f.pdf")}--b--\r\n`);
    const parser = start();
    const { keep, givenUp } = sink();
    const refusing = (): BlobWriter => ({ ...keep(), write: () => Promise.reject(failure) });
    await expect(parser.parseStream(sourceOf(bytes), refusing)).rejects.toBe(failure);
    expect(givenUp()).toBe(1);
    expect(await parser.parseStream(sourceOf(bytes), sink().keep)).toMatchObject({ ok: true });
  });

  test("a source that fails ends the parse with its failure", async () => {
    const failure = syncError("BLOB_UNAVAILABLE", "gone", { layer: "blobs" });
    const broken: MessageSource = {
      size: 10,
      // oxlint-disable-next-line require-yield
      async *open() {
        throw failure;
      },
    };
    await expect(start().parseStream(broken, sink().keep)).rejects.toBe(failure);
  });

  test("one that is not done in time, or ends its thread, is tried as often as any other, and the next is read", async () => {
    const slow = Buffer.from(`Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n${"lorem ipsum dolor\r\n".repeat(2_500_000)}`);
    const parser = start({ parseMs: 800, bytesPerSecond: 1e9, apartHeapMb: 40, textBytes: 1e9 });
    expect(await parser.parseStream(sourceOf(slow, 256 * 1024), sink().keep)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/not done after 0\.8 s/) as unknown,
    });
    const fat = sourceOf(Buffer.from(`\r\n${"lorem ipsum dolor\r\n".repeat(1_500_000)}`), 1e6);
    const other = start({ apartHeapMb: 24, textBytes: 1e9 });
    expect(await other.parseStream(fat, sink().keep)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/ended the parser's thread 2 times/) as unknown,
    });
    expect(fat.opened()).toBe(2);
    for (const one of [parser, other]) {
      const next = await one.parseStream(sourceOf(Buffer.from("Subject: next\r\n\r\nx")), sink().keep);
      expect(next.ok && readMessage(next.message).subject).toBe("next");
    }
  }, 90_000);

  test("300 MB pass through in little memory", async () => {
    const line = Buffer.from(`${"QUJD".repeat(19)}\r\n`);
    const piece = Buffer.concat(Array.from({ length: 12_800 }, () => line));
    const pieces = 300;
    let given = 0;
    let mostInHand = 0;
    const source: MessageSource = {
      size: piece.length * pieces,
      async *open() {
        yield new Uint8Array(Buffer.from("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
        for (; given < pieces; given++) yield new Uint8Array(piece);
      },
    };
    let written = 0;
    let peak = 0;
    const before = process.memoryUsage.rss();
    const keep = (): BlobWriter => ({
      async write(bytes) {
        written += bytes.length;
        mostInHand = Math.max(mostInHand, given - written / (12_800 * 57));
        peak = Math.max(peak, process.memoryUsage.rss());
      },
      end: () => Promise.resolve({ ref: "kept", sha256: "", size: written }),
      giveUp: () => Promise.resolve(),
    });
    expect(await start().parseStream(source, keep)).toMatchObject({ ok: true });
    expect(written).toBe(pieces * 12_800 * 57);
    expect(mostInHand).toBeLessThan(30);
    // All of it would be 300 MB, its bytes 219. What is not collected yet counts, too: more of it the busier the machine is.
    expect((peak - before) / 1e6).toBeLessThan(200);
  }, 60_000);
});
