import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureCodes } from "./failure-code.ts";
import { type Failure, syncError } from "./failure.ts";
import { judge, refusalKind, type Verdict } from "./judge.ts";
import type { NeighbourView } from "./neighbours.ts";
import type { TenantHold } from "./tenant-hold.ts";
import { taxonomy } from "./taxonomy.ts";

const now = 1_780_000_000_000;
const minute = 60_000;
const failed = (code: Failure["code"], over: Partial<Failure["facts"]> = {}): Failure =>
  syncError(code, "said", { layer: "imap", text: "the words", ...over }).failure;
const view = (over: Partial<NeighbourView> = {}): NeighbourView => ({
  mailboxes: 100,
  refused: { login: 0, access: 0, reach: 0, throttle: 0 },
  refusedForMs: minute,
  openedLately: 0,
  openedAgoMs: 2 * minute,
  others: { active: 4, down: 0, open: 4 },
  ...over,
});
const refused = (over: Partial<NeighbourView["refused"]>): NeighbourView["refused"] => ({
  login: 0,
  access: 0,
  reach: 0,
  throttle: 0,
  ...over,
});
const held = (code: Failure["code"], state: "parked" | "waiting", tries = 1): TenantHold => ({
  id: "7",
  cause: { code, scope: taxonomy[code].scope, text: "before", since: now - minute, tries, nextAt: now, state },
});
const told = (verdict: Verdict): string => (verdict.kind === "tenant" ? `${verdict.order.code} ${verdict.order.state}` : verdict.kind);
const verdictOf = (failure: Failure, seen?: NeighbourView, hold?: TenantHold): Verdict =>
  judge({ failure, now, random: 0.5, ...(seen && { view: seen }), ...(hold && { hold }) });

describe("a refusal is judged by its neighbours:", () => {
  test.each([
    [
      "one mailbox is refused while others open",
      failed("TOKEN_REJECTED"),
      view({ refused: refused({ login: 1 }), refusedForMs: 0 }),
      "mailbox",
    ],
    [
      "a few in a row, faster than others could report",
      failed("TOKEN_REJECTED"),
      view({ refused: refused({ login: 9 }), refusedForMs: 9_000 }),
      "mailbox",
    ],
    ["all of a tenant that never opened", failed("TOKEN_REJECTED"), neverOpened(), "EXCHANGE_PRINCIPAL_UNKNOWN parked"],
    [
      "all of a tenant that worked, first seen",
      failed("TOKEN_REJECTED"),
      view({ refused: refused({ login: 3 }) }),
      "EXCHANGE_PRINCIPAL_UNKNOWN waiting",
    ],
    [
      "a login is refused where another one was accepted",
      failed("TOKEN_REJECTED"),
      view({ refused: refused({ login: 3, access: 1 }) }),
      "mailbox",
    ],
    [
      "no mailbox of a tenant is granted to the app",
      failed("MAILBOX_ACCESS_DENIED"),
      view({ refused: refused({ access: 50 }) }),
      "mailbox",
    ],
    ["a tenant of two, at once", failed("TOKEN_REJECTED"), view({ mailboxes: 2, refused: refused({ login: 2 }) }), "mailbox"],
    [
      "a tenant of two, for long",
      failed("TOKEN_REJECTED"),
      view({ mailboxes: 2, refused: refused({ login: 2 }), refusedForMs: 11 * minute }),
      "EXCHANGE_PRINCIPAL_UNKNOWN waiting",
    ],
    [
      "three tenants at once",
      failed("TOKEN_REJECTED"),
      view({ refused: refused({ login: 3 }), others: { active: 90, down: 2, open: 88 } }),
      "SERVICE_INCIDENT waiting",
    ],
    [
      "two of three tenants at once, after the login",
      failed("MAILBOX_ACCESS_DENIED"),
      view({ refused: refused({ access: 3 }), others: { active: 2, down: 1, open: 1 } }),
      "SERVICE_INCIDENT waiting",
    ],
    [
      "two of many tenants at once",
      failed("MAILBOX_ACCESS_DENIED"),
      view({ refused: refused({ access: 3 }), others: { active: 9, down: 1, open: 8 } }),
      "mailbox",
    ],
    [
      "no server for many tenants",
      failed("SERVER_UNAVAILABLE"),
      view({ refused: refused({ reach: 3 }), others: { active: 5, down: 3, open: 0 } }),
      "SERVICE_INCIDENT waiting",
    ],
    ["no server for one tenant", failed("CONNECT_TIMEOUT"), view({ refused: refused({ reach: 30 }) }), "mailbox"],
    [
      "five throttled while four open",
      failed("SERVER_THROTTLED"),
      view({ refused: refused({ throttle: 5 }), openedLately: 4 }),
      "SERVER_THROTTLED waiting",
    ],
    [
      "five throttled while many open",
      failed("SERVER_THROTTLED"),
      view({ refused: refused({ throttle: 5 }), openedLately: 60 }),
      "mailbox",
    ],
    [
      "one server that wants passwords while others open",
      failed("LOGIN_METHOD_REFUSED"),
      view({ refused: refused({ login: 1 }), openedLately: 3 }),
      "mailbox",
    ],
    [
      "a server that wants passwords",
      failed("LOGIN_METHOD_REFUSED"),
      view({ refused: refused({ login: 1 }) }),
      "LOGIN_METHOD_REFUSED parked",
    ],
  ] as const)("%s", (_name, failure, seen, verdict) => {
    expect(told(verdictOf(failure, seen))).toBe(verdict);
  });

  test("a dead credential is the tenant's at the first failure, an outage of the token service makes it wait", () => {
    for (const code of failureCodes.filter((one) => one.startsWith("ENTRA_"))) {
      const isOutage = code === "ENTRA_THROTTLED" || code === "ENTRA_UNAVAILABLE";
      expect(told(verdictOf(failed(code, { layer: "entra" })))).toBe(`${code} ${isOutage ? "waiting" : "parked"}`);
    }
    expect(told(verdictOf(failed("UNCLASSIFIED", { layer: "entra" })))).toBe("UNCLASSIFIED waiting");
  });
});

