import { describe, expect, it } from "vitest";
import { hashText, Random } from "../world/random.ts";
import { FaultBook, FaultOrderError } from "./fault-book.ts";

function randomOf(name: string): () => number {
  const random = new Random(hashText(`1/${name}`));
  return () => random.fraction();
}

function bookAt(clock: { now: number }): FaultBook {
  return new FaultBook({ now: () => clock.now, random: randomOf });
}

describe("the fault book", () => {
  it("strikes only at the place and in the time that was ordered", () => {
    const clock = { now: 1_000 };
    const book = bookAt(clock);
    book.add({ name: "throttle", tenant: "contoso", mailbox: "A@contoso.example", afterMs: 500, forMs: 1_000 });
    const here = { tenant: "contoso", mailbox: "a@contoso.example" };
    expect(book.strike("throttle", here)).toBeUndefined();
    clock.now = 1_500;
    expect(book.strike("throttle", here)?.number("hintMs")).toBe(300_000);
    expect(book.strike("throttle", { tenant: "contoso", mailbox: "b@contoso.example" })).toBeUndefined();
    expect(book.strike("throttle", { tenant: "fabrikam", mailbox: "a@contoso.example" })).toBeUndefined();
    clock.now = 2_500;
    expect(book.strike("throttle", here)).toBeUndefined();
    expect(book.list()).toEqual([]);
  });

  it("strikes as often as ordered; asking whether it holds is no strike", () => {
    const book = bookAt({ now: 0 });
    book.add({ name: "throttle", times: 2 });
    expect(book.holds("throttle", {})).toBeDefined();
    expect([1, 2, 3].map(() => book.strike("throttle", {}) !== undefined)).toEqual([true, true, false]);
  });

  it("draws chances from the seed: two runs with the same orders strike at the same occasions", () => {
    const run = (): boolean[] => {
      const book = bookAt({ now: 0 });
      book.add({ name: "throttle", chance: 0.3 });
      return Array.from({ length: 100 }, () => book.strike("throttle", {}) !== undefined);
    };
    const first = run();
    expect(first).toEqual(run());
    expect(first.filter(Boolean).length).toBeGreaterThan(10);
    expect(first.filter(Boolean).length).toBeLessThan(60);
  });

  it("refuses an order with all its mistakes at once, and changes nothing", () => {
    const book = bookAt({ now: 0 });
    expect(() => book.add({ name: "throttle", params: { hintMs: 1, answer: "MAYBE", colour: 3 }, times: 0, chance: 2 })).toThrow(
      /hintMs.*answer.*colour.*times.*chance/,
    );
    expect(() => book.add({ name: "no-such" })).toThrow(FaultOrderError);
    expect(book.list()).toEqual([]);
  });

  it("counts a fault's time from its first strike, where that is ordered", () => {
    const clock = { now: 0 };
    const book = bookAt(clock);
    book.add({ name: "throttle", forMs: 100, fromFirst: true });
    clock.now = 5_000;
    expect(book.strike("throttle", {})?.until).toBe(5_100);
    clock.now = 5_099;
    expect(book.strike("throttle", {})).toBeDefined();
    clock.now = 5_100;
    expect(book.strike("throttle", {})).toBeUndefined();
    expect(book.list()).toEqual([]);
  });

  it("strikes only what passes the filter, and counts only that", () => {
    const book = bookAt({ now: 0 });
    book.add({ name: "throttle", times: 1, params: { at: "login" } });
    expect(book.strike("throttle", {}, (fault) => fault.word("at") === "command")).toBeUndefined();
    expect(book.strike("throttle", {}, (fault) => fault.word("at") === "login")).toBeDefined();
    expect(book.strike("throttle", {})).toBeUndefined();
  });

  it("hands out an event of its own once, when its time has come", () => {
    const clock = { now: 0 };
    const book = bookAt(clock);
    book.add({ name: "uidvalidity-bump", mailbox: "a@contoso.example", afterMs: 10 });
    expect(book.take("uidvalidity-bump")).toEqual([]);
    clock.now = 10;
    expect(book.take("uidvalidity-bump").map(({ target }) => target.mailbox)).toEqual(["a@contoso.example"]);
    expect(book.isOrdered("uidvalidity-bump")).toBe(false);
  });

  it("refuses what it would pass over: times for what lasts, and places that are not known there", () => {
    const book = bookAt({ now: 0 });
    expect(() => book.add({ name: "budget", times: 1, chance: 0.5 })).toThrow(/budget lasts.*times.*chance/);
    expect(() => book.add({ name: "folders-many", forMs: 1 })).toThrow("folders-many happens once and takes no forMs");
    expect(() => book.add({ name: "auth-no", folder: "INBOX", uid: 1 })).toThrow(/auth-no knows no folder.*no uid/);
    expect(() => book.add({ name: "greeting-none", mailbox: "a@contoso.example" })).toThrow("greeting-none knows no mailbox");
    expect(() => book.add({ name: "reset", folder: "INBOX", uid: 1 })).not.toThrow();
  });

  it("takes one back by its number, or all", () => {
    const book = bookAt({ now: 0 });
    const id = book.add({ name: "throttle" });
    book.add({ name: "token-stall" });
    expect(book.remove(id)).toBe(true);
    expect(book.remove(id)).toBe(false);
    expect(book.list().map(({ order }) => order.name)).toEqual(["token-stall"]);
    book.clear();
    expect(book.list()).toEqual([]);
  });
});
