import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bytes, endlessServer, memoryServer } from "./memory-server.ts";
import { isPop3Error, Pop3Client, type Pop3Error, type Pop3SessionOptions, type WholeItem } from "./index.ts";
import { errorOf, oneByOne } from "./transcript-harness.ts";

const opening = ["+OK ready\r\n", "+OK\r\nPIPELINING\r\nSASL XOAUTH2\r\n.\r\n"];
const openingChunks = opening.map((text) => [bytes(text)]);

/** All that come, as latin1 or `-` and the refusal's words, and what ended them. */
async function readAll(
  batches: AsyncIterable<readonly WholeItem[]>,
): Promise<{ readonly seen: readonly string[]; readonly error: Pop3Error | undefined }> {
  const seen: string[] = [];
  try {
    for await (const items of batches) {
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) {
        seen.push(`${item.number} ${item.refusal === undefined ? item.bytes.toString("latin1") : `-${item.refusal.text}`}`);
      }
    }
    return { seen, error: undefined };
  } catch (error) {
    if (!isPop3Error(error)) throw error;
    return { seen, error };
  }
}

describe("what came is given in messages, whatever pieces it came in", () => {
  const line = fc.constantFrom("", ".", "..", "a", ".a", "\r", "\n", ".\r", "\n.", "\0\xff", "x".repeat(90));
  const answer = fc.oneof(
    { weight: 4, arbitrary: fc.array(line, { maxLength: 6 }) },
    { weight: 1, arbitrary: fc.constantFrom("gone", "[SYS/TEMP] later", "") },
  );
  const linesOf = (lines: readonly string[]): string => lines.map((text) => `${text}\r\n`).join("");
  const wireOf = (one: string | readonly string[]): string =>
    typeof one === "string" ? `-ERR ${one}\r\n` : `+OK\r\n${linesOf(one).replace(/(?<=^|\r\n)\./g, "..")}.\r\n`;
  const seenOf = (one: string | readonly string[], index: number): string =>
    `${index + 1} ${typeof one === "string" ? `-${one}` : linesOf(one)}`;

  /** Chunk by chunk once all commands are there, so that cuts go across answers too. */
  async function read(answers: readonly (string | readonly string[])[], cuts: readonly number[], isApart: boolean) {
    const wire = answers.map(wireOf).join("");
    const places = [0, ...[...cuts].sort((a, b) => a - b), wire.length];
    const chunks = places.slice(1).map((to, index) => bytes(wire.slice(places[index], to)));
    const silent = answers.slice(1).map(() => []);
    const { stream } = memoryServer([...openingChunks, ...silent, chunks.filter(({ length }) => length > 0), [bytes("+OK\r\n")]], {
      isApart,
    });
    const client = await Pop3Client.over(stream);
    const result = await readAll(client.retrWhole(answers.map((_, index) => index + 1)));
    await client.noop();
    client.close();
    return result;
  }

  test("cut anywhere, in any way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(answer, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.boolean(),
        async (answers, places, isApart) => {
          const { length } = answers.map(wireOf).join("");
          const { seen, error } = await read(
            answers,
            places.map((place) => place % (length + 1)),
            isApart,
          );
          expect(error).toBeUndefined();
          expect(seen).toEqual(answers.map(seenOf));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("cut at every border, once and from there on byte by byte", async () => {
    const answers = [["a", ".b", ""], "gone", "gone too", ["."], [], ["\r", "c"]];
    const { length } = answers.map(wireOf).join("");
    for (let at = 0; at <= length; at++) {
      for (const cuts of [[at], Array.from({ length: length - at }, (_, index) => at + index)]) {
        expect((await read(answers, cuts, true)).seen, `cut at ${cuts[0]}`).toEqual(answers.map(seenOf));
      }
    }
  });

  test("those that came together come in one go, and the next commands are sent before that", async () => {
    const numbers = [1, 2, 3, 4, 5, 6];
    const { stream, received } = memoryServer([
      ...openingChunks,
      [],
      [],
      [],
      [bytes("+OK\r\na\r\n.\r\n".repeat(4))],
      [],
      [bytes("+OK\r\nb\r\n.\r\n".repeat(2))],
    ]);
    const client = await Pop3Client.over(stream, { limits: { pipelined: 4 } });
    const batches = client.retrWhole(numbers);
    expect((await batches.next()).value?.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(received.slice(1)).toEqual(numbers.map((number) => `RETR ${number}`));
    expect((await batches.next()).value?.map(({ number }) => number)).toEqual([5, 6]);
    expect((await batches.next()).done).toBe(true);
  });

  test("those that one read of the socket brought come in one go too, in however many pieces it gave them", async () => {
    const { stream } = memoryServer(openingChunks);
    const client = await Pop3Client.over(stream);
    const batch = client.retrWhole([1, 2, 3]).next();
    await new Promise((resolve) => setImmediate(resolve));
    for (const piece of ["+OK\r\na\r\n.\r\n", "+OK\r\n", "b\r\n.\r\n-ERR gone\r\n"]) {
      stream.push(bytes(piece));
      // The reader could go on in between.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    expect((await batch).value?.map(({ bytes: whole, refusal }) => whole?.toString() ?? refusal?.text)).toEqual(["a\r\n", "b\r\n", "gone"]);
  });

  test("none is asked for, and nothing is sent", async () => {
    const { stream, received } = memoryServer(openingChunks);
    const client = await Pop3Client.over(stream);
    expect((await client.retrWhole([]).next()).done).toBe(true);
    expect(received).toEqual(["CAPA"]);
  });
});

describe("what ends them comes behind the messages that came before it", () => {
  const first = "+OK\r\none\r\n.\r\n";
  test.each([
    ["a message that is too long", `${first}+OK\r\n${"x".repeat(100)}`, { kind: "limit", problem: "message-bytes", during: "RETR 2" }],
    ["what is no status", `${first}OK\r\n`, { kind: "protocol", problem: "status-line", text: "OK", during: "RETR 2" }],
    ["a challenge", `${first}+ \r\n`, { kind: "protocol", problem: "challenge", during: "RETR 2" }],
    ["a status line without an end", `${first}+OK ${"x".repeat(2_000)}`, { kind: "limit", problem: "line-bytes", during: "RETR 2" }],
    ["an end before the answer", first, { kind: "closed" }],
    ["an end in the status line", `${first}+O`, { kind: "closed" }],
    ["an end in the message", `${first}+OK\r\ntwo\r\n.`, { kind: "closed" }],
  ])("%s", async (_name, wire, error) => {
    for (const isApart of [false, true]) {
      const cut = isApart ? wire.split("").map(bytes) : [bytes(wire)];
      const { stream } = memoryServer([...openingChunks, [], cut], { isApart, ending: "end" });
      const client = await Pop3Client.over(stream);
      const result = await readAll(client.retrWhole([1, 2], 50));
      expect(result.seen).toEqual(["1 one\r\n"]);
      expect(result.error).toMatchObject({ isOver: true, ...error });
      expect(stream.destroyed).toBe(true);
      expect((await errorOf(client.noop())).isOver).toBe(true);
    }
  });

  test("a message as long as allowed is none", async () => {
    const { stream } = memoryServer([...openingChunks, [bytes("+OK\r\n12345678\r\n.\r\n")]]);
    const client = await Pop3Client.over(stream);
    expect((await readAll(client.retrWhole([1], 10))).seen).toEqual(["1 12345678\r\n"]);
  });

  test("the client's own limit counts also where the caller's is higher", async () => {
    const { stream } = memoryServer([...openingChunks, [bytes("+OK\r\n12345678\r\n.\r\n")]]);
    const client = await Pop3Client.over(stream, { limits: { messageBytes: 9 } });
    expect((await readAll(client.retrWhole([1], 10))).error).toMatchObject({ kind: "limit", problem: "message-bytes" });
  });

  test("a reset in the middle has Node's code", async () => {
    const { stream } = memoryServer([...openingChunks, [bytes("+OK\r\nhalf")]], { ending: "reset" });
    const client = await Pop3Client.over(stream);
    expect((await readAll(client.retrWhole([1]))).error).toMatchObject({ kind: "network", code: "ECONNRESET", during: "RETR 1" });
  });

  test("the caller's signal, in the middle of a message", async () => {
    const abort = new AbortController();
    const { stream } = memoryServer([...openingChunks, [bytes("+OK\r\none\r\n.\r\n+OK\r\nhalf")], []]);
    const client = await Pop3Client.over(stream, { signal: abort.signal });
    const batches = client.retrWhole([1, 2]);
    expect((await batches.next()).value).toHaveLength(1);
    const next = errorOf(batches.next());
    abort.abort();
    expect(await next).toMatchObject({ kind: "aborted", during: "RETR 2" });
    expect(stream.destroyed).toBe(true);
  });
});

describe("messages that nobody takes", () => {
  test("are held back, without any limit of time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const server = endlessServer([...opening, ""], bytes(`+OK\r\n${"z".repeat(1_000)}\r\n.\r\n`.repeat(16)));
    const client = await Pop3Client.over(server.stream, { timeouts: { silenceMs: 1_000, answerMs: 1_000 } });
    const batches = client.retrWhole(Array.from({ length: 10_000 }, (_, index) => index + 1));
    const take = async (): Promise<number> => {
      const items = (await batches.next()).value ?? [];
      return items.reduce((sum, item) => sum + (item.bytes?.length ?? 0), 0);
    };
    const taken = await take();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(3_600_000);
    // What the client keeps, what the stream does, and a chunk of each.
    expect(server.sent() - taken).toBeLessThanOrEqual((64 + 64 + 3 * 17) * 1_024);
    expect(vi.getTimerCount()).toBe(0);
    const held = server.sent();
    for (let more = taken; more <= held; more += await take());
    expect(server.sent()).toBeGreaterThan(held);
    client.close();
    vi.useRealTimers();
  });

  test.each([
    ["little", "more\r\n", undefined],
    ["too much", "more\r\n".repeat(100), "closed"],
  ])("are read over where %s of them is to come, else the connection is closed", async (_name, rest, kind) => {
    const { stream } = memoryServer(
      [...openingChunks, [], [], [bytes("+OK\r\none\r\n.\r\n+OK\r\nhalf"), bytes(rest), bytes("\r\n.\r\n"), bytes("-ERR gone\r\n")]],
      { isApart: true },
    );
    const client = await Pop3Client.over(stream, { limits: { drainBytes: 200 } });
    for await (const { number } of oneByOne(client.retrWhole([1, 2, 3]))) if (number === 1) break;
    expect(client.ended?.kind).toBe(kind);
  });
});

describe("time", () => {
  const options: Pop3SessionOptions = {
    timeouts: { silenceMs: 5_000, answerMs: 20_000, bytesPerSecond: 1_000 },
    clock: { monotonic: () => Date.now() },
  };
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  /** Pushes what `at` gives for each second, until it is over. */
  async function run(at: (second: number) => string | undefined, numbers = [1]) {
    const { stream } = memoryServer([...openingChunks, [bytes("+OK\r\n")]]);
    const client = await Pop3Client.over(stream, options);
    const result = readAll(client.retrWhole(numbers));
    const state = { isDone: false };
    void result.finally(() => (state.isDone = true));
    let seconds = 0;
    for (; !state.isDone; seconds++) {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      const text = at(seconds);
      if (text !== undefined && !stream.destroyed) stream.push(bytes(text));
      await vi.advanceTimersByTimeAsync(1_000);
    }
    return { ...(await result), seconds };
  }

  test("a server that stops in the middle is given up after its silence", async () => {
    const { error, seconds } = await run((second) => (second === 0 ? "half" : undefined));
    expect(error).toMatchObject({ kind: "silence", during: "RETR 1", isOver: true });
    expect(seconds).toBeLessThanOrEqual(7);
  });

  test("a server that stops between messages is given up during the next", async () => {
    const { seen, error } = await run((second) => (second === 0 ? "one\r\n.\r\n" : undefined), [1, 2]);
    expect(seen).toEqual(["1 one\r\n"]);
    expect(error).toMatchObject({ kind: "silence", during: "RETR 2" });
  });

  test("a trickle is given up in the end, though it is never silent", async () => {
    const { error, seconds } = await run(() => "x");
    expect(error).toMatchObject({ kind: "too-slow", during: "RETR 1" });
    expect(seconds).toBeGreaterThanOrEqual(20);
  });

  test("each message has time of its own, and a long one as much as it needs", async () => {
    const { seen, error } = await run(
      (second) => (second === 90 ? "\r\n.\r\n" : second % 30 === 29 ? "\r\n.\r\n+OK\r\n" : "y".repeat(1_100)),
      [1, 2, 3, 4],
    );
    expect(error).toBeUndefined();
    expect(seen).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });
});
