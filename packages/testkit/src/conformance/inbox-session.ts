import { fingerprintOf, type FolderStatus, isSyncError, syncError, type MailSession, type SpoolKnown } from "@mailfleet/core";
import { eachMessage } from "../each-message.ts";
import {
  allUids,
  codeOf,
  collect,
  knownFrom,
  mail,
  never,
  uidsByName,
  type Against,
  type AnyWorld,
  type Vitest,
} from "./mail-session-bench.ts";

/** The INBOX, seen from the other side. Messages are told apart by the handles that `deliver` gives. */
export interface InboxWorld extends AnyWorld {
  deliver(raw: Uint8Array): Promise<number>;
  expunge(handles: readonly number[]): Promise<void>;
}

/**
 * What an INBOX does whether it is read as one folder of many or as a spool:
 *
 * 1. UIDs rise in the order in which mail came; UIDNEXT is above every one of them; opening tells the same numbers as asking for them.
 * 2. Rows are the asked ones, each at most once, byte for byte; what vanished before the session is absent, and what vanishes in it
 *    is absent or whole.
 * 3. Pieces join to the message, can be left early, and end short only if the message says that it is not whole.
 * 4. A folder that is not there is FOLDER_GONE, after which the session can be used on; messages without an open folder are INVARIANT;
 *    a closed session throws SESSION_CLOSED whatever it is asked, and closing it again is fine.
 * 5. When the signal aborts, the session ends with INTERRUPTED, or with the SyncError that was the reason.
 */