function neverOpened(): NeighbourView {
  const { openedAgoMs: _never, ...rest } = view({ refused: refused({ login: 3 }) });
  return rest;
}

describe("the canary of a held tenant", () => {
  const allRefused = view({ refused: refused({ login: 9 }), refusedForMs: 6 * minute });
  const alone = { ...allRefused, others: { active: 0, down: 0, open: 0 } };
  test.each([
    [
      "is refused at the first look, which is soon",
      held("EXCHANGE_PRINCIPAL_UNKNOWN", "waiting"),
      failed("TOKEN_REJECTED"),
      allRefused,
      "EXCHANGE_PRINCIPAL_UNKNOWN waiting",
    ],
    [
      "is refused still, while other tenants open",
      held("EXCHANGE_PRINCIPAL_UNKNOWN", "waiting", 2),
      failed("TOKEN_REJECTED"),
      allRefused,
      "EXCHANGE_PRINCIPAL_UNKNOWN parked",
    ],
    [
      "is refused still, with nobody to compare",
      held("EXCHANGE_PRINCIPAL_UNKNOWN", "waiting", 4),
      failed("TOKEN_REJECTED"),
      alone,
      "EXCHANGE_PRINCIPAL_UNKNOWN waiting",
    ],
    [
      "is refused for two hours, with nobody to compare",
      held("EXCHANGE_PRINCIPAL_UNKNOWN", "waiting", 5),
      failed("TOKEN_REJECTED"),
      alone,
      "EXCHANGE_PRINCIPAL_UNKNOWN parked",
    ],
    ["logs in, though it has no access", held("EXCHANGE_PRINCIPAL_UNKNOWN", "parked"), failed("MAILBOX_ACCESS_DENIED"), view(), "mailbox"],
    [
      "meets an incident while parked",
      held("EXCHANGE_PRINCIPAL_UNKNOWN", "parked"),
      failed("TOKEN_REJECTED"),
      { ...allRefused, others: { active: 3, down: 2, open: 0 } },
      "EXCHANGE_PRINCIPAL_UNKNOWN parked",
    ],
    [
      "meets a dead token service while parked",
      held("ENTRA_CREDENTIAL_EXPIRED", "parked"),
      failed("ENTRA_UNAVAILABLE", { layer: "entra" }),
      undefined,
      "ENTRA_CREDENTIAL_EXPIRED parked",
    ],
    [
      "got a token and no server",
      held("ENTRA_CREDENTIAL_EXPIRED", "parked"),
      failed("CONNECT_REFUSED"),
      view({ refused: refused({ reach: 1 }) }),
      "mailbox",
    ],
    [
      "finds the incident over but for itself",
      held("SERVICE_INCIDENT", "waiting"),
      failed("MAILBOX_ACCESS_DENIED"),
      view({ refused: refused({ access: 4 }) }),
      "mailbox",
    ],
    [
      "finds the incident going on",
      held("SERVICE_INCIDENT", "waiting"),
      failed("TOKEN_REJECTED"),
      { ...allRefused, others: { active: 3, down: 3, open: 0 } },
      "SERVICE_INCIDENT waiting",
    ],
    ["is told to stop", held("ENTRA_CREDENTIAL_EXPIRED", "parked"), failed("INTERRUPTED", { layer: "engine" }), undefined, "unclear"],
    [
      "meets a Redis that is away",
      held("SERVER_THROTTLED", "waiting"),
      failed("REDIS_UNAVAILABLE", { layer: "redis" }),
      undefined,
      "unclear",
    ],
    [
      "is not throttled any more",
      held("SERVER_THROTTLED", "waiting"),
      failed("TOKEN_REJECTED"),
      view({ refused: refused({ login: 1 }) }),
      "mailbox",
    ],
  ] as const)("%s", (_name, hold, failure, seen, verdict) => {
    expect(told(verdictOf(failure, seen, hold))).toBe(verdict);
  });

  test("of a tenant that worked is sent within half a minute: it may be three mailboxes and no tenant. Then after 5 minutes", () => {
    const waits = [undefined, held("EXCHANGE_PRINCIPAL_UNKNOWN", "waiting")].map((hold) => {
      const verdict = verdictOf(failed("TOKEN_REJECTED"), allRefused, hold);
      return verdict.kind === "tenant" ? [verdict.order.state, verdict.order.inMs] : verdict.kind;
    });
    expect(waits).toEqual([
      ["waiting", 20_000],
      ["waiting", 5 * minute * 1.05],
    ]);
  });

  test("moves the next look by the policy, and keeps since and words of the same cause", () => {
    const verdict = verdictOf(failed("TOKEN_REJECTED"), allRefused, held("EXCHANGE_PRINCIPAL_UNKNOWN", "parked", 2));
    expect(verdict).toMatchObject({ kind: "tenant", order: { isSame: true, tries: 3, text: "the words" } });
    expect(verdict.kind === "tenant" && verdict.order.inMs).toBeGreaterThanOrEqual(30 * minute);
  });
});

