import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tokenFailureCodes } from "./classify-token-error.ts";
import { holdMs, nextFailure, packFailure, unpackFailure } from "./token-failure.ts";

const anyRandom = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000);
const asIs = (text: string): string => text;

describe("after a failed token request", () => {
  test("a wrong secret is tried three times a minute apart, because a new one takes time to be known, then seldom", () => {
    expect([1, 2, 3, 4, 9].map((tries) => holdMs("ENTRA_CREDENTIAL_INVALID", tries, undefined, 0))).toEqual([
      60_000, 60_000, 60_000, 600_000, 600_000,
    ]);
  });

  test("an outage is looked at from 2 s up to a minute", () => {
    expect([1, 2, 3, 6, 5_000].map((tries) => holdMs("ENTRA_UNAVAILABLE", tries, undefined, 0.999))).toEqual(
      [2, 4, 8, 60, 60].map((seconds) => expect.closeTo(seconds * 1000, -3)),
    );
  });

  test("a wait hint is never cut short, and never believed above an hour", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 3_600_000 }), anyRandom, (hint, random) => {
        expect(holdMs("ENTRA_THROTTLED", 1, hint, random)).toBeGreaterThanOrEqual(hint);
        expect(holdMs("ENTRA_UNAVAILABLE", 1, hint, random)).toBeGreaterThanOrEqual(hint);
        expect(holdMs("ENTRA_THROTTLED", 1, hint * 10_000, random)).toBe(3_600_000);
      }),
    );
  });

  test("every code holds, and for at most an hour", () => {
    for (const code of tokenFailureCodes) {
      for (const tries of [1, 7, 100_000]) {
        const ms = holdMs(code, tries, undefined, 0.5);
        expect(ms).toBeGreaterThanOrEqual(1_000);
        expect(ms).toBeLessThanOrEqual(3_600_000);
      }
    }
  });

  test("tries count up with the same code and start anew with another", () => {
    const facts = { layer: "entra" } as const;
    const once = nextFailure(undefined, "ENTRA_UNAVAILABLE", facts, 0, 0);
    const twice = nextFailure(once, "ENTRA_UNAVAILABLE", facts, 0, 0);
    expect([once.tries, twice.tries, nextFailure(twice, "ENTRA_APP_UNKNOWN", facts, 0, 0).tries]).toEqual([1, 2, 1]);
  });

  test("what is stored reads back", () => {
    const facts = { layer: "entra", code: "invalid_client", number: 7000222, httpStatus: 401, text: "expired", hintMs: 9_000 } as const;
    const failure = nextFailure(undefined, "ENTRA_CREDENTIAL_EXPIRED", facts, 1_000, 0);
    expect(unpackFailure(packFailure(failure), 1_000, asIs)).toEqual(failure);
  });

  test("a stored failure can't stop a tenant for ever, name a code of its own, or bring a text unscrubbed", () => {
    const stored = { f: 1, code: "ENTRA_UNAVAILABLE", tries: 1, until: Number.MAX_SAFE_INTEGER, facts: { layer: "x", text: "canary" } };
    expect(unpackFailure(JSON.stringify(stored), 1_000, () => "clean")).toEqual({
      code: "ENTRA_UNAVAILABLE",
      tries: 1,
      until: 3_601_000,
      facts: { layer: "entra", text: "clean" },
    });
    expect(unpackFailure(JSON.stringify({ ...stored, code: "INVARIANT" }), 1_000, asIs)).toBeUndefined();
    expect(unpackFailure(JSON.stringify({ ...stored, until: -1 }), 1_000, asIs)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => unpackFailure(text, 0, asIs) === undefined));
  });
});
