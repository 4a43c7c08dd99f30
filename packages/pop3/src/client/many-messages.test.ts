import { describe, expect, test } from "vitest";
import { bytes, memoryServer } from "./memory-server.ts";
import { Pop3Client } from "./index.ts";
import { errorOf, oneByOne } from "./transcript-harness.ts";

const opening = ["+OK ready\r\n", "+OK\r\nPIPELINING\r\nSASL XOAUTH2\r\n.\r\n"];

interface Seen {
  readonly number: number;
  readonly text: string;
}

/** Both ways to read many messages; each with its command. */
const ways: readonly (readonly [
  name: string,
  verb: string,
  read: (client: Pop3Client, numbers: Iterable<number>) => AsyncGenerator<Seen, void, void>,
])[] = [
  [
    "whole",
    "RETR #",
    async function* (client, numbers) {
      for await (const { number, bytes: whole, refusal } of oneByOne(client.retrWhole(numbers))) {
        yield { number, text: whole?.toString() ?? refusal?.text ?? "" };
      }
    },
  ],
  [
    "in pieces",
    "TOP # 0",
    async function* (client, numbers) {
      for await (const { number, body, refusal } of client.topEach(numbers, 0)) {
        yield { number, text: (await body?.bytes())?.toString() ?? refusal?.text ?? "" };
      }
    },
  ],
];

describe.each(ways)("many messages, %s", (_name, verb, read) => {
  const script = [...opening, "+OK\r\none\r\n.\r\n", "+OK\r\ntwo\r\n.\r\n", "-ERR gone\r\n", "+OK\r\nfour\r\n.\r\n", "+OK\r\n"];
  const commands = (...numbers: readonly number[]): string[] => numbers.map((number) => verb.replace("#", String(number)));

  test("left early: the answers that are under way are read over", async () => {
    for (const isApart of [false, true]) {
      const { stream, received } = memoryServer(
        script.map((text) => [bytes(text)]),
        { isApart },
      );
      const client = await Pop3Client.over(stream);
      for await (const { number } of read(client, [1, 2, 3, 4])) if (number === 1) break;
      await client.noop();
      expect(received.slice(1)).toEqual([...commands(1, 2, 3, 4), "NOOP"]);
    }
  });

  test("left early: where the numbers come from is left too", async () => {
    const { stream } = memoryServer(script.map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream, { limits: { pipelined: 1 } });
    let isLeft = false;
    const numbers = function* (): Generator<number, void, void> {
      try {
        for (let number = 1; ; number++) yield number;
      } finally {
        isLeft = true;
      }
    };
    for await (const { number } of read(client, numbers())) if (number === 2) break;
    expect(isLeft).toBe(true);
  });

  test("a refusal right after another belongs to the next message", async () => {
    const { stream } = memoryServer([
      ...opening.map((text) => [bytes(text)]),
      [],
      [],
      [bytes("-ERR gone\r\n-ERR gone too\r\n+OK\r\nthree\r\n.\r\n")],
      [bytes("+OK\r\n")],
    ]);
    const client = await Pop3Client.over(stream);
    const seen: Seen[] = [];
    for await (const one of read(client, [1, 2, 3])) seen.push(one);
    expect(seen).toEqual([
      { number: 1, text: "gone" },
      { number: 2, text: "gone too" },
      { number: 3, text: "three\r\n" },
    ]);
    await client.noop();
  });

  test("the last words after a refusal end it, behind what came before", async () => {
    const { stream } = memoryServer([
      ...opening.map((text) => [bytes(text)]),
      [],
      [bytes("+OK\r\none\r\n.\r\n-ERR Server Unavailable. 21\r\n-ERR Connection is closed. 22\r\n")],
    ]);
    const client = await Pop3Client.over(stream);
    const seen: Seen[] = [];
    const work = async (): Promise<void> => {
      for await (const one of read(client, [1, 2])) seen.push(one);
    };
    expect(await errorOf(work())).toMatchObject({
      kind: "refused",
      during: commands(2)[0],
      text: "Server Unavailable. 21 / Connection is closed. 22",
      isOver: true,
    });
    expect(seen).toEqual([{ number: 1, text: "one\r\n" }]);
  });

  test("no more are under way than the window has", async () => {
    const many = Array.from({ length: 100 }, (_, index) => index + 1);
    const silent = Array.from({ length: 7 }, () => []);
    const answers = ["+OK\r\n.\r\n".repeat(8), ...many.slice(8).map(() => "+OK\r\n.\r\n")];
    const { stream, received } = memoryServer([...opening.map((one) => [bytes(one)]), ...silent, ...answers.map((one) => [bytes(one)])]);
    const client = await Pop3Client.over(stream, { limits: { pipelined: 8 } });
    let seen = 0;
    for await (const { number } of read(client, many)) expect(number).toBe(++seen);
    expect([seen, received.length]).toEqual([100, 101]);

    const mute = memoryServer(opening.map((one) => [bytes(one)]));
    const other = await Pop3Client.over(mute.stream, { limits: { pipelined: 8 } });
    const first = errorOf(read(other, many).next());
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(mute.received).toHaveLength(1 + 8);
    other.close();
    await first;
  });

  test.each([1, 32])(
    "a number that is none stops it before it is sent, of %i under way, and the connection serves on",
    async (pipelined) => {
      const { stream, received } = memoryServer([...opening, "+OK\r\none\r\n.\r\n", "+OK\r\n"].map((text) => [bytes(text)]));
      const client = await Pop3Client.over(stream, { limits: { pipelined } });
      const work = async (): Promise<void> => {
        for await (const { number } of read(client, [1, "2\r\nDELE 1" as unknown as number])) expect(number).toBe(1);
      };
      expect(await errorOf(work())).toMatchObject({ kind: "usage", problem: "argument", isOver: false });
      await client.noop();
      expect(received).toEqual(["CAPA", ...commands(1), "NOOP"]);
    },
  );

  test("are one command: another one meanwhile is the caller's mistake", async () => {
    const { stream } = memoryServer(script.map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    for await (const { number } of read(client, [1, 2, 3, 4])) {
      expect(await errorOf(client.noop())).toMatchObject({ kind: "usage", problem: "busy", isOver: false });
      if (number === 2) break;
    }
    await client.noop();
  });
});

describe("many bodies", () => {
  test("that nobody reads are read over", async () => {
    const script = [...opening, "+OK\r\none\r\n.\r\n", "-ERR gone\r\n", "+OK\r\nthree\r\n.\r\n", "+OK\r\n"];
    const { stream } = memoryServer(script.map((text) => [bytes(text)]));
    const client = await Pop3Client.over(stream);
    const seen: unknown[] = [];
    for await (const { number, refusal } of client.topEach([1, 2, 3], 0)) seen.push([number, refusal?.text]);
    expect(seen).toEqual([
      [1, undefined],
      [2, "gone"],
      [3, undefined],
    ]);
    await client.noop();
  });

  test("may be left up to the limit, each of them", async () => {
    const pieces = [bytes(`+OK\r\n${"z".repeat(60)}`), bytes("\r\n.\r\n")];
    const told = [...opening.map((one) => [bytes(one)]), ...Array.from({ length: 9 }, () => pieces), [bytes("+OK\r\n")]];
    const { stream } = memoryServer(told, { isApart: true });
    const client = await Pop3Client.over(stream, { limits: { drainBytes: 100 } });
    for await (const { body } of client.topEach([1, 2, 3, 4, 5, 6, 7, 8, 9], 0)) expect(body?.received).toBe(0);
    await client.noop();
  });
});
