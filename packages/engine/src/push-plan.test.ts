import fc from "fast-check";
import { type FailureCode, failureCodes, limits, retryCapMs, syncError } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { afterEnd, pauseMs, planRound, replaceInMs, turnMs } from "./push-plan.ts";

const minute = 60_000;

describe("a round", () => {
  const calm = { chosen: 100, free: 0, budgets: [500, 500], budget: 500, held: 50, unconnected: 0 };

  test.each([
    ["takes nothing and gives nothing when it holds its share", calm, { claim: 0, release: 0 }],
    ["takes at most what it can connect soon", { ...calm, held: 0, free: 100 }, { claim: limits.pushConnecting, release: 0 }],
    ["takes less while others still connect", { ...calm, held: 14, unconnected: 10, free: 86 }, { claim: 6, release: 0 }],
    ["asks for nothing where nothing is free", { ...calm, held: 40 }, { claim: 0, release: 0 }],
    ["takes up to its share", { ...calm, held: 47, free: 3 }, { claim: 3, release: 0 }],
    ["takes up to its budget", { ...calm, chosen: 5_000, budgets: [50], budget: 50, held: 49, free: 4_000 }, { claim: 1, release: 0 }],
    ["gives to a newcomer in steps", { ...calm, held: 100 }, { claim: 0, release: limits.pushConnecting }],
    ["waits with giving until the newcomer took what is free", { ...calm, held: 84, free: 16 }, { claim: 0, release: 0 }],
    ["gives the last one above its share", { ...calm, held: 51 }, { claim: 0, release: 1 }],
  ])("%s", (_, question, plan) => {
    expect(planRound(question)).toEqual(plan);
  });

  test("workers that come and go end with equal shares and everything held, and then rest", () => {
    fc.assert(
      fc.property(fc.nat(300), fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 8 }), (chosen, changes) => {
        let workers = [0];
        let free = chosen;
        const round = (): number => {
          let moved = 0;
          for (const [i, held] of workers.entries()) {
            const plan = planRound({ chosen, free, budgets: workers.map(() => 500), budget: 500, held, unconnected: 0 });
            const claim = Math.min(plan.claim, free);
            workers[i] = held + claim - plan.release;
            free += plan.release - claim;
            moved += claim + plan.release;
          }
          return moved;
        };
        for (const change of [...changes, 0]) {
          if (change > 0) workers = [...workers, ...Array.from({ length: change }, () => 0)];
          for (const lost of workers.slice(0, Math.min(workers.length - 1, Math.max(0, -change)))) free += lost;
          workers = workers.slice(Math.min(workers.length - 1, Math.max(0, -change)));
          let rounds = 0;
          while (round() > 0) expect(++rounds).toBeLessThan(200);
          expect(free).toBe(0);
          expect(Math.max(...workers) - Math.min(...workers)).toBeLessThanOrEqual(workers.length);
          expect(Math.max(...workers)).toBeLessThanOrEqual(Math.ceil(chosen / workers.length));
        }
      }),
    );
  });
});

describe("after the end of a session", () => {
  const end = (
    code: FailureCode,
    more: { tries?: number; idledMs?: number; isTokenOver?: boolean; hintMs?: number; random?: number } = {},
  ) => {
    const { failure } = syncError(code, "x", { layer: "imap", ...(more.hintMs !== undefined && { hintMs: more.hintMs }) });
    return afterEnd({ failure, tries: 0, idledMs: undefined, isTokenOver: false, now: 1e12, random: 0.5, ...more });
  };

  test("a token that ended is no failure to wait for", () => {
    expect(end("SESSION_EXPIRED", { idledMs: 55 * minute, tries: 4 })).toEqual({ kind: "reconnect", inMs: 0, tries: 1 });
  });

  test("a token that lives for seconds is no failure either, one that the server ends before its time is", () => {
    expect(end("SESSION_EXPIRED", { idledMs: 4_000, isTokenOver: true, tries: 9 })).toEqual({ kind: "reconnect", inMs: 0, tries: 1 });
    expect(end("SESSION_EXPIRED", { idledMs: 4_000, tries: 9 })).toMatchObject({ kind: "give-back", tries: 10 });
  });

  test("a connection that broke after it worked comes back within a second", () => {
    const step = end("SESSION_CLOSED", { idledMs: 20 * minute, tries: 9, random: 0.999 });
    expect(step).toMatchObject({ kind: "reconnect", tries: 1 });
    expect(step.kind === "reconnect" && step.inMs).toBeLessThanOrEqual(1_000);
  });

  test("a server that does not come back is tried more and more seldom, and its connection serves others", () => {
    expect(end("CONNECT_REFUSED", { tries: 0, random: 0.99 })).toMatchObject({ kind: "reconnect", tries: 1 });
    expect(end("CONNECT_REFUSED", { tries: 4, random: 0.99 })).toMatchObject({ kind: "give-back", tries: 5 });
  });

  test("a hint to wait is kept to its end", () => {
    const step = end("SERVER_THROTTLED", { hintMs: 299_910, random: 0 });
    expect(step).toEqual({ kind: "give-back", afterMs: 299_910, tries: 1 });
  });

  test("a refusal is tried after 5, 15 and 60 minutes, whoever tries", () => {
    const waits = [0, 1, 2, 3].map((tries) => end("MAILBOX_ACCESS_DENIED", { tries, random: 0 }));
    expect(waits.map((step) => step.kind === "give-back" && step.afterMs / minute)).toEqual([5, 15, 60, 60]);
  });

  test("every failure has a next step, within the cap of all waits", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...failureCodes),
        fc.nat(50),
        fc.option(fc.nat(1e7)),
        fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000),
        (code, tries, idled, random) => {
          const step = end(code, { tries, random, ...(idled !== null && { idledMs: idled }) });
          const inMs = step.kind === "reconnect" ? step.inMs : step.afterMs;
          expect(inMs).toBeGreaterThanOrEqual(0);
          expect(inMs).toBeLessThanOrEqual(retryCapMs);
          if (step.kind === "reconnect") expect(inMs).toBeLessThanOrEqual(limits.pushKeepMs);
        },
      ),
    );
  });
});

test("an IDLE is begun anew after 20 to 25 minutes", () => {
  expect([turnMs(0) / minute, turnMs(0.999) / minute]).toEqual([20, expect.closeTo(25, 1)]);
});

describe("a session is replaced before its token ends", () => {
  test("in its last five minutes but one, when a new token is given, each at another moment", () => {
    const now = 1e12;
    const at = (random: number): number => (replaceInMs(now + 60 * minute, now, random) ?? 0) / minute;
    expect([at(0), at(0.5), at(1)]).toEqual([59, 57, 55]);
  });

  test("not at all where the token is too short for that", () => {
    expect(replaceInMs(6 * minute, 0, 0.5)).toBeUndefined();
    expect(replaceInMs(-5, 0, 0.5)).toBeUndefined();
  });
});

describe("the pause after a poke", () => {
  test("is a second, doubles while the mailbox never rests, and is a second again after a rest", () => {
    let pause = 0;
    const pauses = Array.from({ length: 7 }, () => (pause = pauseMs(pause, 0)));
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000]);
    expect(pauseMs(5_000, 1_000)).toBe(1_000);
  });
});
