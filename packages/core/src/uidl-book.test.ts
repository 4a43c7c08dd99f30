import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dealUidls, forgetRemoved, isUidlOf, nameInPlace, spoolUidValidity, type UidlBook, uidlOf, uidOfUidl } from "./uidl-book.ts";
import { packUidls, unpackUidls } from "./uidl-codec.ts";
import { digestMark, hashUidl } from "./uidl-hash.ts";

const bookOf = (...uidls: readonly string[]): UidlBook => ({ uidls });
const repacked = (book: UidlBook): UidlBook => unpackUidls(packUidls({ uidls: book.uidls }));

/** Dovecot's default, `%08Xu%08Xv`. */
const dovecot = (count: number): string[] => Array.from({ length: count }, (_, i) => `${(i + 1).toString(16).padStart(8, "0")}6a1b2c3d`);
const alphabet = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
function random(count: number, length: number): string[] {
  let state = 7;
  const next = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 9;
  return Array.from({ length: count }, () => Array.from({ length }, () => alphabet[next() % alphabet.length]).join(""));
}

/** UIDLs of many kinds, none twice. */
const uidls = fc.uniqueArray(
  fc.oneof(
    fc.integer({ min: 1, max: 300 }).map(String),
    fc.integer({ min: 1, max: 300 }).map((n) => `${n.toString(16).padStart(8, "0")}6a1b2c3d`),
    fc.integer({ min: 1, max: 300 }).map((n) => `UID${n}-1234567890`),
    fc.integer({ min: 0, max: 0xffff }).map((n) => `AB${n.toString(16).toUpperCase().padStart(4, "0")}Z`),
    fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 70 }),
  ),
  { maxLength: 60 },
);

describe("numbers for UIDLs", () => {
  test("are the UIDLs themselves where all are numbers", () => {
    expect(dealUidls(undefined, ["7", "9", "4711"])).toEqual({
      uids: [7, 9, 4711],
      book: undefined,
      uidValidity: spoolUidValidity.ownNumbers,
    });
  });

  test.each([
    ["one that is no number", ["7", "9", "AAMkAD"]],
    ["a number above every UID", ["7", "4294967295"]],
    ["another way to write a number", ["7", "08"]],
    ["a number twice", ["7", "9", "7"]],
  ])("are dealt in the order of the list with %s among them", (_what, listed) => {
    expect(dealUidls(undefined, listed)).toMatchObject({ uids: listed.map((_, at) => at + 1), uidValidity: spoolUidValidity.dealtNumbers });
  });

  test("of a list that begins with the newest rise with their age all the same", () => {
    const { uids, book } = dealUidls(bookOf("a", "b"), ["d", "c", "b", "a"]);
    expect(uids).toEqual([4, 3, 2, 1]);
    expect(book).toEqual(bookOf("a", "b", "c", "d"));
    expect(dealUidls(undefined, ["12", "11", "legacy", "3"]).uids).toEqual([4, 3, 2, 1]);
    expect(dealUidls(bookOf("x"), ["12", "11", "3"]).uids).toEqual([4, 3, 2]);
  });

  test("are two for a UIDL that the list repeats", () => {
    const first = dealUidls(bookOf("a"), ["a", "b", "b"]);
    expect(first.uids).toEqual([1, 2, 3]);
    expect(dealUidls(first.book, ["a", "b", "b", "c"]).uids).toEqual([1, 2, 3, 4]);
    expect([2, 3].map((uid) => uidlOf(first.book, uid))).toEqual(["b", "b"]);
  });

  test("a book that nothing is added to is the same object", () => {
    const book = bookOf("a", "b", "c");
    expect(dealUidls(book, ["a", "c"]).book).toBe(book);
    expect(dealUidls(book, []).book).toBe(book);
  });

  test("a digest is known again, and told by its text from then on", () => {
    const book = bookOf("a", hashUidl("long"), "c");
    expect(uidlOf(book, 2)).toBeUndefined();
    expect([isUidlOf(book, 2, "long"), isUidlOf(book, 2, "other"), isUidlOf(book, 1, "a"), isUidlOf(book, 9, "a")]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(["a", "long", "other"].map((uidl) => uidOfUidl(book, uidl))).toEqual([1, 2, undefined]);
    expect(["7", "word"].map((uidl) => uidOfUidl(undefined, uidl))).toEqual([7, undefined]);
    expect(dealUidls(book, ["a", "long", "c"])).toMatchObject({ uids: [1, 2, 3], book: bookOf("a", "long", "c") });
  });

  test("a UIDL that was forgotten is dealt another number", () => {
    expect(dealUidls(bookOf("", "b"), ["a", "b"])).toMatchObject({ uids: [3, 1 + 1], book: bookOf("", "b", "a") });
  });

  test("never are two for one UIDL or one for two, and stay what they are", () => {
    fc.assert(
      fc.property(uidls, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), uidls, (first, isGone, more) => {
        const listed = first.filter((_, at) => !isGone[at]);
        const before = dealUidls(undefined, first);
        const added = more.filter((uidl) => !first.includes(uidl));
        const after = dealUidls(before.book && repacked(before.book), [...listed, ...added]);
        expect(new Set(after.uids).size).toBe(after.uids.length);
        if (after.uidValidity === before.uidValidity) {
          for (const [at, uidl] of listed.entries()) expect(after.uids[at]).toBe(before.uids[first.indexOf(uidl)]);
        }
        for (const [at, uidl] of [...listed, ...added].entries()) expect(uidlOf(after.book, after.uids[at] as number)).toBe(uidl);
        if (listed.length > 0 && before.book !== undefined) {
          const newest = first.length;
          expect(after.uids.slice(listed.length)).toEqual(added.map((_, at) => newest + 1 + at));
        }
      }),
    );
  });

  test("are forgotten of the oldest removed messages, a thousand at a time", () => {
    const book = bookOf(...Array.from({ length: 5_000 }, (_, at) => `u${at + 1}`));
    const removed = [
      [1, 1_500],
      [2_000, 3_000],
    ] as const;
    expect(forgetRemoved(book, removed, 1_600)).toBe(book);
    const forgetful = forgetRemoved(book, removed, 500);
    expect(forgetful.uidls.flatMap((uidl, at) => (uidl === "" ? [at + 1] : []))).toEqual([
      ...Array.from({ length: 1_500 }, (_, at) => at + 1),
      ...Array.from({ length: 500 }, (_, at) => 2_000 + at),
    ]);
    expect(forgetRemoved(forgetful, removed, 500)).toBe(forgetful);
    expect(dealUidls(forgetful, ["u1", "u2600", "u4000"]).uids).toEqual([5_001, 2_600, 4_000]);
  });

  test("of 100,000 are dealt in a pass or two, known, new, with holes, or by their digests", () => {
    const all = random(100_000, 70);
    const book = dealUidls(undefined, all).book as UidlBook;
    const holed = all.filter((_, at) => at % 7 !== 3);
    const digests = repacked(book);
    const tookMs = [
      [book, all],
      [book, holed],
      [undefined, all],
      [digests, holed],
    ].map(([known, listed]) => {
      // The best of three: what the machine does beside it is not what is measured.
      const times = [1, 2, 3].map(() => {
        const startedAt = performance.now();
        dealUidls(known as UidlBook | undefined, listed as string[]);
        return performance.now() - startedAt;
      });
      return Math.round(Math.min(...times));
    });
    // 3 to 60 ms on a machine with nothing else to do; what grows with the square of their number takes minutes.
    expect(Math.max(...tookMs)).toBeLessThan(10_000);
  });
});

