import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lookFolder, packListing, unpackListing, type Listing } from "./listing.ts";

const listing: Listing = { at: 1_795_000_000_000, rules: "abcdef", wireNames: {}, aside: [] };

describe("a listing", () => {
  test("is kept and read back, whatever folders are called", () => {
    const texts = fc.dictionary(fc.string({ unit: "binary", maxLength: 9 }), fc.string({ maxLength: 9 }), { maxKeys: 5 });
    fc.assert(
      fc.property(
        fc.nat(),
        fc.string(),
        texts,
        fc.array(fc.string({ maxLength: 9 }), { maxLength: 5 }),
        (seconds, rules, wireNames, aside) => {
          const given = { at: seconds * 1_000, rules, wireNames: { ...wireNames }, aside };
          expect(unpackListing(packListing(given))).toEqual(given);
        },
      ),
    );
  });

  test("of a mailbox without anything unusual takes less than 30 bytes", () => {
    expect(packListing(listing).length).toBeLessThan(30);
  });

  test("says whether the server can be looked at at all", () => {
    expect(unpackListing(packListing({ ...listing, isBarred: true }))).toEqual({ ...listing, isBarred: true });
  });

  test.each(["", "{}", "[]", '[2,1,"a"]', '[1,"a","b"]', '[1,1,"a",0,{"a":1},[]]', '[1,1,"a",0,{},{}]', '[1,1,"a",0,{},[1]]', "null"])(
    "%j is none",
    (text) => {
      expect(unpackListing(text)).toBeUndefined();
    },
  );

  test("gives a folder its name on the wire, and not that of an object's own members", () => {
    expect(lookFolder("Projects/Aurora", { wireNames: { "Projects/Aurora": "Projects.Aurora" } })).toEqual({
      path: "Projects/Aurora",
      wireName: "Projects.Aurora",
    });
    expect(lookFolder("constructor", { wireNames: {} })).toEqual({ path: "constructor" });
  });
});
