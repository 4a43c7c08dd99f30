import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bytes, memoryServer, type MemoryScript, type ScriptedMemory } from "./memory-server.ts";
import { isPop3Error, Pop3Client, type Pop3Limits, type Pop3Timeouts } from "./index.ts";
import { canary, oneByOne, user } from "./transcript-harness.ts";

const timeouts: Pop3Timeouts = { connectMs: 1_000, greetingMs: 1_000, silenceMs: 1_000, answerMs: 3_000, bytesPerSecond: 1_000 };
const limits: Partial<Pop3Limits> = {
  lineBytes: 100,
  listLines: 20,
  listBytes: 1_000,
  messageBytes: 2_000,
  drainBytes: 300,
  aheadBytes: 500,
  pipelined: 3,
};

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

/** Uses a server for all there is, and runs the clock forward while nothing moves. */
async function play(server: ScriptedMemory, isShort = false): Promise<{ readonly outcomes: readonly Outcome[]; readonly tookMs: number }> {
  const state = { isDone: false };
  const began = Date.now();
  const outcomes = useAll(server, isShort).finally(() => (state.isDone = true));
  for (let quiet = 0; !state.isDone; quiet = server.isBusy() ? 0 : quiet + 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (quiet >= 3) await vi.advanceTimersByTimeAsync(250);
  }
  return { outcomes: await outcomes, tookMs: Date.now() - began };
}

type Outcome = string | { readonly kind: string; readonly isOver: boolean };

/** Everything that a session does, whatever comes of each step. */
async function useAll(server: ScriptedMemory, isShort: boolean): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const attempt = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      const result = await work();
      outcomes.push(`${name} ${JSON.stringify(result) ?? ""}`);
    } catch (error) {
      if (!isPop3Error(error)) throw error;
      expect(error.message).not.toContain("canary");
      outcomes.push({ kind: error.kind, isOver: error.isOver });
    }
  };
  let client: Pop3Client | undefined;
  await attempt("connect", async () => {
    client = await Pop3Client.over(server.stream, { limits, timeouts, clock: { monotonic: () => Date.now() }, scrub: (text) => text });
    return client.capabilities.sasl;
  });
  const open = client;
  if (open === undefined) return outcomes;
  const read = async (body: { bytes(): Promise<Buffer> }): Promise<string> => (await body.bytes()).toString("latin1");
  if (!isShort) await attempt("auth", () => open.authenticate(user, canary));
  await attempt("stat", () => open.stat());
  await attempt("uidl", () => open.uidl());
  if (!isShort) await attempt("list", () => open.list());
  await attempt("uidl 1", () => open.uidl(1));
  await attempt("top", async () => await read(await open.top(1, 0)));
  await attempt("retr", async () => await read(await open.retr(1)));
  await attempt("left early", async () => {
    for await (const piece of await open.retr(2)) return piece.length > 0;
    return "empty";
  });
  await attempt("each", async () => {
    const seen: string[] = [];
    for await (const { number, body } of open.topEach([1, 2, 3, 4], 0)) seen.push(`${number} ${body ? await read(body) : "refused"}`);
    return seen;
  });
  await attempt("whole", async () => {
    const seen: string[] = [];
    for await (const item of oneByOne(open.retrWhole([1, 2, 3, 4]))) {
      seen.push(`${item.number} ${item.bytes?.toString("latin1") ?? "refused"}`);
    }
    return seen;
  });
  await attempt("each, left early", async () => {
    for await (const { number } of open.topEach([3, 4, 5], 0)) return number;
    return 0;
  });
  await attempt("whole, left early", async () => {
    for await (const [first] of open.retrWhole([4, 5])) return first?.number;
    return 0;
  });
  await attempt("quit", () => open.quit());
  expect(open.ended?.isOver).toBe(true);
  expect(server.stream.destroyed).toBe(true);
  return outcomes;
}

const honest: readonly string[] = [
  "+OK ready\r\n",
  "+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nSASL XOAUTH2\r\n.\r\n",
  "+ \r\n",
  "+OK User successfully authenticated.\r\n",
  "+OK 5 99\r\n",
  "+OK\r\n1 a\r\n2 b\r\n3 c\r\n4 d\r\n5 e\r\n.\r\n",
  "+OK\r\n1 9\r\n2 9\r\n3 9\r\n4 9\r\n5 9\r\n.\r\n",
  "+OK 1 a\r\n",
  "+OK\r\nSubject: a\r\n\r\n.\r\n",
  "+OK 12 octets\r\n..\xff\0\r\n...\r\nx\ny\r\n.\r\n",
  "+OK\r\nsome\r\nlines\r\n.\r\n",
  "+OK\r\none\r\n.\r\n",
  "-ERR Message corrupted\r\n",
  "+OK\r\n.\r\n",
  "+OK\r\n..four\r\n.\r\n",
  "+OK 9\r\n\r\n.\r\n",
  "-ERR gone\r\n",
  "-ERR\r\n",
  "+OK\r\na\r.\r\n..\r\n.\r\n",
  "+OK\r\nthree\r\n.\r\n",
  "+OK\r\nfour\r\n.\r\n",
  "+OK\r\nfive\r\n.\r\n",
  "+OK\r\n4\r\n.\r\n",
  "+OK\r\n5\r\n.\r\n",
  "+OK bye\r\n",
];

