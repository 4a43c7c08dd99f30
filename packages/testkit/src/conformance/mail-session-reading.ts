import { fingerprintFields, fingerprintOf, type MailSession } from "@mailfleet/core";
import { eachMessage } from "../each-message.ts";
import { allUids, codeOf, collect, fill, mail, type Against, type Vitest } from "./mail-session-bench.ts";

/** The part of {@link describeMailSession} about lists and messages. */
export function describeReading(against: Against, { describe, test, expect }: Vitest): void {
  describe("lists", () => {
    test(
      "of sizes and dates are ascending, without what vanished",
      against(async (world, openSession) => {
        const internalDate = new Date("2026-07-17T09:44:25Z");
        const a = await world.deliver("INBOX", mail("a"), { internalDate });
        const b = await world.deliver("INBOX", mail("b", "x".repeat(5_000)), { internalDate });
        const c = await world.deliver("INBOX", mail("c"), { internalDate });
        await world.expunge("INBOX", [c]);
        const session = await openSession();
        await session.open("INBOX");
        const rows = await session.describe([c, b, a, c + 1_000]);
        expect(rows.map((row) => row.uid)).toEqual([a, b]);
        for (const row of rows) expect(row.internalDate).toBe(internalDate.getTime());
        expect(rows.every((row) => row.size > 0)).toBe(true);
        expect(await session.describe([])).toEqual([]);
      }),
    );

    test(
      "of flags hold each message of the range once, with the flags of the moment",
      against(async (world, openSession) => {
        const [a = 0, b = 0, c = 0] = await fill(world, "INBOX", ["a", "b", "c"]);
        await world.setFlags("INBOX", b, ["\\Flagged", "\\Seen"]);
        const session = await openSession();
        await session.open("INBOX");
        expect(await flagsOf(session, 1, allUids)).toEqual([
          [a, []],
          [b, ["\\Flagged", "\\Seen"]],
          [c, []],
        ]);
        await world.setFlags("INBOX", a, ["\\Answered"]);
        await world.expunge("INBOX", [c]);
        expect(await flagsOf(session, a, b)).toEqual([
          [a, ["\\Answered"]],
          [b, ["\\Flagged", "\\Seen"]],
        ]);
        expect((await flagsOf(session, b, allUids)).map(([uid]) => uid)).not.toContain(a);
        expect(await session.fetchFlags(c + 1, allUids)).toEqual([]);
        expect(await session.fetchFlags(b, a)).toEqual([]);
      }),
    );

    test(
      "of flags since a mod-sequence hold what changed after it, where the server can tell; else asking is our fault",
      against(async (world, openSession) => {
        const [a = 0, b = 0] = await fill(world, "INBOX", ["a", "b"]);
        const session = await openSession();
        const { highestModSeq } = await session.status("INBOX");
        await session.open("INBOX");
        if (!session.features.hasCondStore) {
          expect(highestModSeq).toBeUndefined();
          expect(await codeOf(() => session.fetchFlags(1, allUids, "1"))).toBe("INVARIANT");
          return;
        }
        expect(highestModSeq).toMatch(/^[1-9]\d*$/);
        expect(await session.fetchFlags(1, allUids, highestModSeq)).toEqual([]);
        await world.setFlags("INBOX", b, ["\\Seen"]);
        expect(await session.fetchFlags(1, allUids, highestModSeq)).toEqual([{ uid: b, flags: ["\\Seen"] }]);
        const later = await session.status("INBOX");
        expect(BigInt(later.highestModSeq ?? 0)).toBeGreaterThan(BigInt(highestModSeq ?? 0));
        expect(await session.fetchFlags(a, b, later.highestModSeq)).toEqual([]);
      }),
    );

    test(
      "of fingerprint headers hold these fields and no body, and read the same as the message itself",
      against(async (world, openSession) => {
        const internalDate = new Date("2026-07-17T09:44:25Z");
        const raw = mail("a", `Subject: not this one\r\n${"x".repeat(3_000)}`);
        const a = await world.deliver("INBOX", raw, { internalDate, flags: ["\\Flagged"] });
        const [b = 0, c = 0] = await fill(world, "INBOX", ["b", "c"]);
        await world.expunge("INBOX", [b]);
        const session = await openSession();
        await session.open("INBOX");
        const rows = await session.fetchHeaders([c, b, a]);
        expect(rows.map((row) => row.uid).sort((x, y) => x - y)).toEqual([a, c]);
        const row = rows.find((one) => one.uid === a);
        expect(row).toMatchObject({ flags: ["\\Flagged"], internalDate: internalDate.getTime() });
        const header = row?.header ?? new Uint8Array();
        expect(fingerprintOf(header)).toEqual(fingerprintOf(raw));
        expect(Buffer.from(header).toString()).not.toContain("Received:");
        expect(header.length).toBeLessThan(raw.indexOf("\r\n\r\n") + 4);
        for (const field of fingerprintFields) expect(Buffer.from(header).toString().toLowerCase()).toContain(`${field.toLowerCase()}:`);
      }),
    );
  });

  describe("messages", () => {
    test(
      "come whole, byte for byte, each once however often it is asked for, with flags and date; what vanished is absent",
      against(async (world, openSession) => {
        const internalDate = new Date("2026-07-17T09:44:25Z");
        const raws = [mail("a"), mail("b", `${"long line ".repeat(20)}\r\n`.repeat(400)), mail("c"), mail("d", "")];
        const uids: number[] = [];
        for (const raw of raws) uids.push(await world.deliver("INBOX", raw, { internalDate, flags: ["\\Seen"] }));
        const [a = 0, b = 0, c = 0, d = 0] = uids;
        await world.expunge("INBOX", [c]);
        const session = await openSession();
        await session.open("INBOX");
        const rows = await collect(session.fetch([a, b, c, d, a, d + 1_000]));
        expect(rows.map((row) => row.uid).sort((x, y) => x - y)).toEqual([a, b, d]);
        for (const row of rows) {
          expect(Buffer.compare(row.bytes, raws[uids.indexOf(row.uid)] ?? Buffer.alloc(0))).toBe(0);
          expect(row).toMatchObject({ flags: ["\\Seen"], internalDate: internalDate.getTime() });
        }
        expect(await collect(session.fetch([]))).toEqual([]);
        expect(await collect(session.fetch([c]))).toEqual([]);
      }),
    );

    test(
      "that go while others are fetched do not bend a row",
      against(async (world, openSession) => {
        const names = Array.from({ length: 60 }, (_, at) => `m${at}`);
        const raws = names.map((one) => mail(one, one.padEnd(60_000, "x")));
        const uids: number[] = [];
        for (const raw of raws) uids.push(await world.deliver("INBOX", raw));
        const gone = [uids[0] ?? 0, uids[30] ?? 0, uids[59] ?? 0];
        const session = await openSession();
        await session.open("INBOX");
        const seen: number[] = [];
        for await (const row of eachMessage(session.fetch(uids))) {
          if (seen.length === 0) await world.expunge("INBOX", gone);
          seen.push(row.uid);
          expect(Buffer.compare(row.bytes, raws[uids.indexOf(row.uid)] ?? Buffer.alloc(0))).toBe(0);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(uids.filter((uid) => !gone.includes(uid) && !seen.includes(uid))).toEqual([]);
        // Before that the session may see what it saw.
        await session.open("INBOX");
        expect(await session.listUids(1, allUids)).toEqual(uids.filter((uid) => !gone.includes(uid)));
      }),
    );

    test(
      "show their first bytes, all of them when they are short, and nothing when they are gone",
      against(async (world, openSession) => {
        const raw = mail("a", "x".repeat(2_000));
        const a = await world.deliver("INBOX", raw);
        const session = await openSession();
        await session.open("INBOX");
        expect(Buffer.from((await session.fetchHead(a, 100))?.bytes ?? []).toString()).toBe(raw.subarray(0, 100).toString());
        expect(Buffer.from((await session.fetchHead(a, 1_000_000))?.bytes ?? []).toString()).toBe(raw.toString());
        expect(await session.fetchHead(a + 1, 100)).toBeUndefined();
      }),
    );

    test(
      "come in pieces that join to the same bytes; whether one is longer than some number is told to the byte",
      against(async (world, openSession) => {
        const raw = mail("a", `${"another long line ".repeat(60)}\r\n`.repeat(600));
        const a = await world.deliver("INBOX", raw, { flags: ["\\Seen"] });
        const session = await openSession();
        await session.open("INBOX");
        const message = await session.fetchStream(a);
        expect(message).toMatchObject({ uid: a, flags: ["\\Seen"] });
        const pieces: Uint8Array[] = [];
        for await (const piece of message?.pieces ?? []) pieces.push(piece);
        expect(Buffer.compare(Buffer.concat(pieces), raw)).toBe(0);
        expect(message?.isWhole()).toBe(true);
        expect(await session.isLongerThan(a, raw.length - 1)).toBe(true);
        expect(await session.isLongerThan(a, raw.length)).toBe(false);
        expect(await session.fetchStream(a + 1)).toBeUndefined();
        expect(await session.isLongerThan(a + 1, 0)).toBe(false);
      }),
    );

    test(
      "that are moved are gone from where they were, and new where they are, with bytes and flags kept",
      against(async (world, openSession) => {
        await world.createFolder("Box");
        const [old = 0] = await fill(world, "Box", ["old"]);
        const a = await world.deliver("INBOX", mail("a"), { flags: ["\\Flagged"] });
        await world.move("INBOX", "Box", [a]);
        const session = await openSession();
        await session.open("INBOX");
        expect(await session.listUids(1, allUids)).toEqual([]);
        await session.open("Box");
        const [row] = await collect(session.fetch(await session.listUids(old + 1, allUids)));
        expect(row?.uid).toBeGreaterThan(old);
        expect(row?.flags).toEqual(["\\Flagged"]);
        expect(Buffer.from(row?.bytes ?? []).toString()).toBe(mail("a").toString());
      }),
    );
  });
}

/** Sorted, so that answers compare. */
async function flagsOf(session: MailSession, low: number, high: number): Promise<readonly (readonly [number, readonly string[]])[]> {
  const rows = await session.fetchFlags(low, high);
  return rows.map((row) => [row.uid, [...row.flags].sort()] as const).sort((a, b) => a[0] - b[0]);
}