export function describeInbox(against: Against<InboxWorld>, { describe, test, expect }: Vitest): void {
  /** Opens the INBOX in a session of its own and tells which UID each name has. */
  const look = async (openSession: (known?: SpoolKnown) => Promise<MailSession>, before?: FolderStatus) => {
    const session = await openSession(before && knownFrom(before));
    const status = await session.open("INBOX");
    const byName = await uidsByName(session);
    return { session, status, uid: (name: string): number => byName.get(name) ?? Number.NaN };
  };
  const fill = async (world: InboxWorld, names: readonly string[]): Promise<number[]> => {
    const handles: number[] = [];
    for (const name of names) handles.push(await world.deliver(mail(name)));
    return handles;
  };

  describe("as an INBOX", () => {
    test(
      "numbers its messages in the order in which they came, below UIDNEXT, and tells the same numbers whether asked or opened",
      against(async (world, openSession) => {
        const empty = await (await openSession()).status("INBOX");
        expect(empty.messages).toBe(0);
        await fill(world, ["a", "b", "c"]);
        const session = await openSession();
        const { messages, uidNext, uidValidity } = await session.status("INBOX");
        expect(messages).toBe(3);
        expect(await session.open("INBOX")).toMatchObject({ messages, uidNext, uidValidity });
        const uids = await session.listUids(1, allUids);
        const byName = await uidsByName(session);
        expect(["a", "b", "c"].map((name) => byName.get(name))).toEqual(uids);
        expect(uids).toEqual([...uids].sort((x, y) => x - y));
        expect(uidNext).toBeGreaterThan(uids.at(-1) ?? 0);
      }),
    );

    test(
      "lists the UIDs of a range, both ends included, ascending, and nothing outside of it",
      against(async (world, openSession) => {
        const handles = await fill(world, ["a", "b", "c", "d", "e"]);
        const before = await look(openSession);
        await world.expunge(handles.slice(2, 3));
        const { session, uid } = await look(openSession, before.status);
        const [a, b, d, e] = [uid("a"), uid("b"), uid("d"), uid("e")];
        expect(await session.listUids(1, allUids)).toEqual([a, b, d, e]);
        expect(await session.listUids(b, d)).toEqual([b, d]);
        expect(await session.listUids(d, e)).toEqual([d, e]);
        expect(await session.listUids(e + 1, allUids)).toEqual([]);
        expect(await session.listUids(d, b)).toEqual([]);
        expect(Number.isNaN(uid("c"))).toBe(true);
        expect([before.uid("a"), before.uid("e")]).toEqual([a, e]);
      }),
    );

    test(
      "tells sizes ascending and without what is not there",
      against(async (world, openSession) => {
        await fill(world, ["a", "b", "c"]);
        const { session, uid } = await look(openSession);
        const rows = await session.describe([uid("c"), uid("a"), uid("c") + 1_000]);
        expect(rows.map((row) => row.uid)).toEqual([uid("a"), uid("c")]);
        expect(rows.every((row) => row.size > 0)).toBe(true);
        const all = Array.from({ length: 200 }, (_, at) => at + 1);
        expect((await session.describe([...all, uid("b")])).map((row) => row.uid)).toEqual(
          expect.arrayContaining([uid("a"), uid("b"), uid("c")].filter((one) => one <= 200)),
        );
        expect(await session.describe([])).toEqual([]);
      }),
    );

    test(
      "gives messages whole, byte for byte, each once however often it is asked for; what is not there is absent",
      against(async (world, openSession) => {
        const raws = new Map(oddMail.map(([name, body]) => [name, mail(name, body)]));
        const handles: number[] = [];
        for (const raw of raws.values()) handles.push(await world.deliver(raw));
        const gone = await world.deliver(mail("gone"));
        await world.expunge([gone]);
        const { session, uid } = await look(openSession);
        const uids = [...raws.keys()].map(uid);
        const rows = await collect(session.fetch([...uids, ...uids.slice(0, 2), Math.max(...uids) + 1_000]));
        expect(rows.map((row) => row.uid).sort((x, y) => x - y)).toEqual([...uids].sort((x, y) => x - y));
        for (const [name, raw] of raws) {
          const row = rows.find((one) => one.uid === uid(name));
          expect(Buffer.from(row?.bytes ?? []).equals(raw), `the bytes of ${name}`).toBe(true);
        }
        expect(await collect(session.fetch([]))).toEqual([]);
        expect(await collect(session.fetch([Math.max(...uids) + 1_000]))).toEqual([]);
      }),
    );

    test(
      "gives each row whole while others go",
      against(async (world, openSession) => {
        const names = Array.from({ length: 60 }, (_, at) => `m${at}`);
        const raws = new Map(names.map((one) => [one, mail(one, `${one.padEnd(60_000, "x")}\r\n`)]));
        const handles: number[] = [];
        for (const raw of raws.values()) handles.push(await world.deliver(raw));
        const { session, status, uid } = await look(openSession);
        const gone = ["m0", "m30", "m59"];
        const seen: number[] = [];
        for await (const row of eachMessage(session.fetch(names.map(uid)))) {
          if (seen.length === 0) await world.expunge([handles[0] ?? 0, handles[30] ?? 0, handles[59] ?? 0]);
          seen.push(row.uid);
          const name = names.find((one) => uid(one) === row.uid) ?? "";
          expect(Buffer.from(row.bytes).equals(raws.get(name) ?? Buffer.alloc(0)), `the bytes of ${name}`).toBe(true);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(names.filter((one) => !gone.includes(one) && !seen.includes(uid(one)))).toEqual([]);
        const next = await look(openSession, status);
        expect(await next.session.listUids(1, allUids)).toEqual(names.filter((one) => !gone.includes(one)).map((one) => uid(one)));
      }),
    );

    test(
      "gives one message in pieces that join to it; says of none that it is longer than it is",
      against(async (world, openSession) => {
        const raw = mail("a", `${"another long line ".repeat(60)}\r\n`.repeat(600));
        await world.deliver(raw);
        const { session, uid } = await look(openSession);
        const message = await session.fetchStream(uid("a"));
        const pieces: Uint8Array[] = [];
        for await (const piece of message?.pieces ?? []) pieces.push(piece);
        expect(Buffer.concat(pieces).equals(raw)).toBe(true);
        expect(message).toMatchObject({ uid: uid("a") });
        expect(message?.isWhole()).toBe(true);
        expect(await session.isLongerThan(uid("a"), raw.length)).toBe(false);
        expect(await session.isLongerThan(uid("a") + 1, 0)).toBe(false);
        expect(await session.fetchStream(uid("a") + 1)).toBeUndefined();
      }),
    );

    test(
      "lets pieces be left early, and one that goes meanwhile ends short and says so, or comes whole",
      against(async (world, openSession) => {
        const raw = mail("a", "x".repeat(998).concat("\r\n").repeat(9_000));
        const handle = await world.deliver(raw);
        await world.deliver(mail("b"));
        const session = await openSession();
        await session.open("INBOX");
        const [a = 0, b = 0] = await session.listUids(1, allUids);
        for await (const piece of (await session.fetchStream(a))?.pieces ?? []) {
          expect(piece.length).toBeGreaterThan(0);
          break;
        }
        expect(await session.listUids(1, allUids)).toEqual([a, b]);
        expect((await collect(session.fetch([b]))).map((row) => Buffer.from(row.bytes).toString())).toEqual([mail("b").toString()]);
        const message = await session.fetchStream(a);
        const pieces: Uint8Array[] = [];
        for await (const piece of message?.pieces ?? []) {
          if (pieces.length === 0) await world.expunge([handle]);
          pieces.push(piece);
        }
        const joined = Buffer.concat(pieces);
        expect(message?.isWhole()).toBe(joined.length === raw.length);
        expect(joined.equals(raw.subarray(0, joined.length))).toBe(true);
      }),
    );

    test(
      "shows the first bytes of a message: a beginning of it, with the whole header where that fits; nothing of what is not there",
      against(async (world, openSession) => {
        const raw = mail("a", `${"x".repeat(70)}\r\n`.repeat(100));
        const header = raw.indexOf("\r\n\r\n") + 2;
        await world.deliver(raw);
        const { session, uid } = await look(openSession);
        for (const most of [10, header, 1_000_000]) {
          const bytes = Buffer.from((await session.fetchHead(uid("a"), most))?.bytes ?? []);
          expect(bytes.length).toBeLessThanOrEqual(most);
          expect(bytes.length).toBeGreaterThanOrEqual(Math.min(most, header));
          expect(bytes.equals(raw.subarray(0, bytes.length))).toBe(true);
        }
        expect(await session.fetchHead(uid("a") + 1, 100)).toBeUndefined();
      }),
    );

    test(
      "gives header fields that read the same as the message itself, without what is not there",
      against(async (world, openSession) => {
        const raw = mail("a", `Subject: not this one\r\n${"x".repeat(900)}\r\n`.repeat(5));
        await world.deliver(raw);
        await world.deliver(mail("b"));
        const { session, uid } = await look(openSession);
        const rows = await session.fetchHeaders([uid("b"), uid("a"), uid("b") + 1_000]);
        expect(rows.map((row) => row.uid).sort((x, y) => x - y)).toEqual([uid("a"), uid("b")]);
        const row = rows.find((one) => one.uid === uid("a"));
        expect(fingerprintOf(row?.header ?? new Uint8Array())).toEqual(fingerprintOf(raw));
        expect(row?.header.length).toBeLessThan(raw.length);
        expect(row?.size).toBeGreaterThan(0);
        expect(await session.fetchHeaders([])).toEqual([]);
      }),
    );

    test(
      "knows no other folder than those that it lists, and goes on after it said so",
      against(async (world, openSession) => {
        await fill(world, ["a"]);
        const session = await openSession();
        expect((await session.listFolders()).find((folder) => folder.path === "INBOX")).toMatchObject({ role: "inbox", selectable: true });
        expect(await codeOf(() => session.status("Nowhere"))).toBe("FOLDER_GONE");
        expect((await session.status("INBOX")).messages).toBe(1);
        await session.open("INBOX");
        expect(await codeOf(() => session.open("Nowhere"))).toBe("FOLDER_GONE");
        expect(await codeOf(() => session.listUids(1, allUids))).toBe("INVARIANT");
        expect((await session.open("INBOX")).messages).toBe(1);
        expect(await session.listUids(1, allUids)).toHaveLength(1);
      }),
    );

    test(
      "asks for messages only when it is open, and throws everything once the session is closed",
      against(async (world, openSession) => {
        await fill(world, ["a"]);
        const { uid } = await look(openSession);
        const a = uid("a");
        const session = await openSession();
        const asking: readonly (() => Promise<unknown>)[] = [
          () => session.listUids(1, allUids),
          () => session.describe([a]),
          () => collect(session.fetch([a])),
          () => session.fetchStream(a),
          () => session.isLongerThan(a, 10),
          () => session.fetchHead(a, 10),
          () => session.fetchFlags(1, allUids),
          () => session.fetchHeaders([a]),
          () => session.idle(1, never),
        ];
        for (const ask of asking) expect(await codeOf(ask)).toBe("INVARIANT");
        await session.open("INBOX");
        await session.close();
        await session.close();
        const all = [...asking, () => session.status("INBOX"), () => session.open("INBOX"), () => session.listFolders()];
        for (const ask of all) expect(await codeOf(ask)).toBe("SESSION_CLOSED");
      }),
    );

    test(
      "ends with the session's signal: INTERRUPTED, or the SyncError that was the reason, also in the middle of a message",
      against(async (world) => {
        await world.deliver(mail("a", `${"x".repeat(900)}\r\n`.repeat(9_000)));
        const plain = new AbortController();
        const session = await world.source.open(world.mailbox, world.token, plain.signal);
        await session.open("INBOX");
        plain.abort(new Error("stopped"));
        expect(await codeOf(() => session.status("INBOX"))).toBe("INTERRUPTED");
        await session.close();
        const lost = new AbortController();
        const another = await world.source.open(world.mailbox, world.token, lost.signal);
        await another.open("INBOX");
        const [uid = 0] = await another.listUids(1, allUids);
        const error = await takePieces(another, uid, () => lost.abort(syncError("LEASE_LOST", "taken", { layer: "engine" })));
        expect(isSyncError(error) ? error.failure.code : error).toBe("LEASE_LOST");
        await another.close();
        expect(await codeOf(() => world.source.open(world.mailbox, world.token, AbortSignal.abort(new Error("stopped"))))).toBe(
          "INTERRUPTED",
        );
      }),
    );
  });
}

/** What ended a message, and then a look, that `onPiece` was called in. */
async function takePieces(session: MailSession, uid: number, onPiece: () => void): Promise<unknown> {
  try {
    for await (const piece of (await session.fetchStream(uid))?.pieces ?? []) if (piece.length > 0) onPiece();
    await session.listUids(1, allUids);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Bodies that a client may bend: what must not change on its way, by name. All end with CR LF, and have no LF without CR. */
const oddMail: readonly (readonly [string, string])[] = [
  ["plain", "plain\r\n"],
  ["no-body", ""],
  ["long", `${"long line ".repeat(20)}\r\n`.repeat(400)],
  ["dots", ".\r\n..\r\n...x\r\n.leading\r\nnot. leading\r\n\r\n.\r\n"],
  ["last-dot", "x\r\n.\r\n"],
  ["long-lines", `${"y".repeat(998)}\r\n${"z".repeat(20_000)}\r\n.${"w".repeat(5_000)}\r\n`],
  ["eight-bit", "Gr\u00fc\u00dfe \u4f60\u597d \u{1F4E8}\r\n"],
  ["blank-lines", "\r\n\r\n\r\nx\r\n\r\n"],
  ["from-line", "From ann Fri Jul 17 02:44:25 2026\r\n>From me\r\n"],
  ["bare-return", "half\rline\r\n"],
];
