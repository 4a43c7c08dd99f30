import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bytes, endlessServer, memoryServer } from "./memory-server.ts";
import { Pop3Client, type Pop3Limits, type Pop3SessionOptions, type Pop3Timeouts } from "./index.ts";
import { errorOf } from "./transcript-harness.ts";

const kb = 1_024;
const opening = ["+OK ready\r\n", "+OK\r\nPIPELINING\r\nSASL XOAUTH2\r\n.\r\n"];
const limits: Partial<Pop3Limits> = { listLines: 1_000, listBytes: 64 * kb, messageBytes: 256 * kb, drainBytes: 128 * kb };

/** What may be on the way besides what was used: bytes that were read ahead, a stream's own buffer, and a chunk of each. */
const slack = 64 * kb + 64 * kb + 2 * 16 * kb;

describe("what comes without an end costs no more than its limit", () => {
  const chunk16k = (text: string): Buffer => bytes(text.repeat(Math.ceil((16 * kb) / text.length)));
  test.each([
    ["a greeting of one line", [], "x", (client: Promise<Pop3Client>) => client, "line-bytes", 1 * kb],
    ["a list of one line", [...opening, "+OK\r\n"], "x", async (c: Promise<Pop3Client>) => await (await c).uidl(), "line-bytes", 1 * kb],
    ["a status line", [...opening, "+OK "], "\0\xff", async (c: Promise<Pop3Client>) => await (await c).stat(), "line-bytes", 1 * kb],
    ["a list of lines", [...opening, "+OK\r\n"], "x\r\n", async (c: Promise<Pop3Client>) => await (await c).list(), "list-lines", 3 * kb],
    [
      "a list of long lines",
      [...opening, "+OK\r\n"],
      `${"y".repeat(900)}\r\n`,
      async (c: Promise<Pop3Client>) => await (await c).uidl(),
      "list-bytes",
      64 * kb,
    ],
    ["capabilities", ["+OK\r\n", "+OK\r\n"], "X-MORE\r\n", (client: Promise<Pop3Client>) => client, "list-lines", 8 * kb],
    [
      "a message",
      [...opening, "+OK\r\n"],
      "..\r\n",
      async (c: Promise<Pop3Client>) => await (await (await c).retr(1)).bytes(),
      "message-bytes",
      (256 * kb * 4) / 3,
    ],
  ] as const)("%s", async (_name, before, text, use, problem, allowed) => {
    const server = endlessServer(before, chunk16k(text));
    const error = await errorOf(Promise.resolve(use(Pop3Client.over(server.stream, { limits }))));
    expect(error).toMatchObject({ kind: "limit", problem, isOver: true });
    expect(server.stream.destroyed).toBe(true);
    expect(server.sent()).toBeLessThanOrEqual(allowed + slack);
  });

  test("a line that comes byte by byte", async () => {
    const server = endlessServer([...opening, "+OK "], bytes("x"));
    const client = await Pop3Client.over(server.stream, { limits });
    expect(await errorOf(client.stat())).toMatchObject({ kind: "limit", problem: "line-bytes" });
    expect(server.sent()).toBeLessThanOrEqual(slack);
  });
});

