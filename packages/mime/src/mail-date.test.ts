import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMailDate } from "./mail-date.ts";

describe("a Date field", () => {
  test.each([
    ["Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06.000Z"],
    ["21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06.000Z"],
    ["Mon, 2 Mar 2026 10:00 +0530 (IST)", "2026-03-02T04:30:00.000Z"],
    ["Mon,\t2  Mar 2026 10:00:00 PDT", "2026-03-02T17:00:00.000Z"],
    ["Wed, 29 May 2002 16:54:6 +0300", "2002-05-29T13:54:06.000Z"],
    ["Mon, 21 Aug 95 13:30:57 -600", "1995-08-21T19:30:57.000Z"],
    ["Sat, 31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00.000Z"],
    ["Wed 29 May 2019 06:09:22 PM EDT", "2019-05-29T22:09:22.000Z"],
    ["2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000Z"],
    ["Mon, 2 Mar 2026 10:00:00", "2026-03-02T10:00:00.000Z"],
  ])("%s is %s", (value, iso) => {
    expect(parseMailDate(value)).toEqual({ iso, isZoneGuessed: false });
  });

  test.each(["Fri, 30 Aug 2002 21:48:08 Eastern Daylight Time", "Fri, 30 Aug 2002 21:48:08 +-0500"])(
    "%s is taken as UTC, and said to be a guess",
    (value) => {
      expect(parseMailDate(value)).toEqual({ iso: "2002-08-30T21:48:08.000Z", isZoneGuessed: true });
    },
  );

  test.each([
    "",
    "yesterday",
    "31 Feb 2026 10:00:00 +0000",
    "Wed, 15 Dec 2010 59:10 -0500",
    "1 Foo 2026 10:00:00 +0000",
    "1 ".repeat(100_000),
  ])("%.40s cannot be read", (value) => {
    expect(parseMailDate(value)).toBeUndefined();
  });

  test("reads back what mail programs write", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("2099-12-31"), noInvalidDate: true }), (date) => {
        date.setUTCMilliseconds(0);
        expect(parseMailDate(date.toUTCString())?.iso).toBe(date.toISOString());
      }),
    );
  });
});
