import { once } from "node:events";
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { readMessage, type WrittenResult } from "@mailfleet/core";
import { createMimeParser } from "./mime-parser.ts";
import type { MimeParserOptions } from "./mime-parser.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const parser of open.splice(0)) await parser.close();
});

function start(options: Partial<MimeParserOptions> = {}): ReturnType<typeof createMimeParser> {
  const parser = createMimeParser({ threads: 1, ...options });
  open.push(parser);
  return parser;
}

function mail(subject: string, body = "hello"): Uint8Array {
  return Buffer.from(`Subject: ${subject}\r\n\r\n${body}\r\n`);
}

/** Takes seconds to decode. */
function slowMail(lines = 2_500_000): Uint8Array {
  return Buffer.from(`Subject: slow\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n${"lorem ipsum dolor\r\n".repeat(lines)}`);
}

/** Needs more than 40 MB of JavaScript heap: its head is of a kind that is left to mailparser. */
function fatMail(): Uint8Array {
  return Buffer.from(`Subject: fat\r\nX-Odd: a\rb\r\n\r\n${"lorem ipsum dolor\r\n".repeat(1_500_000)}`);
}

function subjects(results: readonly WrittenResult[]): (string | undefined)[] {
  return results.map((result) => (result.ok ? readMessage(result.message).subject : result.reason));
}

describe("the pool", () => {
  test("gives each caller its own message and leaves the bytes alone", async () => {
    const parser = start({ threads: 2 });
    const mails = Array.from({ length: 150 }, (_, i) => mail(`m${i}`));
    const copies = mails.map((bytes) => Uint8Array.from(bytes));
    const results = await Promise.all(mails.map((bytes) => parser.parse(bytes)));
    expect(subjects(results)).toEqual(mails.map((_, i) => `m${i}`));
    expect(mails.map((bytes) => Uint8Array.from(bytes))).toEqual(copies);
  });

  test("parses what is urgent before what waits, and everything else in turn", async () => {
    const parser = start({ batchMessages: 1 });
    const done: string[] = [];
    const parse = (name: string, isUrgent = false): Promise<unknown> => parser.parse(mail(name), isUrgent).then(() => done.push(name));
    await Promise.all([parse("first"), parse("second"), parse("third"), parse("urgent", true), parse("urgent too", true)]);
    expect(done).toEqual(["urgent", "urgent too", "first", "second", "third"]);
  });

  test("names the parser and the version that is installed", () => {
    const { version } = createRequire(import.meta.url)("mailparser/package.json") as { version: string };
    expect(start()).toMatchObject({ name: "mailparser", version });
  });

  test("reads a view into a larger buffer", async () => {
    const whole = Buffer.concat([Buffer.from("XXXX"), mail("inside"), Buffer.from("YYYY")]);
    const result = await start().parse(whole.subarray(4, whole.length - 4));
    expect(result.ok && readMessage(result.message)).toMatchObject({ subject: "inside", text: "hello\n" });
  });

  test("a message that is not done in time is given up, its neighbours in the task are not", async () => {
    const parser = start({ parseMs: 1_000, apartBytes: 1e9, batchBytes: 1e9, textBytes: 1e9 });
    const results = await Promise.all([mail("before"), slowMail(), mail("after")].map((bytes) => parser.parse(bytes)));
    expect(subjects(results)).toEqual([
      "before",
      "The message was not parsed: the parser was not done after 1 s and was stopped.",
      "after",
    ]);
    expect(subjects([await parser.parse(mail("next"))])).toEqual(["next"]);
  }, 90_000);

  test("a message that ends its thread twice is given up, its neighbours in the task are not", async () => {
    const parser = start({ heapMb: 40, apartHeapMb: 40, apartBytes: 1e9, batchBytes: 1e9, textBytes: 1e9 });
    const results = await Promise.all([mail("before"), fatMail(), mail("after")].map((bytes) => parser.parse(bytes)));
    expect(subjects(results)).toEqual([
      "before",
      "The message was not parsed: it ended the parser's thread 2 times (ERR_WORKER_OUT_OF_MEMORY).",
      "after",
    ]);
    expect(subjects([await parser.parse(mail("next"))])).toEqual(["next"]);
  }, 90_000);

  test("each of several messages that are not done in time is given up, though it waited behind another one", async () => {
    const parser = start({ batchMessages: 1, parseMs: 100, apartBytes: 1e9, batchBytes: 1e9, textBytes: 1e9 });
    const slow = slowMail(600_000);
    const results = await Promise.all(Array.from({ length: 7 }, () => parser.parse(slow, true)));
    const stopped = "The message was not parsed: the parser was not done after 0.1 s and was stopped.";
    expect(subjects(results)).toEqual(results.map(() => stopped));
  }, 90_000);

  test("a thread has its own heap's limit, whatever the process was started with", async () => {
    setFlagsFromString("--max-old-space-size=2048");
    start();
    const tell = `require("node:worker_threads").parentPort.postMessage(require("node:v8").getHeapStatistics().heap_size_limit)`;
    const thread = new Worker(tell, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 40, maxYoungGenerationSizeMb: 6 } });
    const [limit] = (await once(thread, "message")) as [number];
    expect(limit / 2 ** 20).toBeLessThan(100);
  });

  test("the limits reach the threads", async () => {
    const parser = start({ addresses: 2 });
    const result = await parser.parse(Buffer.from("To: a@b.example, c@d.example, e@f.example\r\n\r\nx"));
    expect(subjects([result])).toEqual(["The message was not parsed: one of its address fields lists more than 2 addresses."]);
  });

  test("the event loop stays free while a large message is parsed", async () => {
    const parser = start({ textBytes: 1e9 });
    const bytes = slowMail(600_000);
    let beats = 0;
    const beat = setInterval(() => beats++, 5);
    await parser.parse(bytes);
    clearInterval(beat);
    // A loop that is held has none, however long the thread takes.
    expect(beats).toBeGreaterThan(10);
  }, 90_000);

  test("rejects what is open when it is closed, and everything later", async () => {
    const parser = start();
    const running = parser.parse(slowMail());
    const [outcome] = await Promise.allSettled([running, parser.close()]);
    expect(outcome).toMatchObject({ status: "rejected", reason: { message: "The parser was closed." } });
    await expect(parser.parse(mail("late"))).rejects.toThrow("The parser was closed.");
  });
});