const honestOutcomes: readonly Outcome[] = [
  'connect ["XOAUTH2"]',
  "auth ",
  'stat {"messages":5,"octets":99}',
  `uidl ${JSON.stringify(["a", "b", "c", "d", "e"].map((uidl, index) => ({ number: index + 1, uidl })))}`,
  `list ${JSON.stringify([1, 2, 3, 4, 5].map((number) => ({ number, octets: 9 })))}`,
  'uidl 1 {"number":1,"uidl":"a"}',
  `top ${JSON.stringify("Subject: a\r\n\r\n")}`,
  `retr ${JSON.stringify(".\xff\0\r\n..\r\nx\ny\r\n")}`,
  "left early true",
  `each ${JSON.stringify(["1 one\r\n", "2 refused", "3 ", "4 .four\r\n"])}`,
  `whole ${JSON.stringify(["1 \r\n", "2 refused", "3 refused", "4 a\r.\r\n.\r\n"])}`,
  "each, left early 3",
  "whole, left early 4",
  "quit ",
];

function split(text: string, at: number): readonly Uint8Array[] {
  return [bytes(text.slice(0, at)), bytes(text.slice(at))].filter(({ length }) => length > 0);
}

describe("an honest session, with every answer cut at every border", () => {
  test.each([
    ["the pieces together", false],
    ["the pieces one after the other", true],
  ])("is the same session, %s", async (_name, isApart) => {
    let borders = 0;
    for (const [answer, text] of honest.entries()) {
      for (let at = 0; at <= text.length; at++) {
        const script: MemoryScript = honest.map((one, index) => (index === answer ? split(one, at) : [bytes(one)]));
        const { outcomes } = await play(memoryServer(script, { isApart }));
        expect(outcomes, `answer ${answer} cut at ${at}`).toEqual(honestOutcomes);
        borders++;
      }
    }
    expect(borders).toBe(honest.join("").length + honest.length);
  });

  test("is the same byte by byte", async () => {
    for (const isApart of [false, true]) {
      const { outcomes } = await play(
        memoryServer(
          honest.map((text) => text.split("").map(bytes)),
          { isApart },
        ),
      );
      expect(outcomes).toEqual(honestOutcomes);
    }
  });

  test.each(["silence", "end", "reset"] as const)(
    "broken off anywhere by %s, it ends in a typed error within its timeouts",
    async (ending) => {
      for (const [answer, text] of honest.entries()) {
        for (let at = 0; at < text.length; at++) {
          const script: MemoryScript = [...honest.slice(0, answer).map((one) => [bytes(one)]), [bytes(text.slice(0, at))]];
          const { outcomes, tookMs } = await play(memoryServer(script, { ending }));
          expect(outcomes.slice(0, -1).every((outcome, index) => typeof outcome !== "string" || outcome === honestOutcomes[index])).toBe(
            true,
          );
          expect(outcomes.at(-1)).toMatchObject({ isOver: true });
          expect(tookMs).toBeLessThanOrEqual(timeouts.silenceMs + 200);
        }
      }
    },
  );
});

/** Pieces that answers are made of, and that break them. */
const fragment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...honest) },
  {
    weight: 4,
    arbitrary: fc.constantFrom("+OK", "-ERR", "+ ", "+", " ", "\r\n", ".\r\n", "\r", "\n", ".", "\0", "\xff", "1", "1 a\r\n", "2 9\r\n"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "-ERR [IN-USE] locked\r\n",
      "-ERR Server Unavailable. 21\r\n-ERR Connection is closed. 22\r\n",
      "Connection is closed. 21\r\n",
      "-ERR Session invalidated - AccessTokenExpired\r\n",
      `+ ${canary}\r\n`.replaceAll("canary", "mirror"),
      "1 a\r\n".repeat(30),
      "x".repeat(200),
      "x\r\n".repeat(1_000),
      "..\r\n".repeat(700),
    ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }).map((some) => Buffer.from(some).toString("latin1")) },
);

const answer = fc
  .tuple(fc.array(fragment, { maxLength: 3 }), fc.array(fc.nat(400), { maxLength: 4 }), fc.boolean())
  .map(([parts, places, isByteByByte]) => {
    const text = parts.join("");
    if (isByteByByte && text.length < 300) return text.split("").map(bytes);
    const cuts = [...new Set([0, ...places.filter((place) => place < text.length), text.length])].sort((a, b) => a - b);
    return cuts.slice(1).map((cut, index) => bytes(text.slice(cuts[index], cut)));
  });

/** Honest at first, then anything: so that every state is reached. */
const script = fc
  .tuple(fc.nat(honest.length), fc.array(answer, { minLength: 1, maxLength: 8 }))
  .map(([goodUntil, rest]): MemoryScript => [...honest.slice(0, goodUntil).map((text) => [bytes(text)]), ...rest]);

test("whatever a server sends, in whatever pieces, every step ends in a result or a typed error, in time", async () => {
  await fc.assert(
    fc.asyncProperty(
      script,
      fc.constantFrom("silence", "end", "reset"),
      fc.boolean(),
      fc.boolean(),
      async (said, ending, isApart, isShort) => {
        const { outcomes, tookMs } = await play(memoryServer(said, { ending, isApart }), isShort);
        for (const outcome of outcomes) expect(typeof outcome === "string" || outcome.kind.length > 0).toBe(true);
        // One silence ends the connection; before it each of some twenty answers may take what a limit allows.
        expect(tookMs).toBeLessThanOrEqual(timeouts.silenceMs + timeouts.greetingMs + 1_000);
      },
    ),
    { numRuns: 1_000 },
  );
});