describe("a message that is read slowly", () => {
  test("is held back, without any limit of time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const server = endlessServer([...opening, "+OK\r\n"], bytes("z".repeat(16 * kb)));
    const client = await Pop3Client.over(server.stream, { limits, timeouts: { silenceMs: 1_000, answerMs: 1_000 } });
    const body = await client.retr(1);
    const reader = body[Symbol.asyncIterator]();
    const first = await reader.next();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(server.sent() - (first.value?.length ?? 0)).toBeLessThanOrEqual(slack);
    expect(vi.getTimerCount()).toBe(0);
    const held = server.sent();
    for (let taken = 0; taken < held; taken += (await reader.next()).value?.length ?? 0);
    expect(server.sent()).toBeGreaterThan(held);
    client.close();
    vi.useRealTimers();
  });

  test("and left early is read over to its end, and the connection serves on", async () => {
    const rest = Array.from({ length: 6 }, () => bytes("more\r\n".repeat(2_730)));
    const { stream } = memoryServer([
      ...opening.map((text) => [bytes(text)]),
      [bytes("+OK\r\nfirst\r\n"), ...rest, bytes(".\r\n")],
      [bytes("+OK 3 9\r\n")],
    ]);
    const client = await Pop3Client.over(stream, { limits });
    for await (const piece of await client.retr(1)) {
      expect(piece.toString()).toBe(bytes("first\r\n").toString());
      break;
    }
    expect(await client.stat()).toEqual({ messages: 3, octets: 9 });
  });

  test("and left early with too much to come ends the connection", async () => {
    const server = endlessServer([...opening, "+OK\r\n"], bytes("z".repeat(16 * kb)));
    const client = await Pop3Client.over(server.stream, { limits });
    const body = await client.retr(1);
    for await (const piece of body) if (piece.length > 0) break;
    expect(server.sent()).toBeLessThanOrEqual(128 * kb + slack);
    expect(body.isWhole).toBe(false);
    expect(client.ended).toMatchObject({ kind: "closed", during: "RETR 1" });
    expect(await errorOf(client.noop())).toMatchObject({ kind: "closed" });
  });

  test("what the reader throws comes out, and the connection serves on", async () => {
    const { stream } = memoryServer([...opening, "+OK\r\nfirst\r\n.\r\n", "+OK\r\n"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    const work = async (): Promise<void> => {
      for await (const piece of await client.retr(1)) throw new Error(`no room for ${piece.length}`);
    };
    await expect(work()).rejects.toThrow("no room for 7");
    await client.noop();
  });

  test("and never read keeps the connection busy until it is discarded", async () => {
    const { stream } = memoryServer([...opening, "+OK\r\nfirst\r\n.\r\n", "+OK\r\n"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    const body = await client.retr(1);
    expect(await errorOf(client.noop())).toMatchObject({ kind: "usage", problem: "busy", isOver: false });
    await body.discard();
    await client.noop();
  });

  test("a limit of the reader's own ends the connection", async () => {
    const { stream } = memoryServer([...opening, "+OK\r\nfirst\r\n.\r\n"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    const body = await client.retr(1);
    expect(await errorOf(body.bytes(6))).toMatchObject({ kind: "limit", problem: "message-bytes" });
  });
});

describe("a connection that ends", () => {
  test.each(["end", "reset"] as const)("by %s right behind an answer has answered", async (ending) => {
    const { stream } = memoryServer(
      [...opening, "+OK 3 9\r\n"].map((text) => [bytes(text)]),
      { ending },
    );
    const client = await Pop3Client.over(stream);
    expect(await client.stat()).toEqual({ messages: 3, octets: 9 });
    expect((await errorOf(client.noop())).kind).toBe(ending === "end" ? "closed" : "network");
  });

  test("in the middle of its last words is an end, and no violation", async () => {
    const { stream } = memoryServer([...opening, "-ERR no\r\nConnection is clo"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    expect(await errorOf(client.stat())).toMatchObject({ kind: "refused", text: "no" });
    expect(await errorOf(client.noop())).toMatchObject({ kind: "closed", isOver: true });
  });

  test("in the middle of a word that nobody asked for is a violation", async () => {
    const { stream } = memoryServer([...opening, "+OK 3 9\r\n+O"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    await client.stat();
    expect(await errorOf(client.noop())).toMatchObject({ kind: "protocol", problem: "unasked" });
  });
});

describe("time", () => {
  const timeouts: Pop3Timeouts = { connectMs: 1_000, greetingMs: 2_000, silenceMs: 5_000, answerMs: 20_000, bytesPerSecond: 1_000 };
  const options: Pop3SessionOptions = { timeouts, clock: { monotonic: () => Date.now() } };
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  async function late(work: Promise<unknown>, afterMs: number): Promise<unknown> {
    let error: unknown;
    void work.catch((thrown: unknown) => (error = thrown));
    await turns();
    await vi.advanceTimersByTimeAsync(afterMs - 1);
    expect(error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await turns();
    return error;
  }

  test("a server that does not greet is given up after the time for that", async () => {
    const { stream } = memoryServer([[]]);
    expect(await late(Pop3Client.over(stream, options), 2_000)).toMatchObject({ kind: "greeting-timeout", isOver: true });
    expect(stream.destroyed).toBe(true);
  });

  test("a server that stops answering is given up after its silence", async () => {
    const { stream } = memoryServer([...opening, "+OK\r\n1 a\r\n"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream, options);
    expect(await late(client.uidl(), 5_000)).toMatchObject({ kind: "silence", during: "UIDL", isOver: true });
  });

  test("a server that says nothing is silent and not slow, however little time an answer has", async () => {
    const { stream } = memoryServer(opening.map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream, { ...options, timeouts: { ...timeouts, answerMs: 1_000 } });
    expect(await late(client.stat(), 1_000)).toMatchObject({ kind: "silence", during: "STAT" });
  });

  test("a trickle is given up in the end, though it is never silent", async () => {
    const { stream } = memoryServer([...opening, "+OK "].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream, options);
    const trickle = setInterval(() => stream.destroyed || stream.push(bytes("x")), 1_000);
    const error = errorOf(client.stat());
    await turns();
    for (let second = 0; second < 21 && !stream.destroyed; second++) {
      await vi.advanceTimersByTimeAsync(1_000);
      await turns();
    }
    clearInterval(trickle);
    expect(await error).toMatchObject({ kind: "too-slow", during: "STAT", isOver: true });
  });

  test("a message that takes hours is fine while it comes fast enough", async () => {
    const { stream } = memoryServer([...opening, "+OK\r\n"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream, options);
    const body = client.retr(1).then(async (message) => await message.bytes());
    let isDone = false;
    void body.finally(() => (isDone = true));
    await turns();
    for (let second = 0; second < 7_200; second++) {
      stream.push(bytes("y".repeat(1_100)));
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(isDone).toBe(false);
    stream.push(bytes("\r\n.\r\n"));
    expect(await body).toHaveLength(7_200 * 1_100 + 2);
  });

  test("no timer is left when nothing is waited for", async () => {
    const { stream } = memoryServer([...opening, "+OK\r\n"].map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream, options);
    await client.noop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the caller's signal", () => {
  test("ends whatever is going on, at once", async () => {
    const { stream } = memoryServer(opening.map((text) => [bytes(text)]));
    const abort = new AbortController();
    const client = await Pop3Client.over(stream, { signal: abort.signal });
    const stat = errorOf(client.stat());
    abort.abort(new Error("secret reason"));
    expect(await stat).toMatchObject({ kind: "aborted", during: "STAT", isOver: true, message: "Stopped by the caller (STAT)" });
    expect(stream.destroyed).toBe(true);
    expect(await errorOf(client.noop())).toMatchObject({ kind: "aborted" });
  });

  test("that was given before nothing began lets nothing begin", async () => {
    const { stream, received } = memoryServer([[bytes("+OK\r\n")]]);
    expect(await errorOf(Pop3Client.over(stream, { signal: AbortSignal.abort() }))).toMatchObject({ kind: "aborted" });
    expect(await errorOf(Pop3Client.connect({ host: "127.0.0.1", port: 1, tls: true, signal: AbortSignal.abort() }))).toMatchObject({
      kind: "aborted",
    });
    expect(received).toEqual([]);
  });
});
