import { describe, expect, test } from "vitest";
import { ask, stall } from "./client/transcript-harness.ts";
import { converse, list, loggedIn, opened, retrieved } from "./spool-harness.ts";

describe("sizes", () => {
  test("of a few messages are asked for one by one, of more by one list, once", async () => {
    const uidls = Array.from({ length: 9 }, (_, at) => String(at + 1));
    await using talk = await converse([
      ...loggedIn(9),
      ...list(uidls),
      ...ask(/^LIST 2$/, "+OK 2 20\r\n"),
      ...ask(/^LIST 1$/, "-ERR no such message\r\n"),
      ...ask(/^LIST$/, `+OK\r\n${uidls.map((n) => `${n} ${n}0\r\n`).join("")}.\r\n`),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(await session.describe([2, 1, 99])).toEqual([{ uid: 2, size: 20 }]);
    expect(await session.describe(uidls.map(Number).reverse())).toEqual(uidls.map((n) => ({ uid: Number(n), size: Number(n) * 10 })));
    expect(await session.describe([3])).toEqual([{ uid: 3, size: 30 }]);
  });
});

describe("heads", () => {
  const withoutTop = loggedIn(2).map((step) => ("send" in step ? { send: String(step.send).replace("TOP\r\n", "") } : step));

  test("come by TOP, cut to what was asked for", async () => {
    await using talk = await converse([
      ...loggedIn(2),
      ...list(["1", "2"]),
      ...ask(/^TOP 1 0$/, retrieved("Subject: a\r\nX: y\r\n")),
      ...ask(/^TOP 2 0$/, "-ERR Message corrupted\r\n"),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(Buffer.from((await session.fetchHead(1, 9))?.bytes ?? []).toString()).toBe("Subject: ");
    expect(await session.fetchHead(2, 9)).toBeUndefined();
  });

  test("come by RETR, cut off, where the server has no TOP", async () => {
    await using talk = await converse([
      ...withoutTop,
      ...list(["1", "2"]),
      ...ask(/^LIST 1$/, "+OK 1 10\r\n"),
      ...ask(/^RETR 1$/, retrieved(`Subject: a\r\n\r\n${"x".repeat(50_000)}`)),
      ...ask(/^RETR 2$/, retrieved("\r\nno header")),
      stall,
    ]);
    const session = await opened(await talk.open());
    const rows = await session.fetchHeaders([1]);
    expect(rows.map(({ uid, size, header }) => [uid, size, Buffer.from(header).toString()])).toEqual([[1, 10, "Subject: a\r\n\r\n"]]);
    expect(Buffer.from((await session.fetchHead(2, 100))?.bytes ?? []).toString()).toBe("\r\n");
  });

  test("come by RETR where TOP is refused as a command", async () => {
    await using talk = await converse([
      ...loggedIn(2),
      ...list(["1", "2"]),
      ...ask(/^TOP 1 0$/, "-ERR Protocol error. 19\r\n"),
      ...ask(/^RETR 1$/, retrieved("Subject: a\r\n\r\nbody")),
      ...ask(/^RETR 2$/, retrieved("Subject: b\r\n\r\nbody")),
      stall,
    ]);
    const session = await opened(await talk.open());
    expect(Buffer.from((await session.fetchHead(1, 100))?.bytes ?? []).toString()).toBe("Subject: a\r\n\r\n");
    expect(Buffer.from((await session.fetchHead(2, 100))?.bytes ?? []).toString()).toBe("Subject: b\r\n\r\n");
  });

  test("that are too long are left out, since fields of theirs would be missing", async () => {
    const script = [
      ...loggedIn(2),
      ...list(["1", "2"]),
      ...ask(/^LIST 1$/, "+OK 1 10\r\n"),
      ...ask(/^LIST 2$/, "+OK 2 10\r\n"),
      ...ask(/^TOP 1 0$/, retrieved(`Subject: ${"a".repeat(500)}\r\n`)),
      ...ask(/^TOP 2 0$/, retrieved("Subject: b\r\n")),
      stall,
    ];
    await using talk = await converse(script, { limits: { headerBytes: 200 } });
    const rows = await (await opened(await talk.open())).fetchHeaders([1, 2]);
    expect(rows.map(({ uid }) => uid)).toEqual([2]);
  });
});
