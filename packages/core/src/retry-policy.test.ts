import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureCodes, type FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";
import { decideRetry, retryCapMs, type RetryQuestion } from "./retry-policy.ts";

const start = Date.UTC(2026, 10, 23);
const minute = 60_000;
const hour = 60 * minute;

function ask(code: FailureCode, tries: number, more: Partial<RetryQuestion> = {}): ReturnType<typeof decideRetry> {
  return decideRetry({ code, tries, since: start, now: start, opened: false, random: 0, ...more });
}

function hinted(hintMs: number): ErrorFacts {
  return { layer: "imap", hintMs };
}

describe("refusals", () => {
  test.each(["TOKEN_REJECTED", "MAILBOX_ACCESS_DENIED"] as const)("%s parks a mailbox that never opened after two quick looks", (code) => {
    expect([1, 2, 3, 9].map((tries) => ask(code, tries))).toEqual([
      { state: "waiting", inMs: 3_000 },
      { state: "waiting", inMs: 10_000 },
      { state: "parked", inMs: hour },
      { state: "parked", inMs: hour },
    ]);
  });

  test.each(["TOKEN_REJECTED", "MAILBOX_ACCESS_DENIED"] as const)(
    "%s is judged over more than an hour where the mailbox had opened",
    (code) => {
      expect([1, 2, 3, 4].map((tries) => ask(code, tries, { opened: true }))).toEqual([
        { state: "waiting", inMs: 5 * minute },
        { state: "waiting", inMs: 15 * minute },
        { state: "waiting", inMs: hour },
        { state: "parked", inMs: hour },
      ]);
    },
  );
});

test.each(["IN-USE", "LOGIN-DELAY"])("a spool that says %s is left alone for 5 to 15 minutes", (code) => {
  const waits = [0, 0.5, 0.999].flatMap((random) =>
    [1, 9].map((tries) => ask("CONNECTION_LIMIT", tries, { facts: { layer: "pop3", code }, random }).inMs),
  );
  expect(Math.min(...waits)).toBe(5 * minute);
  expect(Math.max(...waits)).toBeLessThanOrEqual(15 * minute);
});

describe("throttling", () => {
  test.each([
    ["a hint is kept to its end", 299_910, 1, 0, 299_910],
    ["and jittered after it", 299_910, 1, 0.5, 299_910 + 15_496],
    ["a short hint is believed once", 2_000, 1, 0, 2_000],
    ["and is a minute when it comes again", 2_000, 2, 0, minute],
    ["a hint of years is two hours", 1e12, 1, 0, 2 * hour],
    ["a hint below zero is a second", -5, 1, 0, 1_000],
    ["no number is no hint", Number.NaN, 1, 0, 5 * minute],
  ])("%s", (_name, hintMs, tries, random, inMs) => {
    expect(ask("SERVER_THROTTLED", tries, { facts: hinted(hintMs), random })).toEqual({ state: "waiting", inMs: Math.round(inMs) });
  });

  test("without a hint it waits five minutes, and longer each time up to an hour", () => {
    expect([1, 2, 99].map((tries) => ask("SERVER_THROTTLED", tries).inMs)).toEqual([5 * minute, 10 * minute, hour]);
  });

  test("the token endpoint's wait is kept, a minute without one, an hour at most", () => {
    expect(ask("ENTRA_THROTTLED", 1, { facts: hinted(90_000) }).inMs).toBe(90_000);
    expect(ask("ENTRA_THROTTLED", 1).inMs).toBe(minute);
    expect(ask("ENTRA_THROTTLED", 1, { facts: hinted(1e12) }).inMs).toBe(hour);
  });
});