describe("what an event says of where its message is", () => {
  test.each([
    ["UID and UIDVALIDITY of a folder", { uidValidity: "14" }, undefined, { uid: 2, uidValidity: "14" }],
    ["the number that is the UIDL", { uidValidity: spoolUidValidity.ownNumbers }, undefined, { uidl: "2" }],
    ["the UIDL that has the number", { uidValidity: spoolUidValidity.dealtNumbers }, bookOf("a", "b"), { uidl: "b" }],
    ["nothing for one that is forgotten", { uidValidity: spoolUidValidity.dealtNumbers }, bookOf("a", ""), {}],
    ["nothing for one whose book is gone", { uidValidity: spoolUidValidity.dealtNumbers }, undefined, {}],
  ])("%s", (_what, place, book, told) => {
    expect(nameInPlace(place, 2, book)).toEqual(told);
  });
});

describe("a packed book", () => {
  test("unpacks to itself", () => {
    fc.assert(
      fc.property(uidls, (list) => {
        expect(repacked({ uidls: list })).toEqual({ uidls: list });
      }),
    );
  });

  test("unpacks to itself with forgotten ones and digests", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(""), fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1 }), fc.constant(hashUidl("x")))),
        (list) => {
          expect(repacked({ uidls: list })).toEqual({ uidls: list });
        },
      ),
    );
  });

  test("is refused or read when it is damaged, and never something else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          unpackUidls(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  test("of 100,000 of Dovecot's is a few bytes, with holes some more", () => {
    expect(packUidls({ uidls: dovecot(100_000) }).length).toBeLessThan(100);
    const holed = dovecot(110_000).filter((_, at) => at % 11 !== 5);
    const bytes = packUidls({ uidls: holed }).length;
    expect(bytes).toBeLessThan(64 * 1024);
    expect(repacked({ uidls: holed })).toEqual({ uidls: holed });
  });

  test("of 100,000 random UIDLs of 70 characters stays below 1 MB, and knows each again", () => {
    const all = random(100_000, 70);
    const text = packUidls({ uidls: all });
    expect(text.length).toBeLessThan(910_000);
    const known = unpackUidls(text);
    expect(known.uidls.filter((entry) => entry.startsWith(digestMark)).length).toBe(99_999);
    const again = dealUidls(
      known,
      all.filter((_, at) => at % 3 > 0),
    );
    expect(again.uids).toEqual(all.map((_, at) => at + 1).filter((_, at) => at % 3 > 0));
    expect(uidlOf(known, 100_000)).toBe(all.at(-1));
  });

  test("of 20,000 short ones keeps the texts", () => {
    const all = random(20_000, 9);
    expect(repacked({ uidls: all })).toEqual({ uidls: all });
  });
});