describe("whatever happens,", () => {
  const anyRefused = fc.record({ login: fc.nat(9), access: fc.nat(9), reach: fc.nat(9), throttle: fc.nat(9) });
  const anyView: fc.Arbitrary<NeighbourView> = fc
    .record({
      mailboxes: fc.nat(50),
      refused: anyRefused,
      refusedForMs: fc.oneof(fc.nat(100_000), fc.nat(1e7)),
      openedLately: fc.nat(50),
      openedAgoMs: fc.option(fc.nat(1e9), { nil: undefined }),
      others: fc.record({ active: fc.nat(9), down: fc.nat(9), open: fc.nat(9) }),
    })
    .map(({ openedAgoMs, ...rest }) => ({ ...rest, ...(openedAgoMs !== undefined && { openedAgoMs }) }));
  const anyRandom = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000);
  const anyFailure = fc
    .tuple(fc.constantFrom(...failureCodes), fc.constantFrom("imap" as const, "entra" as const, "network" as const, "redis" as const))
    .map(([code, layer]) => failed(code, { layer }));
  const anyHold = fc.option(
    fc
      .tuple(fc.constantFrom(...failureCodes), fc.constantFrom("parked" as const, "waiting" as const), fc.integer({ min: 1, max: 20 }))
      .map(([code, state, tries]) => held(code, state, tries)),
    { nil: undefined },
  );
  const verdicts = (check: (failure: Failure, seen: NeighbourView, hold: TenantHold | undefined, verdict: Verdict) => void): void =>
    fc.assert(
      fc.property(anyFailure, anyView, anyHold, anyRandom, (failure, seen, hold, random) =>
        check(failure, seen, hold, judge({ failure, view: seen, now, random, ...(hold && { hold }) })),
      ),
      { numRuns: 2_000 },
    );

  test("there is a verdict, with a time to look again that is not now and not beyond two hours", () =>
    verdicts((_failure, _seen, hold, verdict) => {
      if (verdict.kind === "tenant") {
        expect(verdict.order.inMs).toBeGreaterThan(0);
        expect(verdict.order.inMs).toBeLessThan(8_000_000);
      }
      if (verdict.kind === "unclear") expect(hold).toBeDefined();
    }));

  test("nobody is parked for a refusal while several tenants that worked go down together", () =>
    verdicts((failure, seen, hold, verdict) => {
      const isTogether = seen.openedAgoMs !== undefined && seen.others.down >= 2;
      if (!isTogether || refusalKind(failure, false) === undefined || hold?.cause.state === "parked") return;
      if (failure.code !== "LOGIN_METHOD_REFUSED" && verdict.kind === "tenant") expect(verdict.order.state).toBe("waiting");
    }));

  test("a tenant that is parked stays so under its own cause, or becomes parked for another one", () =>
    verdicts((_failure, _seen, hold, verdict) => {
      if (hold?.cause.state === "parked" && verdict.kind === "tenant") expect(verdict.order.state).toBe("parked");
    }));

  test("one refused mailbox among those that open never holds its tenant", () =>
    verdicts((failure, seen, hold, verdict) => {
      const few =
        seen.refused.login + seen.refused.access < 3 && seen.refused.reach < 3 && seen.refused.throttle < 5 && seen.mailboxes >= 3;
      if (few && !hold && seen.openedLately > 0 && refusalKind(failure, false) !== undefined && failure.facts.layer !== "entra")
        expect(verdict.kind).toBe("mailbox");
    }));
});