describe("sessions", () => {
  test("an expired session goes on at once, and not in a hot loop", () => {
    expect([1, 2].map((tries) => ask("SESSION_EXPIRED", tries))).toEqual([
      { state: "waiting", inMs: 0 },
      { state: "waiting", inMs: 0 },
    ]);
    expect(ask("SESSION_EXPIRED", 3, { random: 0.99 }).inMs).toBeGreaterThan(minute);
  });

  test.each(["CONNECT_TIMEOUT", "CONNECT_REFUSED", "DNS", "SESSION_CLOSED"] as const)(
    "%s backs off with full jitter up to 5 minutes and never parks",
    (code) => {
      const most = [1, 2, 3, 4, 5, 500].map((tries) => ask(code, tries, { random: 0.999_999 }));
      expect(most.map(({ inMs }) => Math.round(inMs / 1_000))).toEqual([1, 5, 30, 120, 300, 300]);
      expect(most.every(({ state }) => state === "waiting")).toBe(true);
      expect(ask(code, 5, { random: 0 }).inMs).toBe(500);
    },
  );

  test("a bad certificate is not asked for more often than every 30 s", () => {
    expect(ask("TLS_HANDSHAKE", 1, { random: 0 }).inMs).toBe(30_000);
  });

  test.each([
    ["UNCLASSIFIED", 3],
    ["PROTOCOL_VIOLATION", 5],
  ] as const)("%s parks after %i tries", (code, tries) => {
    expect(ask(code, tries).state).toBe("waiting");
    expect(ask(code, tries + 1)).toEqual({ state: "parked", inMs: hour });
  });
});

describe("tenants", () => {
  test("missing consent is looked at every 10 minutes for an hour, then hourly", () => {
    expect(ask("ENTRA_CONSENT_MISSING", 3, { now: start + 59 * minute })).toEqual({ state: "parked", inMs: 10 * minute });
    expect(ask("ENTRA_CONSENT_MISSING", 9, { now: start + 61 * minute })).toEqual({ state: "parked", inMs: hour });
  });

  test.each([
    "ENTRA_CREDENTIAL_EXPIRED",
    "ENTRA_APP_UNKNOWN",
    "ENTRA_TENANT_UNKNOWN",
    "ENTRA_SCOPE_INVALID",
    "ENTRA_TOKEN_MISMATCH",
  ] as const)("%s parks at once", (code) => {
    expect(ask(code, 1)).toEqual({ state: "parked", inMs: hour });
  });

  test("a wrong secret is tried three times within five minutes, for it may be fresh", () => {
    const waits = [1, 2, 3].map((tries) => ask("ENTRA_CREDENTIAL_INVALID", tries, { random: 0.999 }));
    expect(waits.every(({ state }) => state === "waiting")).toBe(true);
    expect(waits.reduce((sum, { inMs }) => sum + inMs, 0)).toBeLessThanOrEqual(5 * minute);
    expect(ask("ENTRA_CREDENTIAL_INVALID", 4).state).toBe("parked");
  });
});

test("every code has an answer that is neither in the past nor beyond the cap, whatever the numbers", () => {
  const question = fc.record({
    code: fc.constantFrom(...failureCodes),
    tries: fc.oneof(fc.integer(), fc.constantFrom(Number.NaN, 0, -1, 1e9)),
    since: fc.integer({ min: start - 3 * hour, max: start + hour }),
    now: fc.oneof(fc.constant(start), fc.integer({ min: 0, max: 2 * start })),
    opened: fc.boolean(),
    random: fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000),
    facts: fc.oneof(fc.integer({ min: -5_000, max: 10_000_000 }), fc.double()).map(hinted),
  });
  fc.assert(
    fc.property(question, (some) => {
      const { state, inMs } = decideRetry(some);
      expect(["waiting", "parked"]).toContain(state);
      expect(Number.isSafeInteger(inMs)).toBe(true);
      expect(inMs).toBeGreaterThanOrEqual(0);
      expect(inMs).toBeLessThanOrEqual(retryCapMs);
    }),
  );
});

test("what is parked is looked at every ten minutes at most; one that a tenant is parked for costs one look for all, so every minute", () => {
  const quick: readonly string[] = ["ENTRA_CLOCK_WRONG", "EXCHANGE_PRINCIPAL_UNKNOWN"];
  for (const code of failureCodes) {
    for (const tries of [1, 2, 3, 4, 5, 6, 50]) {
      const decision = ask(code, tries);
      if (decision.state === "parked") expect(decision.inMs).toBeGreaterThanOrEqual((quick.includes(code) ? 1 : 10) * minute);
    }
  }
});
